// What a reader chose stands in the address after "#": a link shows the same, and a reload keeps it.

// The section that the reader went to, or "".
let section = "";

const sectionIds = () => [...document.querySelectorAll("main > section")].map((each) => each.id);
const sameList = (one, other) => one.length === other.length && one.every((each, at) => each === other[at]);
const isNumberText = (text) => text === "" || (text.trim() !== "" && Number.isFinite(Number(text)));

// What differs from the page as it opens by itself.
function addressOf(state) {
  const usual = stateOf(state.table), chosen = new URLSearchParams();
  const add = (name, value, isUsual) => {
    if (!isUsual) chosen.append(name, value);
  };
  const yes = (on) => (on ? "yes" : "no");
  add("at", section, !section);
  add("theme", byId("theme").value, !byId("theme").value);
  add("board", String(content.tables.indexOf(state.table) + 1), state.table === content.tables[0]);
  add("across", state.x, state.x === usual.x);
  add("up", state.y, state.y === usual.y);
  add("log-across", yes(state.logX), state.logX === isWide(state.table, state.x));
  add("log-up", yes(state.logY), !state.logY);
  if (state.sort) add("sort", `${state.sort.falling ? "-" : ""}${state.sort.name}`, false);
  add("filter", state.text, !state.text.trim());
  for (const { name, low, high } of state.filters) add("limit", `${name}:${low}:${high}`, low === "" && high === "");
  add("intervals", yes(state.withEnds), state.withEnds);
  add("columns", state.columns.join(), sameList(state.columns, usual.columns));
  if (state.line) add("network", state.line.name, state.line === usual.line);
  return chosen.toString();
}

// The board of an address; what is damaged, or of another report, is passed over.
function boardOf(shared) {
  return content.tables[Number(shared.get("board")) - 1] || content.tables[0];
}

// Choose for a board, as it opens by itself, what an address says.
function choose(state, shared) {
  const { table } = state;
  const isColumn = (name) => table.columns.includes(name);
  const isNumber = (name) => numbersOf(table).some((column) => column.name === name);
  const ask = (name, isFit, take) => {
    const value = shared.get(name);
    if (value !== null && isFit(value)) take(value);
  };
  const isSwitch = (value) => value === "yes" || value === "no";
  ask("across", isNumber, (name) => {
    state.x = name;
    state.logX = isWide(table, name);
  });
  ask("up", isNumber, (name) => { state.y = name; });
  ask("log-across", isSwitch, (value) => { state.logX = value === "yes"; });
  ask("log-up", isSwitch, (value) => { state.logY = value === "yes"; });
  ask("sort", (value) => isColumn(value.replace(/^-/, "")), (value) => {
    state.sort = { name: value.replace(/^-/, ""), falling: value.startsWith("-") };
  });
  ask("filter", () => true, (text) => { state.text = text; });
  ask("intervals", isSwitch, (value) => { state.withEnds = value === "yes"; });
  ask("columns", (value) => value.split(",").includes("model"), (value) => {
    state.columns = [...new Set(value.split(","))].filter(isColumn);
  });
  ask("network", (name) => table.lines.some((line) => line.name === name), (name) => {
    state.line = table.lines.find((line) => line.name === name);
  });
  state.filters = shared.getAll("limit").map((limit) => limit.split(":"))
    .filter(([name, low, high, ...rest]) => high !== undefined && !rest.length
      && isColumn(name) && columnOf.get(name).is_number && isNumberText(low) && isNumberText(high))
    .map(([name, low, high]) => ({ name, low, high }));
}

let writing = 0;

// Write it once the reader pauses: a browser refuses a change of the address at each key.
function remember(state) {
  clearTimeout(writing);
  writing = setTimeout(() => {
    const address = addressOf(state), before = location.hash.slice(1);
    if (address === before) return;
    try {
      history.replaceState(history.state, "", address ? `#${address}` : location.href.split("#")[0]);
    } catch {
      // A browser may keep the address of a file as it is; the page works without it.
    }
  }, 150);
}
