// The table of a board: sorted by a click on a head, filtered, with the front marked.

function sorted(state, lines) {
  if (!state.sort) return lines;
  const { name, falling } = state.sort;
  const value = (line) => line.values[name];
  return [...lines].sort((one, other) => {
    const a = value(one), b = value(other);
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    const order = typeof a === "number" && typeof b === "number" ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true });
    return falling ? -order : order;
  });
}

// The first click puts the best first, the next one turns the order round.
function sortBy(state, column) {
  const before = state.sort;
  if (before && before.name === column.name) before.falling = !before.falling;
  else state.sort = { name: column.name, falling: column.better === "more" };
}

function bestOf(lines, column) {
  const values = lines.filter((line) => line.is_plain && (line.is_trained || !column.of_accuracy))
    .map((line) => line.values[column.name]).filter((value) => typeof value === "number");
  if (!column.better || column.name === "rank" || values.length < 2) return null;
  const best = values.reduce((one, other) => (column.better === "more" ? Math.max(one, other) : Math.min(one, other)));
  // What a quarter of the rows have distinguishes none of them.
  return values.filter((value) => value === best).length <= Math.max(1, values.length / 4) ? best : null;
}

function headCell(state, column, redraw) {
  const sort = state.sort && state.sort.name === column.name ? state.sort : null;
  const order = sort ? (sort.falling ? "descending" : "ascending") : "none";
  const arrow = sort ? (sort.falling ? "▼" : "▲") : "";
  const button = el("button", {
    type: "button", "data-sort": column.name,
    onclick: () => {
      sortBy(state, column);
      redraw();
      document.querySelector(`#table button[data-sort="${CSS.escape(column.name)}"]`).focus();
    },
  }, column.label, column.unit ? el("span", { class: "unit" }, ` ${column.unit}`) : null,
  el("span", { class: "arrow", "aria-hidden": "true" }, arrow));
  return el("th", {
    scope: "col", "aria-sort": order, class: column.is_number ? "number" : column.name === "model" ? "sticky" : null,
  }, button);
}

function bodyCell(state, line, column, best) {
  const value = line.values[column.name];
  if (column.name === "model") {
    const isFront = state.front.has(line);
    return el("th", { scope: "row", class: "sticky" },
      isFront ? el("span", { class: "front-mark", title: "on the front", role: "img", "aria-label": "on the front" }, "◆") : null,
      el("button", { type: "button", class: "name", title: "Show this network", onclick: () => state.pick(line, true) },
        shown(value)),
      line.error ? el("span", { class: "failed" }, "failed") : null,
      line.error ? el("span", { class: "ends reason" }, shortened(line.error, 90)) : null);
  }
  if (value === undefined) return el("td", { class: column.is_number ? "number absent" : "absent" }, "–");
  const isBest = best !== null && value === best && line.is_plain && (line.is_trained || !column.of_accuracy);
  const ends = line.ends[column.name];
  return el("td", { class: `${column.is_number ? "number" : ""}${isBest ? " best" : ""}`, title: typeof value === "number" ? String(value) : null },
    el("span", {}, valueText(line, column)),
    ends && state.withEnds ? el("span", { class: "ends" }, interval(column, ends)) : null);
}

function drawTable(state, place) {
  const body = el("tbody"), heads = el("tr"), count = el("p", { class: "hint", role: "status", id: "count" });
  const table = el("table", { id: "numbers" }, el("caption", { class: "quiet" }, state.table.title), el("thead", {}, heads), body);
  let now = { lines: [], columns: [] };
  const redraw = () => {
    const columns = state.columns.map((name) => columnOf.get(name));
    const lines = sorted(state, state.table.lines.filter((line) => passes(state, line)));
    now = { lines, columns };
    const best = columns.map((column) => bestOf(state.table.lines, column));
    fill(heads, ...columns.map((column) => headCell(state, column, redraw)));
    fill(body, ...lines.map((line) => el("tr", { class: state.front.has(line) ? "front" : null },
      ...columns.map((column, at) => bodyCell(state, line, column, best[at])))));
    count.textContent = `${lines.length} of ${state.table.lines.length} rows`;
    if (!lines.length) {
      fill(body, el("tr", {}, el("td", { class: "absent", colspan: columns.length }, "No row passes the filter and the limits.")));
    }
    if (state.columnCount) state.columnCount.textContent = `Columns (${state.columns.length} of ${state.table.columns.length})`;
    state.onRows(lines);
    remember(state);
  };
  const any = (has) => state.table.lines.some(has);
  const search = el("input", {
    type: "search", id: "filter", placeholder: "for example slow fp32", value: state.text,
    oninput: (event) => {
      state.text = event.target.value;
      redraw();
    },
  });
  fill(place,
    el("div", { class: "controls", role: "search", "aria-label": "Rows and columns" },
      el("label", {}, "Filter ", search), ...numberFilters(state, redraw),
      any((line) => Object.keys(line.ends).length) ? checkbox("intervals", state.withEnds, (on) => {
        state.withEnds = on;
        redraw();
      }, { id: "with-ends" }) : null,
      el("button", { type: "button", id: "save", onclick: () => save("benchmark.csv", csvOf(now.lines, now.columns)) }, "Save as CSV"),
      columnChooser(state, redraw)),
    count,
    el("div", { class: "scroll tall", role: "region", tabindex: "0", "aria-label": "Table of all numbers" }, table),
    el("p", { class: "hint legend" },
      state.front.size ? el("span", {}, el("span", { class: "front-mark", "aria-hidden": "true" }, "◆"), "on the front of the chart above") : null,
      any((line) => line.is_plain) && state.table.lines.length > 1 ? el("span", {}, el("strong", {}, "bold"), ": best of its column") : null,
      any((line) => Object.keys(line.ends).length) ? el("span", {}, el("span", { class: "ends inline" }, "[ , ]"), ": 95 % interval") : null,
      any((line) => Object.keys(line.marks).length)
        ? el("span", {}, "~: disturbed, or a wide interval; ≥ and ≤: bounds") : null,
      el("span", {}, "Choose a head to sort by it, a name to see more of it")));
  state.redrawTable = redraw;
  redraw();
}
