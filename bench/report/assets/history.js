// The history of each network: small charts over the versions, and the changes as a table.

const figureOf = new Map(content.figures.map(([name, label, unit, better]) => [name, { name, label, unit, better, is_number: true }]));
const KINDS = {
  first: ["first", "circle", BLUE], same: ["within noise", "circle", BLUE], better: ["better", "triangle-up", GREEN],
  worse: ["worse", "triangle-down", RED], changed: ["another number", "diamond", RED], large: ["large change", "diamond", RED],
  rough: ["not judged, rough", "cross", "var(--soft)"],
};
const MARKED = ["worse", "better", "changed", "large"];
const AT_ONCE = 12;
const isMarked = (point) => MARKED.includes(point.kind);
const versionText = (at) => `${content.versions[at].commit}, torch ${content.versions[at].torch}`;

function changeText(point, figure) {
  if (point.against === null || (!point.against && !isPercent(figure))) return "–";
  if (isPercent(figure)) {
    const points = point.value - point.against;
    return `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)} points`;
  }
  const share = 100 * (point.value / point.against - 1);
  return `${share < 0 ? "−" : "+"}${Math.abs(share).toFixed(1)} %`;
}

function pointText(series, figure, point) {
  const ends = point.ends ? ` ${interval(figure, point.ends)}` : "";
  const remarks = point.remarks.length ? `\n${point.remarks.join("; ")}` : "";
  const change = point.against === null ? "" : `, ${changeText(point, figure)} against ${cellText(figure, point.against)}`;
  return `${series.name}\n${versionText(point.version)}\n${cellText(figure, point.value)} ${figure.unit}${ends}: ${KINDS[point.kind][0]}${change}${remarks}`;
}

function drawChanges(place) {
  const columns = content.groups.length > 1 ? 8 : 7;
  const rows = [];
  for (const group of content.groups) {
    for (const series of group.series) {
      const figure = figureOf.get(series.figure);
      for (const point of series.points.filter(isMarked)) {
        rows.push({ at: point.version, row: [series.name, figure.label, KINDS[point.kind][0], `${cellText(figure, point.against)} → ${cellText(figure, point.value)} ${figure.unit}`,
          changeText(point, figure), versionText(point.version), point.remarks.join("; ") || "–", group.title].slice(0, columns) });
      }
    }
  }
  rows.sort((one, other) => other.at - one.at);
  if (!rows.length) fill(place, el("p", { class: "note" }, "Nothing changed beyond noise."));
  else fill(place, plainTable(`${rows.length} changes, the newest first`, ["network", "figure", "change", "value", "difference", "version", "what else differs", "where"].slice(0, columns), rows.map((each) => each.row)));
}

function drawOne(place, series, figure) {
  let part = 0;
  const points = series.points.map((point, at) => {
    if (at && series.points[at - 1].fingerprint !== point.fingerprint) part += 1;
    return { x: labels[point.version], y: point.value, low: point.ends ? point.ends[0] : null, high: point.ends ? point.ends[1] : null,
      kind: point.kind, part, order: at, text: pointText(series, figure, point) };
  });
  const used = labels.filter((label, at) => series.points.some((point) => point.version === at));
  const x = { field: "x", type: "ordinal", title: null, scale: { domain: used, padding: 0.6 }, axis: { labelAngle: 0, labelExpr: "split(datum.label, ' · ')", labelFontSize: 11, labelOverlap: "greedy", labelSeparation: 6, grid: false } };
  const kinds = Object.keys(KINDS);
  const title = figure.unit ? `${figure.label} (${figure.unit})` : figure.label;
  const y = number("y", title, {}, { tickCount: 4 });
  const marks = points.filter((point) => point.low !== null);
  const target = el("div", {});
  fill(place, el("figcaption", {}, series.name), target);
  chart(target, {
    label: `${title} of ${series.name} over ${used.length} versions`,
    spec: {
      height: 190,
      layer: [
        { data: { values: points }, mark: { type: "line", aria: false, color: "var(--soft)", strokeWidth: 1.5 }, encoding: { x, y, detail: { field: "part", type: "nominal" }, order: { field: "order", type: "quantitative" } } },
        { data: { values: marks }, mark: { type: "rule", aria: false, color: "var(--soft)" }, encoding: { x, y: number("low", title, {}, { tickCount: 4 }), y2: { field: "high" } } },
        { data: { values: points }, mark: { type: "point", filled: true, size: 80, opacity: 1 },
          encoding: { x, y, ...named,
            shape: { field: "kind", type: "nominal", scale: { domain: kinds, range: kinds.map((kind) => KINDS[kind][1]) }, legend: null },
            fill: { field: "kind", type: "nominal", scale: { domain: kinds, range: kinds.map((kind) => KINDS[kind][2]) }, legend: null } } },
      ],
    },
    table: asTable(`${title} of ${series.name}`, ["version", "value", "interval", "judged", "record"], () => series.points.map((point) =>
      [versionText(point.version), cellText(figure, point.value), interval(figure, point.ends), KINDS[point.kind][0], point.record])),
  });
}

const labels = content.versions.map((version) => `${version.commit} · ${version.torch}`);
const state = { group: 0, figure: null, all: false };

function figuresIn(group) {
  return content.figures.map(([name]) => name).filter((name) => group.series.some((series) => series.figure === name));
}

function draw() {
  const group = content.groups[state.group];
  const figures = figuresIn(group);
  if (!figures.includes(state.figure)) [state.figure] = figures;
  const figure = figureOf.get(state.figure);
  fill(byId("choices"),
    select("Where", content.groups.map((each, at) => [String(at), each.title]), String(state.group), (at) => { state.group = Number(at); state.all = false; draw(); }),
    select("Figure", figures.map((name) => [name, figureOf.get(name).label]), state.figure, (name) => { state.figure = name; state.all = false; draw(); }));
  fill(byId("facts"), ...group.facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  fill(byId("legend"), "▲ better, ▼ worse, ◆ another number or a large change, ● within noise, ✚ not judged. Lines join values of one fingerprint: software and machine that timings may be compared on.");
  const changes = (series) => series.points.filter(isMarked).length;
  const shown = group.series.filter((series) => series.figure === state.figure)
    .sort((one, other) => changes(other) - changes(one) || one.name.localeCompare(other.name));
  const cells = (state.all ? shown : shown.slice(0, AT_ONCE)).map((series) => {
    const place = el("figure", {});
    return { place, series };
  });
  fill(byId("charts"), ...cells.map(({ place }) => place));
  for (const { place, series } of cells) drawOne(place, series, figure);
  if (!state.all && shown.length > AT_ONCE) {
    byId("charts").append(el("button", { type: "button", onclick: () => { state.all = true; draw(); } }, `Show all ${shown.length} networks`));
  }
}

byId("theme").addEventListener("change", (event) => {
  if (event.target.value) document.documentElement.setAttribute("data-theme", event.target.value);
  else document.documentElement.removeAttribute("data-theme");
});
byId("print").addEventListener("click", () => window.print());

drawChanges(byId("change-list"));
if (content.groups.length) draw();
else fill(byId("charts"), el("p", { class: "note" }, "No record has a value."));
fill(byId("version-list"), plainTable(`${content.versions.length} versions`, ["commit", "torch", "first measured"],
  content.versions.map((version) => [version.commit, version.torch, version.first])));
