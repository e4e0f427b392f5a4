// The table as a file: what it shows, unrounded, for a spreadsheet or a program.

// No text of a name is taken for a formula; see csv_text of bench/text/markup.py.
function csvCell(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = /^\s*[=+\-@]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvOf(lines, columns) {
  const withEnds = (column) => lines.some((line) => line.ends[column.name]);
  const heads = columns.flatMap((column) => (withEnds(column) ? [column.name, `${column.name}_low`, `${column.name}_high`] : [column.name]));
  const rows = lines.map((line) => columns.flatMap((column) => {
    const value = line.values[column.name];
    return withEnds(column) ? [value, ...(line.ends[column.name] || ["", ""])] : [value];
  }));
  return [heads, ...rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

function save(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
