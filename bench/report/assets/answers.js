// What stored logits say: confusions, classes, misclassified videos, probes.

const CLASSES = 14; // of a heat map: more have no room for their names
const BARS = 30;

function drawConfusions(answers, place) {
  const order = [];
  for (const { true: one, named: other } of answers.confusions) {
    for (const name of [one, other]) if (!order.includes(name) && order.length < CLASSES) order.push(name);
  }
  const videos = new Map(answers.by_class.map((each) => [each.name, each]));
  const cells = answers.confusions.filter((each) => order.includes(each.true) && order.includes(each.named))
    .map((each) => ({
      true: each.true, named: each.named, count: each.count, share: each.count / each.of, kind: "mistakes",
      text: `${each.true} taken for ${each.named}: ${each.count} of ${each.of} videos (${percent(each.count / each.of)})`,
    }));
  for (const name of order) {
    const own = videos.get(name);
    if (own && own.score !== null && own.videos) {
      const hits = Math.round(own.score * own.videos);
      cells.push({ true: name, named: name, count: hits, share: own.score, kind: "right",
        text: `${name} classified correctly: ${hits} of ${own.videos} videos (${percent(own.score)})` });
    }
  }
  const axis = (field, title, more = {}) => ({ field, type: "nominal", title, sort: order, scale: { domain: order, paddingInner: 0.06 },
    axis: { grid: false, labelLimit: 150, ...more } });
  const x = axis("named", "taken for", { labelAngle: -40, orient: "bottom" }), y = axis("true", "true class");
  const rows = () => answers.confusions.map((each) => [each.true, each.named, each.count, each.of, percent(each.count / each.of)]);
  const left = answers.confusions_left;
  const more = answers.confusions.length > cells.length || left
    ? el("p", { class: "hint" }, `The ${order.length} classes of the largest confusions; the table has ${answers.confusions.length} pairs${left ? `, ${left} more are left out` : ""}.`) : null;
  chart(place, {
    class: "square",
    label: `Confusions of ${order.length} classes`,
    spec: {
      height: 34 * order.length + 120,
      layer: [
        { data: { values: cells }, mark: { type: "rect", cornerRadius: 3 },
          encoding: { x, y, ...named,
            fill: { field: "kind", type: "nominal", scale: { domain: ["mistakes", "right"], range: [RED, BLUE] }, legend: null },
            fillOpacity: { field: "share", type: "quantitative", scale: { domain: [0, 1], range: [0.12, 0.9], type: "sqrt" }, legend: null } } },
        { data: { values: cells }, mark: { type: "text", aria: false, fontWeight: 600 },
          encoding: { x, y, text: { field: "count" }, fill: { condition: { test: "datum.share > 0.4", value: "var(--page)" }, value: "var(--ink)" } } },
      ],
    },
    table: el("div", {},
      el("p", { class: "hint legend" }, el("span", {}, el("span", { class: "dot red", "aria-hidden": "true" }, "■"), "mistakes"),
        el("span", {}, el("span", { class: "dot", "aria-hidden": "true" }, "■"), "the diagonal: right")), more,
      asTable("Confusions, largest first", ["true class", "taken for", "videos", "of", "share"], rows)),
  });
}

function drawClasses(answers, place, what = "videos") {
  const known = answers.by_class.filter((each) => each.score !== null);
  const byScore = [...known].sort((a, b) => a.score - b.score);
  const target = el("div");
  const draw = (which) => {
    const some = which === "worst" ? byScore.slice(0, BARS) : which === "best" ? byScore.slice(-BARS).reverse() : [...byScore].reverse();
    drawBars(target, `${answers.score_name} of each class`, some.map((each) => ({
      name: each.name, y: 100 * each.score, y0: each.ends ? 100 * each.ends[0] : null, y1: each.ends ? 100 * each.ends[1] : null,
      text: `${each.name}: ${percent(each.score)}${each.ends ? ` [${percent(each.ends[0])}, ${percent(each.ends[1])}]` : ""} of ${each.videos} ${what}`,
    })), `${answers.score_name} (%)`, asTable(`${answers.score_name} of each class`, ["class", what, answers.score_name, "interval"],
      () => answers.by_class.map((each) => [each.name, each.videos, percent(each.score),
        each.ends ? `[${percent(each.ends[0])}, ${percent(each.ends[1])}]` : ""])));
  };
  const isLong = known.length > BARS;
  fill(place, isLong ? el("div", { class: "controls" },
    select("Classes", [["worst", `the worst ${BARS}`], ["best", `the best ${BARS}`], ["all", `all ${known.length}`]], "worst", draw)) : null, target);
  draw(isLong ? "worst" : "all");
}

function drawBars(place, label, bars, title, table, marked = []) {
  const y = { field: "name", type: "nominal", sort: bars.map((bar) => bar.name), title: null, axis: { grid: false, ticks: false, domain: false, labelColor: "var(--ink)" }, scale: { paddingInner: 0.3 } };
  const x = (field) => ({ field, type: "quantitative", title, scale: { domain: [0, 100] }, axis: { tickCount: 5 } });
  chart(place, {
    label, table,
    spec: {
      height: 24 * bars.length + 60,
      layer: [
        { data: { values: bars }, mark: { type: "bar", cornerRadiusEnd: 3, opacity: 0.85 },
          encoding: { x: x("y"), y, ...named,
            fill: { condition: { test: { field: "name", oneOf: marked }, value: RED }, value: BLUE } } },
        { data: { values: bars.filter((bar) => bar.y0 !== null) }, mark: { type: "rule", aria: false, color: "var(--ink)", strokeWidth: 1.5 },
          encoding: { x: x("y0"), x2: { field: "y1" }, y } },
      ],
    },
  });
}

function drawMissed(answers, place) {
  const pictureOf = (each) => content.thumbnails[`${answers.ground}: ${each.video}`];
  const score = (value, decimals = 1) => answers.averaged !== "logits" ? percent(value, decimals)
    : value === null ? "–" : `logit ${value.toFixed(2)}`;
  const rows = () => answers.missed.map((each) => [each.video, each.true.join(", "), each.named, score(each.score), score(each.score_of_true)]);
  const heads = ["video", "truth", "prediction", "score", "score of the truth"];
  const left = answers.missed_of - answers.missed.length;
  const more = left > 0 ? el("p", { class: "hint" }, `${left} more are not in this file; kinobench analyse lists them.`) : null;
  if (!answers.missed.some(pictureOf)) {
    fill(place, plainTable("Misclassified videos", heads, rows()), more);
    return;
  }
  fill(place, el("ul", { class: "videos" }, ...answers.missed.map((each) => el("li", {},
    pictureOf(each) ? el("img", { src: pictureOf(each), alt: `Frames of ${each.video}` })
      : el("p", { class: "none" }, "no picture"),
    el("p", { class: "video" }, each.video),
    el("p", {}, el("span", { class: "truth" }, `✓ ${each.true.join(", ")}`), ` ${score(each.score_of_true, 0)}`),
    el("p", {}, el("span", { class: "wrong" }, `✗ ${each.named === null ? "no number" : each.named}`), ` ${score(each.score, 0)}`)))),
  more, asTable("Misclassified videos", heads, rows));
}

// The verdict and its reasons, as `kinobench motion` prints them, around the picture of the scores.
function drawMotion(line, later) {
  const { seen } = line;
  const picture = el("div");
  later.push(() => drawProbes(line, picture));
  const list = (texts) => el("ul", {}, ...texts.map((text) => el("li", {}, text)));
  return part("Does it see motion?", "The score where the frames are shown in another way. A network that only looks at single pictures loses nothing if they run backwards.",
    ...(seen ? [el("p", { class: "verdict" }, seen.verdict), el("p", { class: "hint" }, seen.facts)] : []),
    picture,
    ...(seen ? [list(seen.sentences), el("details", {}, el("summary", {}, "How to read this"), list(seen.remarks))] : []));
}

function drawProbes(line, place) {
  const plain = line.probes[0].score;
  drawBars(place, `Score of ${line.name} under each probe`, line.probes.map((each) => ({
    name: each.probe, y: 100 * each.score, y0: each.ends ? 100 * each.ends[0] : null, y1: each.ends ? 100 * each.ends[1] : null,
    text: `${each.probe}: ${percent(each.score)}, ${fixed((each.score - plain) * 100, 1)} points against plain clips`,
  })), "score (%)", asTable("Score under each probe", ["probe", "score", "interval", "change in points"],
    () => line.probes.map((each) => [each.probe, percent(each.score, 2),
      each.ends ? `[${percent(each.ends[0])}, ${percent(each.ends[1])}]` : "", fixed((each.score - plain) * 100, 2)])), ["plain"]);
}
