// Elements, numbers as text, and the content of the page. No text of the content ever becomes markup.

const content = JSON.parse(document.getElementById("data").textContent);
const columnOf = new Map(content.columns.map((column) => [column.name, column]));
const byId = (id) => document.getElementById(id);

// el("p", {class: "hint"}, "text", otherElement): attributes that begin with "on" are listeners.
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "selected") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

// Three significant digits, as many decimals as a column of its size needs; exact values are titles.
function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return value.toLocaleString("en");
  return measured(value);
}

// What was measured keeps its digits, if it happens to be a whole number too.
function measured(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  const decimals = size >= 1000 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value.toLocaleString("en", {
    minimumFractionDigits: Math.min(decimals, 4),
    maximumFractionDigits: Math.min(decimals, 4),
  });
}

// Rounded half to even from the shortest decimal number, as the tables in the terminal are.
function fixed(value, decimals) {
  return new Intl.NumberFormat("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    roundingMode: "halfEven",
    useGrouping: false,
  }).format(String(Number(value.toFixed(9))));
}

const isPercent = (column) => column.unit === "%";

function cellText(column, value) {
  if (value === null || value === undefined) return "–";
  if (column.is_number && isPercent(column)) return fixed(value, 1);
  return column.is_number && column.unit && typeof value === "number" ? measured(value) : shown(value);
}

const SCORES = ["top1_percent", "hit1_percent", "map_percent", "score_percent"];

// A value of a row, after the sign of its reservation: ~ or a bound. A lost point of accuracy comes after it.
function valueText(line, column) {
  const lost = line.lost !== null && line.values[column.name] !== undefined && SCORES.includes(column.name) ? "†" : "";
  return `${line.marks[column.name] || ""}${cellText(column, line.values[column.name])}${lost}`;
}

function head(column) {
  return column.unit ? `${column.label} (${column.unit})` : column.label;
}

const percent = (share, decimals = 1) =>
  share === null || share === undefined ? "–" : `${fixed(100 * share, decimals)} %`;

function interval(column, ends) {
  return ends ? `[${cellText(column, ends[0])}, ${cellText(column, ends[1])}]` : "";
}

// One seconds' scale for a whole chart: the unit in which the largest value has one to three digits.
function timeScale(largest) {
  if (largest >= 1) return { unit: "s", factor: 1 };
  if (largest >= 1e-3) return { unit: "ms", factor: 1e3 };
  return { unit: "µs", factor: 1e6 };
}

let made = 0;
const freshId = (prefix) => `${prefix}-${(made += 1)}`;

function select(label, options, chosen, onChange, attributes = {}) {
  const list = el("select", {
    ...attributes,
    onchange: (event) => onChange(event.target.value),
  });
  for (const [value, text] of options) {
    list.append(el("option", { value, selected: value === chosen }, text));
  }
  return el("label", {}, `${label} `, list);
}

function checkbox(label, checked, onChange, attributes = {}) {
  const box = el("input", {
    ...attributes,
    type: "checkbox",
    checked,
    onchange: (event) => onChange(event.target.checked),
  });
  return el("label", { class: "check" }, box, ` ${label}`);
}

// A plain table: the fallback of a chart, or a list of facts. Numbers are on the right.
function plainTable(caption, heads, rows) {
  const isNumber = heads.map((_, at) => rows.every((row) => row[at] === null || /^[-–\d.,[\] %+×e]*$/.test(String(row[at]))));
  const body = rows.map((row) =>
    el("tr", {}, ...row.map((value, at) =>
      el(at ? "td" : "th", { scope: at ? null : "row", class: isNumber[at] && at ? "number" : null },
        value === null || value === undefined ? "–" : value))));
  const table = el("table", { class: "plain" },
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, ...heads.map((text, at) =>
      el("th", { scope: "col", class: isNumber[at] && at ? "number" : null }, text)))),
    el("tbody", {}, ...body));
  return el("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": `Table: ${caption}` }, table);
}

// The table of a chart, made when somebody opens it.
function asTable(caption, heads, rows) {
  const details = el("details", { class: "as-table" }, el("summary", {}, "Show as a table"));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(plainTable(caption, heads, rows()));
  });
  return details;
}
