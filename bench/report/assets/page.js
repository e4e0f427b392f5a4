// The page: a board is chosen, and everything is drawn from it.

const COSTS = ["latency_ms", "video_ms", "gmacs", "video_gmacs", "params_m", "memory_mb", "j_per_clip", "j_per_video"];

function numbersOf(table) {
  return table.columns.map((name) => columnOf.get(name)).filter((column) => column.is_number && column.name !== "rank");
}

function stateOf(table) {
  const names = numbersOf(table).map((column) => column.name);
  const score = SCORES.find((name) => names.includes(name));
  // Throughput follows from the latency, so without an accuracy it is drawn against the arithmetic.
  const costs = score ? COSTS : [...COSTS.slice(2), ...COSTS.slice(0, 2)];
  const x = costs.find((name) => names.includes(name)) || names[0];
  const y = score || ["clips_per_s", "latency_ms"].find((name) => names.includes(name) && name !== x) || names.find((name) => name !== x);
  const state = { table, columns: shownOf(table), filters: [], text: "", sort: null, withEnds: true, x, y, logX: false, logY: false, front: new Set() };
  state.logX = isWide(table, x);
  state.line = table.lines.find((line) => line.answers || line.task) || table.lines[0];
  return state;
}

// A log axis helps where the largest is far above the least.
function isWide(table, name) {
  const values = table.lines.map((line) => line.values[name]).filter((value) => typeof value === "number");
  return values.length > 1 && Math.min(...values) > 0 && Math.max(...values) > 8 * Math.min(...values);
}

function drawSummary(state, place) {
  const { lines } = state.table;
  const card = (label, value, hint) => el("div", { class: "card" }, el("p", { class: "label" }, label), el("p", { class: "value" }, value), el("p", { class: "hint" }, hint));
  const cards = [];
  const best = (name, trained) => {
    const column = columnOf.get(name);
    const fit = lines.filter((line) => line.is_plain && line.values[name] !== undefined && (!trained || line.is_trained));
    return fit.sort((a, b) => (column.better === "more" ? b.values[name] - a.values[name] : a.values[name] - b.values[name]))[0];
  };
  const score = SCORES.slice(0, -1).find((name) => state.table.columns.includes(name));
  if (score && best(score, true)) {
    const line = best(score, true), column = columnOf.get(score);
    const first = lines.filter((each) => each.values.rank === 1).length;
    cards.push(card(`Highest ${column.label}`, `${valueText(line, column)} %`,
      `${line.name} ${interval(column, line.ends[score])}${first > 1 ? `; ${first} networks have rank 1: none is significantly better` : ""}`));
  }
  for (const [name, label] of [["latency_ms", "Fastest"], ["gmacs", "Least arithmetic of a view"], ["params_m", "Smallest"]]) {
    if (!state.table.columns.includes(name)) continue;
    const line = best(name, Boolean(score)), column = columnOf.get(name);
    if (!line) continue;
    const own = score && line.values[score] !== undefined ? `, ${columnOf.get(score).label} ${fixed(line.values[score], 1)}\u00a0%` : "";
    cards.push(card(label, `${valueText(line, column)}${column.unit ? ` ${column.unit}` : ""}`, `${line.name}${own}`));
  }
  fill(place, ...cards);
}

function drawAxes(state, place, redraw) {
  const choices = numbersOf(state.table).map((column) => [column.name, head(column)]);
  const logX = checkbox("log scale across", state.logX, (on) => { state.logX = on; redraw(); }, { id: "log-x" });
  fill(place,
    select("Across", choices, state.x, (name) => {
      state.x = name;
      state.logX = isWide(state.table, name);
      logX.querySelector("input").checked = state.logX;
      redraw();
    }, { id: "axis-x" }),
    select("Up", choices, state.y, (name) => { state.y = name; redraw(); }, { id: "axis-y" }),
    logX, checkbox("log scale up", state.logY, (on) => { state.logY = on; redraw(); }, { id: "log-y" }));
}

let current = null;

function drawBoard(table, shared) {
  const state = stateOf(table);
  current = state;
  choose(state, shared);
  drawSummary(state, byId("summary"));
  fill(byId("facts"), ...table.facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  const trade = byId("trade");
  trade.hidden = !state.x || !state.y;
  let drawn = table.lines;
  const scatter = () => {
    if (trade.hidden) return;
    const x = columnOf.get(state.x), y = columnOf.get(state.y);
    state.front = frontOf(table.lines, x, y);
    byId("trade-h").textContent = SCORES.includes(state.y) ? `Accuracy against ${x.label}` : capital(`${head(y)} against ${head(x)}`);
    drawContents();
    drawScatter(state, byId("scatter"), drawn);
  };
  state.onRows = (lines) => {
    const same = lines.length === drawn.length && lines.every((line) => drawn.includes(line));
    drawn = lines;
    if (!same) scatter();
  };
  state.pick = (line, go) => {
    state.line = line;
    byId("network-choice").value = String(table.lines.indexOf(line));
    drawDetails(state, byId("details"));
    remember(state);
    if (go) {
      byId("network").scrollIntoView();
      byId("network-choice").focus({ preventScroll: true });
    }
  };
  drawAxes(state, byId("axes"), () => {
    scatter();
    state.redrawTable();
  });
  scatter();
  drawRuntimes(state, byId("runtimes-chart"), byId("runtimes"));
  drawTable(state, byId("table"));
  fill(byId("networks"), select("Network", table.lines.map((line, at) => [String(at), line.name]), String(table.lines.indexOf(state.line)),
    (at) => state.pick(table.lines[Number(at)], false), { id: "network-choice" }));
  if (state.line) drawDetails(state, byId("details"));
  drawLatencies(state, byId("latency-chart"), byId("latencies"));
  fill(byId("note-list"), el("ul", {}, ...table.notes.map((note) => el("li", {}, note)), ...content.remarks.map((note) => el("li", {}, note))));
  drawContents();
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

function drawContents() {
  const sections = [...document.querySelectorAll("main > section")].filter((section) => !section.hidden);
  fill(byId("contents"), ...sections.map((section) => el("li", {}, el("a", { href: `#${section.id}` }, section.querySelector("h2").textContent))));
}

function drawEnvironments(place) {
  fill(place, ...content.environments.map((facts, at) => plainTable(
    content.environments.length > 1 ? `Machine and software ${at + 1}` : "Machine and software", ["what", "value"], facts)));
}

function chooseTheme(theme) {
  if (theme) document.documentElement.setAttribute("data-theme", theme);
  else document.documentElement.removeAttribute("data-theme");
}

// Show what an address says: a section, or what somebody chose.
function showAddress() {
  const shared = new URLSearchParams(location.hash.slice(1));
  const place = shared.get("at") || location.hash.slice(1);
  section = sectionIds().includes(place) ? place : "";
  const theme = shared.get("theme");
  byId("theme").value = ["light", "dark"].includes(theme) ? theme : "";
  chooseTheme(byId("theme").value);
  if (content.tables.length) {
    const board = boardOf(shared);
    if (byId("board-choice")) byId("board-choice").value = String(content.tables.indexOf(board));
    drawBoard(board, shared);
  }
  if (section) byId(section).scrollIntoView({ behavior: "instant" });
}

byId("theme").addEventListener("change", (event) => {
  chooseTheme(event.target.value);
  if (current) remember(current);
});
window.addEventListener("hashchange", () => {
  const place = location.hash.slice(1);
  if (place && document.getElementById(place)) {
    // A link on the page: the browser went there, and the choices stay.
    if (sectionIds().includes(place)) section = place;
    if (current) remember(current);
  } else {
    showAddress();
  }
});
byId("print").addEventListener("click", () => window.print());
drawGate(byId("gate-chart"), byId("gate"));
drawEnvironments(byId("environments"));
if (content.tables.length) {
  const options = content.tables.map((table, at) => [String(at), table.title]);
  // A choice of one is none.
  fill(byId("boards"), options.length > 1
    ? select("Board", options, "0", (at) => drawBoard(content.tables[Number(at)], new URLSearchParams()), { id: "board-choice" })
    : el("p", { class: "board-title" }, content.tables[0].title));
  byId("board-hint").textContent = options.length > 1
    ? `${options.length} boards: their rows are of different videos, protocols or machines, and are never ranked together.` : "";
  showAddress();
} else {
  fill(byId("boards"), el("p", { class: "note" }, "There is no record."));
  for (const id of ["trade", "runtimes", "rows", "network", "latencies", "notes"]) byId(id).hidden = true;
  drawContents();
  showAddress();
}
