// Samples of a latency, latencies of all networks, batch sweeps.

function drawSamples(timing, place) {
  const all = timing.processes.flatMap((each) => each.samples_s);
  const { unit, factor } = timeScale(timing.median_s);
  const name = timing.processes.some((each) => each.blocks > 1) ? "process" : "block";
  const rows = timing.processes.map((each, at) => ({ ...each, name: `${name} ${at + 1}` }));
  // One sample of a hundred times the median would hide all others: the axis ends at the 99th hundredth.
  const ordered = [...all].sort((a, b) => a - b);
  const end = Math.max(ordered[Math.floor(0.99 * (ordered.length - 1))], timing.ends_s ? timing.ends_s[1] : 0, ...rows.map((row) => row.median_s));
  const domain = [factor * Math.min(ordered[0], timing.ends_s ? timing.ends_s[0] : ordered[0]), factor * end];
  const x = (field) => ({ field, type: "quantitative", title: `time of a forward (${unit})`, scale: { domain, zero: false, nice: true, clamp: true }, axis: { tickCount: 6 } });
  const y = { field: "name", type: "nominal", sort: rows.map((row) => row.name), title: null, axis: { grid: false, ticks: false, domain: false, labelColor: "var(--ink)" } };
  const samples = rows.flatMap((row) => row.samples_s.map((each) => ({ name: row.name, x: factor * each })));
  const medians = rows.map((row) => ({ name: row.name, x: factor * row.median_s,
    text: `${row.name}: median ${shown(factor * row.median_s)} ${unit}, ${row.count} samples` }));
  const ends = timing.ends_s ? [{ x: factor * timing.ends_s[0], x1: factor * timing.ends_s[1] }] : [];
  chart(place, {
    label: `Samples of the latency in ${rows.length} ${name === "block" ? "blocks" : "processes"}`,
    spec: {
      height: 30 * rows.length + 60,
      layer: [
        { data: { values: ends }, mark: { type: "rect", aria: false, color: BLUE, opacity: 0.14 }, encoding: { x: x("x"), x2: { field: "x1" } } },
        { data: { values: [{ x: factor * timing.median_s }] }, mark: { type: "rule", aria: false, color: BLUE, strokeWidth: 1.5, strokeDash: [4, 3] }, encoding: { x: x("x") } },
        { data: { values: samples }, mark: { type: "tick", aria: false, color: "var(--muted)", opacity: 0.45, thickness: 1.5, size: 14 }, encoding: { x: x("x"), y } },
        { data: { values: medians }, mark: { type: "point", shape: "diamond", filled: true, size: 110, opacity: 1, color: RED }, encoding: { x: x("x"), y, ...named } },
      ],
    },
    table: el("div", {},
      el("p", { class: "hint legend" }, el("span", {}, el("span", { class: "front-mark", "aria-hidden": "true" }, "◆"), `median of a ${name}`),
        el("span", {}, "ticks: samples, the slowest at the edge"), el("span", {}, "shaded: 95 % interval of the latency"),
        timing.discarded ? el("span", {}, `${timing.discarded} samples of disturbed blocks are left out`) : null),
      asTable(`Medians by ${name}`, [name, `median (${unit})`, "samples"],
        () => rows.map((row) => [row.name, shown(factor * row.median_s), row.count]))),
  });
}

function isForwardAlone(line) {
  return Math.abs(1e3 * line.timing.median_s - line.values.latency_ms) <= 1e-6 * line.values.latency_ms;
}

function drawLatencies(state, place, section) {
  const timed = state.table.lines.filter((line) => line.timing && line.values.latency_ms !== undefined)
    .sort((a, b) => a.values.latency_ms - b.values.latency_ms);
  section.hidden = timed.length < 2;
  if (section.hidden) return;
  const slowest = timed[timed.length - 1].values.latency_ms, fastest = timed[0].values.latency_ms;
  const log = slowest > 20 * fastest;
  const column = columnOf.get("latency_ms");
  const span = spanOf(timed.flatMap((line) => [line.values.latency_ms, ...(line.ends.latency_ms || [])]));
  const x = (field) => number(field, head(column), log ? { type: "log", nice: false, padding: 12 } : { padding: 12 }, log ? logAxis(span) : {});
  const order = timed.map((line) => line.name);
  const y = { field: "name", type: "nominal", sort: order, title: null, axis: { ticks: false, domain: false, grid: true, labelColor: "var(--ink)", labelLimit: place.clientWidth > 700 ? 400 : 150 } };
  const rows = timed.map((line) => ({
    key: state.table.lines.indexOf(line), name: line.name, x: line.values.latency_ms,
    x0: line.ends.latency_ms ? line.ends.latency_ms[0] : null, x1: line.ends.latency_ms ? line.ends.latency_ms[1] : null,
    text: `${line.name}\nlatency: ${valueText(line, column)} ms ${interval(column, line.ends.latency_ms)}`,
  }));
  // With optical flow, or if the GPU waits for the host, a latency is more than its forwards.
  const processes = timed.filter(isForwardAlone).flatMap((line) => line.timing.processes.filter((each) => each.blocks > 1)
    .map((each) => ({ name: line.name, x: 1e3 * each.median_s })));
  chart(place, {
    label: `Latency of ${timed.length} networks with intervals, the fastest first`,
    spec: {
      height: (timed.length > 40 ? 15 : 20) * timed.length + 60,
      layer: [
        { data: { values: rows.filter((row) => row.x0 !== null) }, mark: { type: "rule", aria: false, color: "var(--soft)", strokeWidth: 5, strokeCap: "round", opacity: 0.55 }, encoding: { x: x("x0"), x2: { field: "x1" }, y } },
        { data: { values: processes }, mark: { type: "tick", aria: false, color: "var(--muted)", thickness: 1.2, size: 11 }, encoding: { x: x("x"), y } },
        { data: { values: rows }, mark: { type: "point", filled: true, size: 70, opacity: 1, color: BLUE, stroke: "var(--page)", strokeWidth: 1 }, encoding: { x: x("x"), y, ...named } },
      ],
    },
    onPick: (key) => state.pick(state.table.lines[key], true),
    table: el("div", {}, el("p", { class: "hint legend" }, el("span", {}, el("span", { class: "dot", "aria-hidden": "true" }, "●"), "latency"),
      el("span", {}, "bar: 95 % interval"), processes.length ? el("span", {}, "ticks: medians of the processes") : null),
    asTable("Latency of every network", ["network", head(column), "interval"],
      () => timed.map((line) => [line.name, valueText(line, column), interval(column, line.ends.latency_ms)]))),
  });
}

function drawSweep(state, place) {
  const kinds = {
    per_s: { title: "throughput (clips/s)", of: (point) => [point.per_s, point.per_s_ends], factor: 1 },
    latency_s: { title: "latency of a batch (ms)", of: (point) => [point.latency_s, point.latency_ends_s], factor: 1e3 },
    memory: { title: "peak memory (MB)", of: (point) => [point.memory_bytes, null], factor: 1e-6 },
  };
  const target = el("div");
  const draw = (which) => {
    const { title, of, factor } = kinds[which];
    const points = (line) => line.swept.points.filter((point) => of(point)[0] !== null).map((point) => {
      const [value, ends] = of(point);
      return { name: line.name, x: point.batch, y: factor * value, y0: ends ? factor * ends[0] : null, y1: ends ? factor * ends[1] : null,
        text: `${line.name}, batch ${point.batch}\n${title}: ${shown(factor * value)}${ends ? ` [${shown(factor * ends[0])}, ${shown(factor * ends[1])}]` : ""}` };
    });
    const others = state.table.lines.filter((line) => line !== state.line && line.swept);
    lineChart(target, {
      label: `${title} of ${state.line.name} by batch`, x: "batch", y: title, own: points(state.line), others: others.flatMap(points), log: true, discrete: true,
      table: asTable(`Batch sweep of ${state.line.name}`, ["batch", "clips/s", "latency (ms)", "peak memory (MB)"],
        () => state.line.swept.points.map((point) => [String(point.batch), shown(point.per_s), shown(1e3 * point.latency_s),
          point.memory_bytes === null ? "–" : shown(1e-6 * point.memory_bytes)])),
    });
  };
  fill(place, el("div", { class: "controls" },
    select("Show", Object.entries(kinds).map(([name, kind]) => [name, kind.title]), "per_s", draw)),
  state.line.swept.knee ? el("p", { class: "hint" }, `The knee is at batch ${state.line.swept.knee}: the smallest with 95 % of the best throughput.`) : null, target);
  draw("per_s");
}
