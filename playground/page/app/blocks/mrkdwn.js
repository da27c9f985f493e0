// Slack's own markup, mrkdwn: *bold*, _italic_, ~strike~, `code`, ```fences```, > quotes, <references>, :emoji:.
// https://docs.slack.dev/messaging/formatting-message-text

import { h, link } from "../dom.js";
import { character } from "../emoji.js";
import { reference } from "./references.js";

const FENCE = /```\n?([\s\S]*?)\n?```/;
const QUOTE = /^(?:&gt;|>) ?/;
const LONG_QUOTE = /^(?:&gt;&gt;&gt;|>>>) ?/;
const ADDRESS = /^https?:\/\/[^\s<>|"]*[^\s<>|"'.,;:!?)\]}*_~]/;
const SHORTCODE = /^:([\p{L}\p{N}_+'-]+):(?::skin-tone-[2-6]:)?/u;
const WORD = /[\p{L}\p{N}_]/u;
const STYLES = { "*": "strong", _: "em", "~": "s" };
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** Return the nodes of a whole mrkdwn text. */
export function mrkdwn(text, names) {
  const nodes = [];
  let rest = text;
  for (let found = FENCE.exec(rest); found; found = FENCE.exec(rest)) {
    const before = rest.slice(0, found.index).replace(/\n$/, "");
    if (before) nodes.push(...quotes(before, names));
    nodes.push(h("pre", { tabindex: 0 }, h("code", null, plainOrReference(found[1], names))));
    rest = rest.slice(found.index + found[0].length).replace(/^\n/, "");
  }
  if (rest) nodes.push(...quotes(rest, names));
  return nodes;
}

/** Undo Slack's three escapes, once. */
export function unescape(text) {
  return text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);
}

/** Return the nodes of text without fences: runs of quoted lines become quotes. */
function quotes(text, names) {
  const nodes = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; ) {
    const start = at;
    if (LONG_QUOTE.test(lines[at])) {
      const quoted = [lines[at].replace(LONG_QUOTE, ""), ...lines.slice(at + 1)];
      nodes.push(h("blockquote", null, broken(quoted, names)));
      return nodes;
    }
    const isQuote = QUOTE.test(lines[at]);
    while (at < lines.length && QUOTE.test(lines[at]) === isQuote && !LONG_QUOTE.test(lines[at])) at += 1;
    const run = lines.slice(start, at);
    if (isQuote) nodes.push(h("blockquote", null, broken(run.map((line) => line.replace(QUOTE, "")), names)));
    else nodes.push(...broken(run, names));
  }
  return nodes;
}

function broken(lines, names) {
  return lines.flatMap((line, at) => [at ? h("br") : null, ...inline(line, names)]).filter(Boolean);
}

/** Return the nodes of one line. */
export function inline(line, names) {
  const nodes = [];
  let text = "";
  const flush = () => {
    if (text) nodes.push(unescape(text));
    text = "";
  };
  for (let at = 0; at < line.length; ) {
    const found = code(line, at) ?? pointed(line, at, names) ?? picture(line, at) ?? styled(line, at, names) ?? address(line, at);
    if (found) {
      flush();
      nodes.push(found.node);
      at = found.end;
    } else {
      text += line[at];
      at += 1;
    }
  }
  flush();
  return nodes;
}

function code(line, at) {
  if (line[at] !== "`") return null;
  const end = line.indexOf("`", at + 1);
  if (end <= at + 1) return null;
  return { node: h("code", null, unescape(line.slice(at + 1, end))), end: end + 1 };
}

function pointed(line, at, names) {
  if (line[at] !== "<") return null;
  const end = line.indexOf(">", at);
  if (end <= at + 1) return null;
  return { node: reference(unescape(line.slice(at + 1, end)), names), end: end + 1 };
}

function picture(line, at) {
  if (line[at] !== ":") return null;
  const found = SHORTCODE.exec(line.slice(at));
  const drawn = found && character(found[1]);
  return drawn && { node: emoji(found[1], drawn), end: at + found[0].length };
}

/** Return an emoji that says its name to whoever points at it or cannot see it. */
export function emoji(name, drawn) {
  return h("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` }, drawn);
}

function styled(line, at, names) {
  const mark = line[at];
  const tag = STYLES[mark];
  if (!tag || (at > 0 && WORD.test(line[at - 1])) || /[\s]|^$/.test(line[at + 1] ?? "") || line[at + 1] === mark) return null;
  const end = closing(line, at, mark);
  return end && { node: h(tag, null, inline(line.slice(at + 1, end), names)), end: end + 1 };
}

/** Return where a style ends: a mark after something visible and before no word; code inside is passed over. */
function closing(line, start, mark) {
  for (let at = start + 1; at < line.length; at += 1) {
    if (line[at] === "`") at = Math.max(line.indexOf("`", at + 1), at);
    else if (line[at] === "<") at = Math.max(line.indexOf(">", at), at);
    else if (line[at] === mark && !/\s/.test(line[at - 1]) && !WORD.test(line[at + 1] ?? " ")) return at;
  }
  return null;
}

function address(line, at) {
  if (line[at] !== "h" || (at > 0 && WORD.test(line[at - 1]))) return null;
  const found = ADDRESS.exec(line.slice(at));
  return found && { node: link(unescape(found[0])), end: at + found[0].length };
}

/** In a fence only references mean something. */
function plainOrReference(text, names) {
  return text.split(/(<[^<>\n]+>)/).map((piece) =>
    piece.startsWith("<") && piece.endsWith(">") ? reference(unescape(piece.slice(1, -1)), names) : unescape(piece),
  );
}
