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

const PAD = 14; // pixels between the ends of an axis and the outermost points

// The corners of the front: what is reached at each cost.
function cornersOf(front, x) {
  const ordered = [...front].sort((a, b) => (x.better === "less" ? a.x - b.x : b.x - a.x));
  return ordered.flatMap((point, at) => (at ? [{ x: point.x, y: ordered[at - 1].y }, point] : [point]));
}

function scatterSpec(points, x, y, state, width, height) {
  const spanX = spanOf(points.flatMap((point) => (state.logX && point.x0 <= 0 ? [point.x] : [point.x, point.x0, point.x1])));
  const spanY = spanOf(points.flatMap((point) => (state.logY && point.y0 <= 0 ? [point.y] : [point.y, point.y0, point.y1])));
  const scale = (log, domain) => (log ? { type: "log", domain, nice: false, padding: PAD, clamp: true } : { domain, nice: false, padding: PAD });
  const xOf = (field) => number(field, head(x), scale(state.logX, spanX), state.logX ? logAxis(spanX, { grid: true }) : { grid: true });
  const yOf = (field) => number(field, head(y), scale(state.logY, spanY), state.logY ? logAxis(spanY) : {});
  const along = (log, [low, high], value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const place = (point) => ({
    x: PAD + (width - 2 * PAD) * along(state.logX, spanX, point.x),
    y: height - PAD - (height - 2 * PAD) * along(state.logY, spanY, point.y),
  });
  const isFront = (point) => point.kind === "on the front";
  const corners = cornersOf(points.filter(isFront), x);
  const rule = { type: "rule", aria: false, color: "var(--soft)", strokeWidth: 1.25 };
  const shapes = { domain: ["on the front", "not on the front", "untrained"], range: ["diamond", "circle", "triangle-up"] };
  const colours = { domain: shapes.domain, range: [RED, BLUE, "transparent"] };
  const layer = [
    { data: { values: points.filter((p) => p.x0 !== null) }, mark: rule, encoding: { x: xOf("x0"), x2: { field: "x1" }, y: yOf("y") } },
    { data: { values: points.filter((p) => p.y0 !== null) }, mark: rule, encoding: { x: xOf("x"), y: yOf("y0"), y2: { field: "y1" } } },
    {
      data: { values: corners.map((point, at) => ({ ...point, at })) },
      mark: { type: "line", aria: false, color: RED, strokeWidth: 2, strokeDash: [6, 3] },
      encoding: { x: xOf("x"), y: yOf("y"), order: { field: "at" } },
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
  const names = namesWithRoom(points, corners, place, width, height);
  for (const spot of SPOTS) {
    for (const front of [true, false]) {
      layer.push({
        data: { values: names.filter((point) => point.spot === spot && isFront(point) === front) },
        mark: { type: "text", aria: false, ...spot, baseline: "middle", fontWeight: front ? 600 : 400, fontSize: front ? 12 : 11,
          fill: front ? "var(--ink)" : "var(--muted)", stroke: "var(--page)", strokeWidth: 3 },
        encoding: { x: xOf("x"), y: yOf("y"), text: { field: "label" } },
      });
    }
  }
  return { layer };
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
  const width = place.clientWidth - 66; // without the numbers of the axis
  const height = width < 420 ? 320 : 440;
  const spec = scatterSpec(points, x, y, state, width, height - 52);
  spec.height = height;
  const lower = (column) => (column.better === "less" ? "less is better" : column.better === "more" ? "more is better" : "");
  const heads = ["network", head(y), "interval", head(x), "interval", "front"];
  chart(place, {
    label: `${head(y)} against ${head(x)}, ${points.length} networks, ${points.filter((p) => p.kind === "on the front").length} on the front`,
    spec,
    onPick: (key) => state.pick(state.table.lines[key], true),
    table: el("div", {},
      el("p", { class: "hint legend" },
        el("span", {}, el("span", { class: "front-mark", "aria-hidden": "true" }, "◆"), "on the front"),
        el("span", {}, el("span", { class: "dot", "aria-hidden": "true" }, "●"), "not on the front"),
        points.some((point) => point.kind === "untrained")
          ? el("span", {}, el("span", { class: "dot", "aria-hidden": "true" }, "△"), "untrained") : null,
        el("span", {}, [x, y].filter(lower).map((column) => `${column.label}: ${lower(column)}`).join("; "))),
      asTable(`${head(y)} and ${head(x)}`, heads, () => [...both]
        .sort((a, b) => b.values[y.name] - a.values[y.name])
        .map((line) => [line.name, valueText(line, y), interval(y, line.ends[y.name]),
          valueText(line, x), interval(x, line.ends[x.name]), state.front.has(line) ? "yes" : ""]))),
  });
}
