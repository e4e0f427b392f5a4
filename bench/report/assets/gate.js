// The checks of the speed gate over time.

function drawGate(place, section) {
  section.hidden = !content.gate.length;
  if (section.hidden) return;
  const dated = content.gate.filter((check) => check.slowdown !== null);
  const when = (check) => new Date(1e3 * check.began).toISOString().slice(0, 16).replace("T", " ");
  const signed = (share) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(2)} %`;
  const ends = (check) => (check.ends ? ` [${signed(check.ends[0])}, ${signed(check.ends[1])}]` : "");
  const commits = (check) => {
    const short = (commit) => commit.replace(/^([0-9a-f]{10})[0-9a-f]+(\+?)$/, "$1$2");
    const { baseline, candidate } = check;
    if (candidate && baseline) return `${short(candidate)} against ${short(baseline)}`;
    return candidate ? short(candidate) : "";
  };
  const points = dated.map((check) => ({
    x: 1e3 * check.began, y: 100 * check.slowdown, kind: check.verdict,
    low: check.ends ? 100 * check.ends[0] : null, high: check.ends ? 100 * check.ends[1] : null,
    text: [`${check.model}${check.kind ? `, ${check.kind}` : ""}`,
      `${when(check)}: ${check.verdict}, ${signed(check.slowdown)}${ends(check)} (budget ${signed(check.budget)})`,
      commits(check), check.machine, check.reason].filter(Boolean).join("\n"),
  }));
  // Intervals may be far wider than all slowdowns: the axis shows the slowdowns, and cuts the bars.
  const reach = [...points.map((point) => point.y), ...dated.map((check) => 100 * check.budget), 0];
  const room = 0.5 * (Math.max(...reach) - Math.min(...reach)) || 1;
  const shownEnds = [Math.min(...reach) - room, Math.max(...reach) + room];
  const kinds = ["pass", "fail", "inconclusive"];
  const counts = kinds.map((kind) => content.gate.filter((check) => check.verdict === kind).length);
  const budgets = [...new Set(dated.map((check) => 100 * check.budget))];
  const days = new Set(dated.map((check) => when(check).slice(0, 10)));
  const x = { field: "x", type: "temporal", title: days.size === 1 ? `${[...days][0]}, UTC` : "UTC",
    axis: { grid: false, labelOverlap: "greedy", labelSeparation: 10, tickCount: Math.max(2, Math.floor(place.clientWidth / 130)), format: days.size === 1 ? "%H:%M" : days.size < 8 ? "%d %b %H:%M" : "%Y-%m-%d" },
    scale: { type: "utc", padding: 12 } };
  chart(place, {
    label: `${points.length} checks of the speed gate over time`,
    spec: {
      height: 260,
      layer: [
        { data: { values: budgets.map((y) => ({ y })) }, mark: { type: "rule", aria: false, color: "var(--muted)", strokeDash: [4, 4] }, encoding: { y: { field: "y", type: "quantitative" } } },
        { data: { values: points.filter((point) => point.low !== null) }, mark: { type: "rule", aria: false, clip: true, color: "var(--muted)", opacity: 0.6 },
          encoding: { x, y: number("low", "slowdown (%)", false, { domain: shownEnds, nice: true }), y2: { field: "high" } } },
        { data: { values: points }, mark: { type: "point", filled: true, size: 55, opacity: 0.75 },
          encoding: { x, y: number("y", "slowdown (%)"), ...named,
            shape: { field: "kind", type: "nominal", scale: { domain: kinds, range: ["circle", "cross", "triangle-up"] }, legend: null },
            fill: { field: "kind", type: "nominal", scale: { domain: kinds, range: [BLUE, RED, GREEN] }, legend: null } } },
      ],
    },
    table: el("div", {},
      el("p", { class: "hint legend" },
        el("span", {}, el("span", { class: "dot", "aria-hidden": "true" }, "●"), `pass (${counts[0]})`),
        el("span", {}, el("span", { class: "dot red", "aria-hidden": "true" }, "✚"), `fail (${counts[1]})`),
        el("span", {}, el("span", { class: "dot green", "aria-hidden": "true" }, "▲"), `inconclusive (${counts[2]})`),
        el("span", {}, "dashed: the budget")),
      asTable("Checks of the speed gate", ["began", "network", "kind", "verdict", "slowdown", "interval", "budget", "seconds", "commits", "machine", "reason"],
        () => content.gate.map((check) => [when(check), check.model, check.kind, check.verdict,
          check.slowdown === null ? "–" : signed(check.slowdown), ends(check).trim() || "–", signed(check.budget),
          check.seconds === null ? "–" : check.seconds.toFixed(0), commits(check), check.machine, check.reason]))),
  });
}
