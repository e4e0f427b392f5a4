// Which columns a table shows, and which rows: text, and numbers from and to.

// The columns that are shown at first. On a phone the settings come after the numbers, which are what
// people look for.
function shownOf(table) {
  if (!window.matchMedia("(max-width: 40rem)").matches) return [...table.shown];
  const isNumber = (name) => name === "model" || columnOf.get(name).is_number;
  return [...table.shown.filter(isNumber), ...table.shown.filter((name) => !isNumber(name))];
}

function columnChooser(state, redraw) {
  const boxes = state.table.columns.map((name) => {
    const column = columnOf.get(name);
    return checkbox(head(column), state.columns.includes(name), (on) => {
      const chosen = new Set(state.columns);
      if (on) chosen.add(name);
      else chosen.delete(name);
      const first = shownOf(state.table).filter((each) => chosen.has(each));
      state.columns = [...first, ...state.table.columns.filter((each) => chosen.has(each) && !first.includes(each))];
      redraw();
    }, { disabled: name === "model", "data-column": name });
  });
  const summary = el("summary", {}, `Columns (${state.columns.length} of ${state.table.columns.length})`);
  state.columnCount = summary;
  return el("details", { class: "chooser" }, summary,
    el("fieldset", {}, el("legend", { class: "quiet" }, "Columns"), ...boxes));
}

function numberFilters(state, redraw) {
  const numbers = state.table.columns.map((name) => columnOf.get(name)).filter((column) => column.is_number);
  const list = el("ul", { class: "filters" });
  const show = (filter) => {
    const change = (key) => (event) => {
      filter[key] = event.target.value;
      redraw();
    };
    const item = el("li", {},
      select("Column", numbers.map((column) => [column.name, head(column)]), filter.name, (name) => {
        filter.name = name;
        redraw();
      }),
      el("label", {}, "from ", el("input", { type: "number", step: "any", class: "low", value: filter.low, oninput: change("low") })),
      el("label", {}, "to ", el("input", { type: "number", step: "any", class: "high", value: filter.high, oninput: change("high") })),
      el("button", {
        type: "button", onclick: () => {
          state.filters = state.filters.filter((each) => each !== filter);
          item.remove();
          button.focus();
          redraw();
        },
      }, "Remove"));
    list.append(item);
    return item;
  };
  const add = () => {
    const filter = { name: numbers[0].name, low: "", high: "" };
    state.filters.push(filter);
    show(filter).querySelector("select").focus();
  };
  state.filters.forEach(show);
  const button = el("button", { type: "button", id: "add-filter", onclick: add }, "Add a limit");
  return numbers.length ? [button, list] : [];
}

function passes(state, line) {
  const text = state.text.trim().toLowerCase();
  if (text) {
    const words = [line.name, ...Object.entries(line.values)
      .filter(([name]) => columnOf.has(name) && !columnOf.get(name).is_number)
      .map(([, value]) => String(value))].join(" ").toLowerCase();
    if (!text.split(/\s+/).every((word) => words.includes(word))) return false;
  }
  return state.filters.every(({ name, low, high }) => {
    if (low === "" && high === "") return true;
    const value = line.values[name];
    if (value === undefined) return false;
    return (low === "" || value >= Number(low)) && (high === "" || value <= Number(high));
  });
}
