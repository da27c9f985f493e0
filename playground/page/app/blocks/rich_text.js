// Rich text: sections, lists, quotes and code. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

import { h, link } from "../dom.js";
import { character } from "../emoji.js";
import { spell } from "../times.js";
import { emoji } from "./mrkdwn.js";
import { broadcast, channel, group, mention } from "./references.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", highlight: "mark", code: "code" };
const BULLETS = 3;

/** Return the nodes of a rich_text block. */
export function richText(block, names) {
  return (block.elements ?? []).map((part) => drawPart(part, names));
}

function drawPart(part, names) {
  const leaves = () => (part.elements ?? []).map((leaf) => drawLeaf(leaf, names));
  switch (part.type) {
    case "rich_text_list":
      return drawList(part, names);
    case "rich_text_preformatted":
      return h("pre", { tabindex: 0, "data-language": part.language }, h("code", null, leaves()));
    case "rich_text_quote":
      return h("blockquote", null, leaves());
    default:
      return h("div", { class: "rich" }, leaves());
  }
}

/** Slack's lists are flat, each with an indent; numbering may start anywhere. */
function drawList(part, names) {
  const items = (part.elements ?? []).map((item) => h("li", null, drawPart(item, names)));
  const indent = Math.min(part.indent ?? 0, 8);
  const properties = { class: part.border ? "rich-list bordered" : "rich-list", "data-indent": indent, "data-kind": indent % BULLETS };
  if (part.style !== "ordered") return h("ul", properties, items);
  return h("ol", { ...properties, start: (part.offset ?? 0) + 1 }, items);
}

function drawLeaf(leaf, names) {
  const node = bare(leaf, names);
  return Object.entries(STYLES).reduce(
    (inner, [style, tag]) => (leaf.style?.[style] ? h(tag, null, inner) : inner),
    node,
  );
}

function bare(leaf, names) {
  switch (leaf.type) {
    case "link":
      return link(leaf.url, leaf.text || leaf.url);
    case "emoji":
      return emoji(leaf.name, leaf.unicode ? fromUnicode(leaf.unicode) : character(leaf.name) ?? `:${leaf.name}:`);
    case "user":
      return mention(leaf.user_id, names);
    case "usergroup":
      return group(leaf.usergroup_id, names);
    case "channel":
      return channel(leaf.channel_id, names);
    case "broadcast":
      return broadcast(leaf.range);
    case "date":
      return h("time", null, spell(String(leaf.timestamp), leaf.format, names.zone) ?? leaf.fallback ?? "");
    case "color":
      return h("code", null, leaf.value);
    default:
      return leaf.text ?? "";
  }
}

/** Return the characters of code points such as 1f44d-1f3fd. */
function fromUnicode(points) {
  return String.fromCodePoint(...points.split("-").map((point) => Number.parseInt(point, 16)));
}
