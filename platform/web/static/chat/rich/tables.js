// Tables of an answer: copied as tab-separated text, which spreadsheets paste into cells, and saved as CSV.

import { t } from "../../translate.js";

const FORMULA = /^[=+\-@＝＋－＠]/;
const NUMBER = /^[+-]?\d[\d.,\s]*%?$/;
const NOTES = ".cite, .cites, .link-host, .link-note";

/** Add the buttons below a table. */
export function show(box) {
  const table = box.querySelector("table");
  const tools = document.createElement("div");
  tools.className = "table-tools";
  const copy = tool(t("Copy"), t("Copy table"));
  copy.copyText = () => rowsOf(table).map((row) => row.map(flat).join("\t")).join("\n");
  const save = tool(t("Download CSV"), t("Download table as CSV"));
  save.addEventListener("click", () => download(rowsOf(table)));
  tools.append(copy, save);
  box.append(tools);
}

function tool(words, name) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool";
  button.textContent = words;
  button.ariaLabel = name;
  return button;
}

function rowsOf(table) {
  return [...table.rows].map((row) => [...row.cells].map(textOf));
}

/** The text of a cell without citations; of a formula, its source. What a spreadsheet would compute gets a ' before it. */
function textOf(cell) {
  const copy = cell.cloneNode(true);
  for (const note of copy.querySelectorAll(NOTES)) note.remove();
  for (const formula of copy.querySelectorAll(".formula")) formula.replaceWith(formula.querySelector("annotation").textContent);
  for (const line of copy.querySelectorAll("br")) line.replaceWith("\n");
  const text = copy.textContent.trim();
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

function flat(text) {
  return text.replace(/\s+/g, " ");
}

function download(rows) {
  const lines = rows.map((row) => row.map((text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(","));
  const link = document.createElement("a");
  // The mark of UTF-8 in front is for Excel.
  link.href = URL.createObjectURL(new Blob(["\ufeff", lines.join("\r\n"), "\r\n"], { type: "text/csv" }));
  link.download = "table.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
