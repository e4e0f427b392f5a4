// Timelines of videos: true events above, predictions below, along an axis in seconds.

const NAME = 18, EVENT = 13, FOUND = 9, SPACE = 3, MOST_LANES = 6;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];

const seconds = (value) => value.toFixed(value % 1 ? 1 : 0);

// Spans in rows in which none covers another; those beyond the last row are in it.
function lanesOf(spans) {
  const ends = [];
  return spans.map((span) => {
    let lane = ends.findIndex((end) => end <= span.start_s);
    if (lane < 0) lane = Math.min(ends.length, MOST_LANES - 1);
    ends[lane] = Math.max(ends[lane] || 0, span.end_s);
    return lane;
  });
}

function spanText(span) {
  const kind = span.score === null ? (span.hit ? "true event, found" : "true event, missed") : (span.hit ? "prediction, a hit" : "prediction, false");
  const score = span.score === null ? "" : `, score ${span.score.toFixed(3)}`;
  return `${span.name}: ${kind}${score}, ${span.start_s.toFixed(2)} to ${span.end_s.toFixed(2)} s`;
}

function barOf(span, end, y, height) {
  const isEvent = span.score === null;
  const at = (value) => `${(100 * Math.max(0, value)) / end}%`;
  const text = spanText(span);
  return [
    shape("rect", {
      class: `bar ${isEvent ? `event${span.hit ? "" : " missed"}` : span.hit ? "hit" : "false"}`,
      x: at(span.start_s), y, width: at(span.end_s - Math.max(0, span.start_s)), height, rx: 2,
      "fill-opacity": isEvent ? null : Math.min(1, Math.max(0.05, span.score)),
      role: "graphics-symbol", "aria-label": text,
      onpointermove: (event) => showTip(text, event.clientX, event.clientY), onpointerleave: hideTip,
    }),
    shape("text", { class: "sign", x: at(span.start_s), dx: 3, y: y + height / 2 + 3.5, "aria-hidden": "true" }, span.hit ? "✓" : "✗"),
  ];
}

function drawTimeline(each) {
  const end = each.end_s || 1;
  const names = [...new Set([...each.truths, ...each.found].map((span) => span.name))].sort();
  const bars = [], labels = [];
  let y = 0;
  for (const name of names) {
    labels.push(shape("text", { x: 0, y: y + NAME - 5 }, name));
    y += NAME;
    const put = (spans, height) => {
      const lanes = lanesOf(spans);
      spans.forEach((span, at) => bars.push(...barOf(span, end, y + lanes[at] * (height + SPACE), height)));
      y += spans.length ? (Math.max(...lanes) + 1) * (height + SPACE) : 0;
    };
    put(each.truths.filter((span) => span.name === name), EVENT);
    put(each.found.filter((span) => span.name === name), FOUND);
    y += SPACE;
  }
  const step = STEPS.find((value) => end / value <= 6) || end;
  const ticks = [];
  for (let at = 0; at <= end * 1.0001; at += step) ticks.push(at);
  const across = (value) => `${(100 * value) / end}%`;
  const lines = ticks.map((at) => shape("line", { class: "grid", x1: across(at), x2: across(at), y1: 0, y2: y + 4 }));
  const numbers = ticks.map((at) => shape("text", {
    class: "tick", x: across(at), y: y + 18, "text-anchor": at === 0 ? "start" : at > 0.95 * end ? "end" : "middle",
  }, `${seconds(at)} s`));
  const ignored = each.ignored.map(([from, to]) => shape("rect", { class: "bar ignored", x: across(from), width: across(to - from), y: 0, height: y + 4 }));
  return shape("svg", { height: y + 24 }, ...ignored, ...lines, ...labels, shape("g", { class: "role-mark" }, ...bars), ...numbers);
}

function drawTimelines(line, timelines, place) {
  const figures = timelines.videos.map((each) => {
    const found = each.truths.filter((span) => span.hit).length, wrong = each.found.filter((span) => !span.hit).length;
    const left = each.left_out ? `; ${each.left_out} more predictions are not in this file` : "";
    const text = `${found} of ${each.truths.length} events found, ${wrong} false prediction${wrong === 1 ? "" : "s"}${left}`;
    return [`Timeline of ${each.video} by ${line.name}: ${text}`, el("figure", { class: "timeline" }, el("figcaption", {}, el("strong", {}, each.video), ` ${text}`), drawTimeline(each),
      asTable(`Events and predictions of ${each.video}`, ["what", "class", "from (s)", "to (s)", "score", "hit"],
        () => [...each.truths, ...each.found].map((span) => [span.score === null ? "true event" : "prediction", span.name,
          span.start_s.toFixed(2), span.end_s.toFixed(2), span.score === null ? null : span.score.toFixed(3), span.hit ? "yes" : "no"])))];
  });
  const sign = (kind, text, opacity) => el("span", {}, shape("svg", { class: "swatch", "aria-hidden": "true" },
    shape("rect", { class: `bar ${kind}`, x: 1, y: 1, width: "92%", height: "80%", rx: 2, "fill-opacity": opacity })), text);
  fill(place, el("p", { class: "hint legend" }, sign("event", "✓ true event, found"), sign("event missed", "✗ true event, missed"),
    sign("hit", "✓ prediction, a hit", 0.6), sign("false", "✗ prediction, false", 0.6),
    timelines.videos.some((each) => each.ignored.length) ? sign("ignored", "counts neither way") : null,
    el("span", {}, "the stronger a prediction's colour, the higher its score")), ...figures.map(([, figure]) => figure));
  figures.forEach(([label, figure]) => reachable(figure, label));
}
