// Accuracy against latency by runtime: from each network in eager PyTorch to where it is fastest.

const WAY_SHAPES = ["diamond", "square", "triangle-up", "triangle-down", "cross", "triangle-right", "triangle-left"];
const WAY_COLOURS = ["red", "blue", "green"];
const SIGNS = { circle: "●", diamond: "◆", square: "■", "triangle-up": "▲", "triangle-down": "▼", cross: "✚", "triangle-right": "▶", "triangle-left": "◀" };

// A runtime has its own looks, whichever others win.
function looksOf(ways) {
  return new Map(ways.map((way, at) => [way, at
    ? { shape: WAY_SHAPES[(at - 1) % WAY_SHAPES.length], colour: WAY_COLOURS[(at - 1) % WAY_COLOURS.length] }
    : { shape: "circle", colour: "soft" }]));
}

function movedText(moved, score) {
  const eager = `eager PyTorch: ${measured(moved.before_ms)} ms, ${score} ${fixed(moved.before_percent, 1)} %`;
  if (moved.before === moved.after) return `${moved.name}\n${eager}\nno other runtime is faster`;
  const ends = moved.ends ? ` [${fixed(moved.ends[0], 2)}, ${fixed(moved.ends[1], 2)}]` : "";
  return `${moved.name}\n${eager}\n${moved.way}: ${measured(moved.after_ms)} ms, ${score} ${fixed(moved.after_percent, 1)} %\nspeed-up: ${fixed(moved.speed_up, 2)}${ends}`;
}

// Of all networks, those that no other beats where each is fastest.
function isUnbeaten(point, points) {
  return !points.some((other) => other.x <= point.x && other.y >= point.y && (other.x < point.x || other.y > point.y));
}

function runtimesSpec(by, ends, starts, looks, width, height) {
  const spanX = spanOf(by.moved.flatMap((moved) => [moved.before_ms, moved.after_ms]));
  const spanY = spanOf(by.moved.flatMap((moved) => [moved.before_percent, moved.after_percent]));
  const log = spanX[1] > 8 * spanX[0];
  const scale = { domain: spanX, nice: false, padding: PAD, ...(log ? { type: "log", clamp: true } : {}) };
  const xOf = (field) => number(field, "latency (ms)", scale, log ? logAxis(spanX, { grid: true }) : { grid: true });
  const yOf = (field) => number(field, `${by.score_name} (%)`, { domain: spanY, nice: false, padding: PAD });
  const along = (isLog, [low, high], value) => (isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const place = (point) => ({
    x: PAD + (width - 2 * PAD) * along(log, spanX, point.x),
    y: height - PAD - (height - 2 * PAD) * along(false, spanY, point.y),
  });
  const layer = [
    {
      data: { values: by.moved.map((moved) => ({ x: moved.before_ms, x1: moved.after_ms, y: moved.before_percent, y1: moved.after_percent })) },
      mark: { type: "rule", aria: false, color: "var(--soft)", strokeWidth: 1.25 },
      encoding: { x: xOf("x"), x2: { field: "x1" }, y: yOf("y"), y2: { field: "y1" } },
    },
    {
      data: { values: starts },
      mark: { type: "point", filled: true, opacity: 1, size: 60, fill: "var(--page)", stroke: "var(--muted)", strokeWidth: 1.5 },
      encoding: { x: xOf("x"), y: yOf("y"), ...named },
    },
  ];
  for (const [way, { shape, colour }] of looks) {
    layer.push({
      data: { values: ends.filter((point) => point.way === way) },
      mark: { type: "point", filled: true, opacity: 1, size: 110, shape, fill: `var(--${colour})`, stroke: "var(--page)", strokeWidth: 1.2 },
      encoding: { x: xOf("x"), y: yOf("y"), ...named },
    });
  }
  const lines = by.moved.map((moved) => [{ x: moved.before_ms, y: moved.before_percent }, { x: moved.after_ms, y: moved.after_percent }]);
  const names = namesWithRoom([...ends, ...starts.map((point) => ({ ...point, name: "" }))], [], place, width, height, lines);
  for (const spot of SPOTS) {
    layer.push({
      data: { values: names.filter((point) => point.name && point.spot === spot) },
      mark: { type: "text", aria: false, ...spot, baseline: "middle", fontSize: 11, fill: "var(--muted)", stroke: "var(--page)", strokeWidth: 3 },
      encoding: { x: xOf("x"), y: yOf("y"), text: { field: "label" } },
    });
  }
  return { height: height + 52, layer };
}

function drawRuntimes(state, place, section) {
  const by = state.table.runtimes;
  section.hidden = !by;
  if (!by) return;
  const score = by.score_name, all = looksOf(by.ways);
  byId("runtimes-h").textContent = `${capital(score)} against latency, by runtime`;
  const ends = by.moved.map((moved) => ({ key: moved.after, name: moved.name, way: moved.way, x: moved.after_ms, y: moved.after_percent, text: movedText(moved, score) }));
  for (const point of ends) point.kind = isUnbeaten(point, ends) ? "on the front" : "not on the front";
  const starts = by.moved.filter((moved) => moved.before !== moved.after)
    .map((moved) => ({ key: moved.before, name: moved.name, x: moved.before_ms, y: moved.before_percent, text: movedText(moved, score) }));
  const looks = [...all].filter(([way]) => ends.some((point) => point.way === way));
  const width = place.clientWidth - 66;
  const count = (way) => ends.filter((point) => point.way === way).length;
  chart(place, {
    label: `${score} against latency of ${ends.length} networks, each in eager PyTorch and in its fastest runtime`,
    spec: runtimesSpec(by, ends, starts, looks, width, (width < 420 ? 320 : 440) - 52),
    onPick: (key) => state.pick(state.table.lines[key], true),
    table: el("div", {},
      el("p", { class: "hint legend" },
        starts.length ? el("span", {}, el("span", { class: "dot soft", "aria-hidden": "true" }, "○"), "eager PyTorch") : null,
        ...looks.map(([way, { shape, colour }]) => el("span", {},
          el("span", { class: `dot ${colour}`, "aria-hidden": "true" }, SIGNS[shape]),
          `fastest in ${way === by.ways[0] ? "eager PyTorch" : way} (${count(way)})`))),
      asTable(`${capital(score)} and latency by runtime`,
        ["network", "eager (ms)", `${score} (%)`, "fastest in", "fastest (ms)", `${score} there (%)`, "speed-up", "interval"],
        () => [...by.moved].sort((a, b) => a.after_ms - b.after_ms).map((moved) => [
          moved.name, measured(moved.before_ms), fixed(moved.before_percent, 1), moved.before === moved.after ? "eager PyTorch" : moved.way, measured(moved.after_ms), fixed(moved.after_percent, 1),
          moved.speed_up === null ? "–" : fixed(moved.speed_up, 2), moved.ends ? `[${fixed(moved.ends[0], 2)}, ${fixed(moved.ends[1], 2)}]` : ""]))),
  });
  const means = by.means.map((mean) => `${mean.way} ${fixed(mean.speed_up, 2)} (${mean.networks})`);
  byId("runtimes-means").textContent = means.length
    ? `Geometric mean of the speed-ups over eager PyTorch, with the number of networks: ${means.join(", ")}.` : "";
}
