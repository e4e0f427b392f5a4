// Two numbers of every row against each other, with intervals, and the front.

// The rule of bench/leaderboard/pareto.py: which rows no other is at least as good as in both numbers, and
// better in one. A bound, and the accuracy of an untrained or probed network, don't count.
function counts(line, column) {
  return line.values[column.name] !== undefined && !line.error && !["≥", "≤"].includes(line.marks[column.name])
    && (!column.of_accuracy || (line.is_trained && line.is_plain));
}

function frontOf(lines, x, y) {
  const better = (column, a, b) => (column.better === "more" ? a - b : b - a);
  const fit = lines.filter((line) => counts(line, x) && counts(line, y));
  if (!x.better || !y.better) return new Set();
  return new Set(fit.filter((line) => !fit.some((other) => {
    const inX = better(x, other.values[x.name], line.values[x.name]);
    const inY = better(y, other.values[y.name], line.values[y.name]);
    return inX >= 0 && inY >= 0 && (inX > 0 || inY > 0);
  })));
}

function pointOf(state, line, x, y) {
  const values = [x, y].map((column) => line.values[column.name]);
  const [xe, ye] = [x, y].map((column) => line.ends[column.name] || null);
  const say = (column, ends) =>
    `${column.label}: ${valueText(line, column)}${column.unit ? ` ${column.unit}` : ""}${ends ? ` ${interval(column, ends)}` : ""}`;
  const isFront = state.front.has(line);
  const kind = isFront ? "on the front" : line.is_trained || !y.of_accuracy ? "not on the front" : "untrained";
  return {
    key: state.table.lines.indexOf(line), name: line.name, kind,
    x: values[0], y: values[1], x0: xe ? xe[0] : null, x1: xe ? xe[1] : null, y0: ye ? ye[0] : null, y1: ye ? ye[1] : null,
    text: [line.name, say(y, ye), say(x, xe), kind].join("\n"),
  };
}

// Names of points that have room: those on the front first, then the best.
function labelled(points, width, height, log) {
  const across = log ? Math.log : (value) => value;
  const range = (key, map) => {
    const all = points.map((point) => map(point[key]));
    return [Math.min(...all), Math.max(...all) - Math.min(...all) || 1];
  };
  const [left, wide] = range("x", across), [low, tall] = range("y", (value) => value);
  const kept = [];
  for (const point of points.filter((each) => each.kind === "on the front").sort((a, b) => b.y - a.y)) {
    const at = [(width * (across(point.x) - left)) / wide, (height * (point.y - low)) / tall];
    const room = 7 * point.name.length + 10;
    if (!kept.some((other) => Math.abs(other.at[1] - at[1]) < 16 && Math.abs(other.at[0] - at[0]) < Math.max(room, other.room))) {
      kept.push({ at, room, point });
    }
  }
  return kept.map(({ point, at }) => ({ ...point, align: at[0] > width * 0.8 ? "right" : "left" }));
}

function scatterSpec(points, x, y, state, width, height) {
  const xScale = state.logX ? { type: "log", nice: false, padding: 14 } : { padding: 14 };
  const xOf = (field) => number(field, head(x), xScale, { grid: true });
  const yOf = (field) => number(field, head(y), state.logY ? { type: "log" } : { padding: 14 });
  const front = points.filter((point) => point.kind === "on the front");
  const rule = { type: "rule", aria: false, color: "var(--soft)", strokeWidth: 1.25 };
  const shapes = { domain: ["on the front", "not on the front", "untrained"], range: ["diamond", "circle", "triangle-up"] };
  const colours = { domain: shapes.domain, range: [RED, BLUE, "transparent"] };
  const legend = points.some((point) => point.kind !== points[0].kind);
  const layer = [
    { data: { values: points.filter((p) => p.x0 !== null) }, mark: rule, encoding: { x: xOf("x0"), x2: { field: "x1" }, y: yOf("y") } },
    { data: { values: points.filter((p) => p.y0 !== null) }, mark: rule, encoding: { x: xOf("x"), y: yOf("y0"), y2: { field: "y1" } } },
    {
      data: { values: front },
      mark: { type: "line", aria: false, color: RED, strokeWidth: 2, strokeDash: [6, 3], interpolate: x.better === "less" ? "step-after" : "step-before" },
      encoding: { x: xOf("x"), y: yOf("y") },
    },
    {
      data: { values: points },
      mark: { type: "point", filled: true, opacity: 1, stroke: "var(--page)", strokeWidth: 1.2 },
      encoding: {
        x: xOf("x"), y: yOf("y"), ...named,
        shape: { field: "kind", type: "nominal", scale: shapes, legend: null },
        fill: { field: "kind", type: "nominal", scale: colours, legend: null },
        stroke: { condition: { test: "datum.kind === 'untrained'", value: BLUE }, value: "var(--page)" },
        size: { condition: { test: "datum.kind === 'on the front'", value: 150 }, value: 90 },
      },
    },
  ];
  for (const align of ["left", "right"]) {
    layer.push({
      data: { values: labelled(points, width, height, state.logX).filter((point) => point.align === align) },
      mark: { type: "text", aria: false, align, dx: align === "left" ? 9 : -9, dy: -10, fontWeight: 600, fill: "var(--ink)", stroke: "none" },
      encoding: { x: xOf("x"), y: yOf("y"), text: { field: "name" } },
    });
  }
  return { spec: { height, layer }, legend };
}

function drawScatter(state, place, lines) {
  const x = columnOf.get(state.x), y = columnOf.get(state.y);
  const both = lines.filter((line) => line.values[x.name] !== undefined && line.values[y.name] !== undefined);
  const points = both.map((line) => pointOf(state, line, x, y))
    .filter((point) => (!state.logX || point.x > 0) && (!state.logY || point.y > 0));
  if (!points.length) {
    fill(place, el("p", { class: "note" }, "No row has both numbers."));
    return;
  }
  const width = place.clientWidth - 90;
  const height = width < 420 ? 320 : 440;
  const { spec } = scatterSpec(points, x, y, state, width, height);
  const lower = (column) => (column.better === "less" ? "less is better" : column.better === "more" ? "more is better" : "");
  const heads = ["network", head(y), "interval", head(x), "interval", "front"];
  chart(place, {
    label: `${head(y)} against ${head(x)}, ${points.length} networks, ${points.filter((p) => p.kind === "on the front").length} on the front`,
    spec,
    onPick: (key) => state.pick(state.table.lines[key], true),
    table: el("div", {},
      el("p", { class: "hint legend" },
        el("span", {}, el("span", { class: "front-mark", "aria-hidden": "true" }, "◆"), " on the front"),
        el("span", {}, el("span", { class: "dot", "aria-hidden": "true" }, "●"), " not on the front"),
        points.some((point) => point.kind === "untrained")
          ? el("span", {}, el("span", { class: "dot", "aria-hidden": "true" }, "△"), " untrained") : null,
        el("span", {}, `${x.label}: ${lower(x)}; ${y.label}: ${lower(y)}`)),
      asTable(`${head(y)} and ${head(x)}`, heads, () => [...both]
        .sort((a, b) => b.values[y.name] - a.values[y.name])
        .map((line) => [line.name, valueText(line, y), interval(y, line.ends[y.name]),
          valueText(line, x), interval(x, line.ends[x.name]), state.front.has(line) ? "yes" : ""]))),
  });
}
