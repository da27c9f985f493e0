// Standard Markdown, as the markdown block holds it: headings, lists, tables, quotes, code, rules, inline styles.
// https://docs.slack.dev/reference/block-kit/blocks/markdown-block

import { h, link } from "../dom.js";
import { character } from "../emoji.js";
import { emoji } from "./mrkdwn.js";
import { reference } from "./references.js";

const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*(\S*)/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TASK = /^\[([ xX])\]\s+(.*)$/;
const COLUMNS = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
// A block's heading stands below the message's own; see the headings of the page.
const TOP_HEADING = 3;

/** Return the nodes of a Markdown text. */
export function markdown(text, names) {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), names);
}

function blocks(lines, names) {
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const { node, end } = nextBlock(lines, at, names);
    if (node) nodes.push(node);
    at = end;
  }
  return nodes;
}

function nextBlock(lines, at, names) {
  const line = lines[at];
  if (!line.trim()) return { end: at + 1 };
  const heading = HEADING.exec(line);
  if (heading) {
    const level = Math.min(heading[1].length + TOP_HEADING - 1, 6);
    return { node: h(`h${level}`, null, inlines(heading[2], names)), end: at + 1 };
  }
  if (RULE.test(line)) return { node: h("hr"), end: at + 1 };
  if (FENCE.test(line)) return fence(lines, at);
  if (QUOTE.test(line)) return quote(lines, at, names);
  if (ITEM.test(line)) return list(lines, at, names);
  if (line.includes("|") && COLUMNS.test(lines[at + 1] ?? "")) return table(lines, at, names);
  return paragraph(lines, at, names);
}

function fence(lines, at) {
  const [, mark] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(mark)) end += 1;
  return { node: h("pre", { tabindex: 0 }, h("code", null, lines.slice(at + 1, end).join("\n"))), end: end + 1 };
}

function quote(lines, at, names) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { node: h("blockquote", null, blocks(inner, names)), end };
}

/** Read one list; lines indented deeper belong to the item above them. */
function list(lines, at, names) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(mark);
  const items = [];
  let end = at;
  while (end < lines.length) {
    const found = ITEM.exec(lines[end]);
    if (!found || found[1].length < indent.length || /\d/.test(found[2]) !== ordered) break;
    const inner = [];
    end += 1;
    while (end < lines.length && isInside(lines[end], indent.length)) {
      inner.push(lines[end].slice(Math.min(indent.length + 2, lines[end].length - lines[end].trimStart().length)));
      end += 1;
    }
    items.push(item(found[3], inner, names));
  }
  const start = ordered ? Number.parseInt(mark, 10) : 1;
  return { node: h(ordered ? "ol" : "ul", { start: start === 1 ? null : start }, items), end };
}

function isInside(line, indent) {
  return line.trim() !== "" && line.length - line.trimStart().length > indent;
}

function item(text, inner, names) {
  const task = TASK.exec(text);
  const head = task
    ? [h("input", { type: "checkbox", disabled: true, checked: task[1] !== " ", "aria-label": task[1] === " " ? "open" : "done" }), " ", ...inlines(task[2], names)]
    : inlines(text, names);
  return h("li", null, head, blocks(inner, names));
}

function table(lines, at, names) {
  const sides = cells(lines[at + 1]).map((rule) => (rule.endsWith(":") ? (rule.startsWith(":") ? "center" : "right") : "left"));
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const row = (line, tag) =>
    h("tr", null, cells(line).map((cell, column) => h(tag, { "data-align": sides[column], scope: tag === "th" ? "col" : null }, inlines(cell, names))));
  const head = h("thead", null, row(lines[at], "th"));
  const body = h("tbody", null, lines.slice(at + 2, end).map((line) => row(line, "td")));
  return { node: h("div", { class: "table-frame", tabindex: 0, role: "region", "aria-label": "Table" }, h("table", null, head, body)), end };
}

/** Return the cells of a line; a bar after a backslash or within code is text. */
function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function paragraph(lines, at, names) {
  let end = at + 1;
  const begins = (line) => !line.trim() || HEADING.test(line) || RULE.test(line) || FENCE.test(line) || QUOTE.test(line) || ITEM.test(line);
  while (end < lines.length && !begins(lines[end])) end += 1;
  const shown = lines.slice(at, end).flatMap((line, row) => [row ? h("br") : null, ...inlines(line.trim(), names)]);
  return { node: h("p", null, shown), end };
}

const INLINE = [
  [/^\\([\\`*_{}[\]()#+\-.!|~<>:])/, (found) => found[1]],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, (found) => h("code", null, found[2].replace(/^ (.*) $/, "$1"))],
  [/^!\[([^\]]*)\]\(\s*(\S+?)(?:\s+"[^"]*")?\s*\)/, (found) => link(found[2], `🖼 ${found[1] || found[2]}`)],
  [/^\[((?:[^[\]]|\[[^\]]*\])+)\]\(\s*(\S+?)(?:\s+"[^"]*")?\s*\)/, (found, names) => link(found[2], inlines(found[1], names))],
  [/^<((?:https?:\/\/|mailto:)[^\s>]+)>/, (found) => link(found[1])],
  [/^<([@#!][^\s>][^>]*)>/, (found, names) => reference(found[1], names)],
  [/^\*\*(?=\S)([\s\S]*?\S)\*\*/, (found, names) => h("strong", null, inlines(found[1], names))],
  [/^__(?=\S)([\s\S]*?\S)__(?![\p{L}\p{N}])/u, (found, names) => h("strong", null, inlines(found[1], names)), true],
  [/^\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/, (found, names) => h("em", null, inlines(found[1], names))],
  [/^_(?=[^\s_])([\s\S]*?[^\s_])_(?![\p{L}\p{N}])/u, (found, names) => h("em", null, inlines(found[1], names)), true],
  [/^~~(?=\S)([\s\S]*?\S)~~/, (found, names) => h("s", null, inlines(found[1], names))],
  [/^https?:\/\/[^\s<>]*[^\s<>.,;:!?)\]}*_~]/, (found) => link(found[0]), true],
  [/^:([\p{L}\p{N}_+'-]+):/u, (found) => character(found[1]) && emoji(found[1], character(found[1]))],
];

/** Return the nodes of a line of Markdown. */
export function inlines(line, names) {
  const nodes = [];
  let text = "";
  for (let at = 0; at < line.length; ) {
    const rest = line.slice(at);
    const afterWord = at > 0 && /[\p{L}\p{N}]/u.test(line[at - 1]);
    const hit = /^[\\`![<*_~h:]/.test(rest) && match(rest, afterWord, names);
    if (hit) {
      if (text) nodes.push(text);
      text = "";
      nodes.push(hit.node);
      at += hit.length;
    } else {
      text += line[at];
      at += 1;
    }
  }
  return text ? [...nodes, text] : nodes;
}

function match(rest, afterWord, names) {
  for (const [pattern, draw, notInWords] of INLINE) {
    const found = !(notInWords && afterWord) && pattern.exec(rest);
    const node = found && draw(found, names);
    if (node) return { node, length: found[0].length };
  }
  return null;
}
