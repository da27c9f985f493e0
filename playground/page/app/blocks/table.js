// Tables: the table block, the data_table block, and files of rows.
// https://docs.slack.dev/reference/block-kit/blocks/table-block

import { h } from "../dom.js";
import { richText } from "./rich_text.js";

const LONG_TEXT = 16;
const NUMBER = /^[+\-−]?[\d,.\s]*\d\s?%?$/;

/** Return the node of a table or data_table block. */
export function table(block, names) {
  const settings = block.column_settings ?? [];
  const rows = block.rows ?? [];
  const side = (column) => settings[column]?.align ?? (block.type === "data_table" && isNumeric(rows, column) ? "right" : "left");
  const cell = (tag, column, content) =>
    h(
      tag,
      { scope: tag === "th" ? "col" : null, "data-align": side(column), class: settings[column]?.is_wrapped ? wrapping(rows, column) : null },
      drawCell(content, names),
    );
  const line = (row, tag) => h("tr", null, row.map((content, column) => cell(tag, column, content)));
  const [head = [], ...body] = rows;
  return framed(
    h(
      "table",
      null,
      block.caption && h("caption", null, block.caption),
      h("thead", null, line(head, "th")),
      h("tbody", null, body.map((row) => line(row, "td"))),
    ),
    block.caption ?? "Table",
  );
}

/** Return a table of plain text; the first row is its head. */
export function plainTable(rows, label) {
  const line = (row, tag) =>
    h("tr", null, row.map((text, column) => h(tag, { scope: tag === "th" ? "col" : null, "data-align": rows.slice(1).every((one) => NUMBER.test(one[column] ?? "")) ? "right" : "left" }, text)));
  const [head = [], ...body] = rows;
  return framed(h("table", null, h("thead", null, line(head, "th")), h("tbody", null, body.map((row) => line(row, "td")))), label);
}

/** A wide table scrolls in a frame of its own, by keyboard too. */
function framed(node, label) {
  return h("div", { class: "table-frame", tabindex: 0, role: "group", "aria-label": label }, node);
}

function drawCell(cell, names) {
  if (cell.type === "rich_text") return richText(cell, names);
  if (cell.type === "raw_number") return cell.text ?? String(cell.value);
  return (cell.text ?? "").split("\n").flatMap((part, at) => (at ? [h("br"), part] : [part]));
}

/** A column that wraps keeps some width where its text is long, and takes no more than it needs elsewhere. */
function wrapping(rows, column) {
  return rows.some((row) => (row[column]?.text ?? "").length > LONG_TEXT) ? "wraps long" : "wraps";
}

function isNumeric(rows, column) {
  return rows.slice(1).every((row) => row[column]?.type === "raw_number");
}
