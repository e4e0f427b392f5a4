// The details of one network: what is known of it, in print and from its samples and logits.

function part(title, hint, ...children) {
  return el("section", { class: "part" }, el("h3", {}, title), hint ? el("p", { class: "hint" }, hint) : null, ...children);
}

function drawDetails(state, place) {
  const line = state.line;
  const parts = [];
  const later = [];
  const add = (title, hint, draw, isWide) => {
    const target = el("div");
    const made = part(title, hint, target);
    if (isWide) made.classList.add("broad");
    parts.push(made);
    later.push(() => draw(target));
  };
  if (line.answers && line.answers.without_logits) {
    parts.push(el("p", { class: "note" }, "The stored logits of this network are not in the folder of results. Accuracy by number of views, confusions and misclassified videos need them."));
  }
  if (line.error) parts.push(el("p", { class: "note bad" }, `Failed: ${line.error}`));
  const answers = line.answers;
  if (answers) {
    if (answers.by_clips.length > 1) {
      add("Accuracy by number of views", `The first clips of each video alone; grey: the other networks; shaded: 95 % interval. ${answers.by_clips[0].views === 1 ? "" : `Each clip has ${answers.by_clips[0].views} views.`}`,
        (target) => drawViews(state, target));
    }
    if (answers.confusions.length) {
      add("Confusions", "Rows: the true class. Columns: what its videos were taken for. Most confused first.",
        (target) => drawConfusions(answers, target));
    }
    add(`${answers.score_name} of each class`, null, (target) => drawClasses(answers, target));
    if (answers.missed_of) {
      add("Misclassified videos", `${answers.missed_of} of ${answers.videos} videos, the surest mistakes first.`,
        (target) => drawMissed(answers, target));
    }
  }
  if (line.task) addTask(line, parts, add);
  if (line.probes.length) {
    parts.push(drawMotion(line, later));
  }
  if (line.timing) {
    const more = line.values.latency_ms === undefined || isForwardAlone(line) ? null
      : "Of the forwards alone: the latency has the optical flow too, or the time in which the GPU waits for the host.";
    add("Samples of the latency", more, (target) => drawSamples(line.timing, target));
  }
  if (line.swept) {
    add("Batch sweep", line.swept.end, (target) => drawSweep(state, target));
  }
  if (line.compared.length) {
    parts.push(part("Published and measured", "The printed numbers that are closest to this row's conditions. Reproduced: the same number under the same conditions.",
      plainTable(`Published and measured numbers of ${line.name}`,
        ["number", "printed", "here", "difference", "verdict", "why", "source"],
        line.compared.map((pair) => [pair.quantity, pair.printed, pair.here, pair.difference, pair.verdict, pair.why || null,
          el("a", { href: pair.url }, pair.source)]))));
  }
  if (line.printed.length) {
    parts.push(part("In print", "What papers and repositories printed of this network; their views, crops and data may be others.",
      plainTable(`Printed numbers of ${line.name}`,
        ["variant", "pretraining", "dataset", "input", "views", "top-1 %", "top-5 %", "GMACs", "params M", "source"],
        line.printed.map((row) => [row.variant, row.pretraining, row.dataset, row.input, row.views,
          row.top1, row.top5, row.gmacs, row.params_m, `${row.source} (${row.evidence})`]))));
  }
  const facts = state.table.columns.filter((name) => line.values[name] !== undefined)
    .map((name) => columnOf.get(name))
    .map((column) => [head(column), `${valueText(line, column)} ${interval(column, line.ends[column.name])}`.trim()]);
  parts.push(el("details", { class: "part" }, el("summary", {}, "Everything known of it"),
    plainTable(`All values of ${line.name}`, ["name", "value"], [...facts, ["record", line.record]]),
    ...(line.notes.length ? [el("ul", {}, ...line.notes.map((note) => el("li", {}, note)))] : [])));
  fill(place, ...parts);
  later.forEach((draw) => draw());
}

// Lines of one network and of all others: at most one has a colour, so that it can be told apart.
function lineChart(place, { label, x, y, own, others, table, log, discrete }) {
  const xOf = { field: "x", type: "quantitative", title: x, scale: log ? { type: "log", base: 2, nice: false } : { nice: false, zero: false },
    axis: { tickMinStep: 1, grid: false, values: discrete && own.length < 33 ? own.map((point) => point.x) : undefined, format: "~s" } };
  const band = own.filter((point) => point.y0 !== null && point.y0 !== undefined);
  chart(place, {
    label, table,
    spec: {
      height: 280,
      layer: [
        { data: { values: others }, mark: { type: "line", aria: false, color: GREY, strokeWidth: 1.2 },
          encoding: { x: xOf, y: number("y", y), detail: { field: "name" } } },
        { data: { values: band }, mark: { type: "area", aria: false, color: RED, opacity: 0.18 },
          encoding: { x: xOf, y: number("y0", y), y2: { field: "y1" } } },
        { data: { values: own }, mark: { type: "line", aria: false, color: RED, strokeWidth: 2.5 },
          encoding: { x: xOf, y: number("y", y) } },
        { data: { values: own }, mark: { type: "point", shape: "diamond", filled: true, size: 90, color: RED, opacity: 1 },
          encoding: { x: xOf, y: number("y", y), ...named } },
      ],
    },
  });
}

function drawViews(state, place) {
  const points = (line) => line.answers.by_clips.map((each) => ({
    name: line.name, x: each.clips, y: 100 * each.score, y0: each.ends ? 100 * each.ends[0] : null, y1: each.ends ? 100 * each.ends[1] : null,
    text: `${line.name}\n${each.clips} clips (${each.views} views): ${percent(each.score)}${each.ends ? ` [${percent(each.ends[0])}, ${percent(each.ends[1])}]` : ""}`,
  }));
  const others = state.table.lines.filter((line) => line !== state.line && line.is_plain && line.is_trained && line.answers && line.answers.by_clips.length > 1);
  lineChart(place, {
    label: `${state.line.answers.score_name} of ${state.line.name} by number of clips`,
    x: "clips of a video", y: `${state.line.answers.score_name} (%)`, own: points(state.line), others: others.flatMap(points), discrete: true,
    table: asTable(`Accuracy of ${state.line.name} by number of clips`, ["clips", "views", state.line.answers.score_name, "interval"],
      () => state.line.answers.by_clips.map((each) => [String(each.clips), each.views, percent(each.score, 2),
        each.ends ? `[${percent(each.ends[0])}, ${percent(each.ends[1])}]` : ""])),
  });
}
