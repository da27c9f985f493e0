// Blocks to nodes, one function for each kind. https://docs.slack.dev/reference/block-kit/blocks

import { h, link } from "../dom.js";
import { picture } from "../files.js";
import { chart } from "./chart.js";
import { drawElement } from "./elements.js";
import { input } from "./inputs.js";
import { markdown } from "./markdown.js";
import { richText } from "./rich_text.js";
import { table } from "./table.js";
import { plain, textObject, words } from "./text.js";

const SHORT_FIELD = 40;

/** Return the nodes of blocks; *here* is the place that they stand in. */
export function drawBlocks(blocks, here) {
  return (blocks ?? []).map((block) => drawBlock(block, here));
}

function drawBlock(block, here) {
  const draw = BLOCKS[block.type] ?? unknown;
  const node = h("div", { class: `block ${block.type ?? "unknown"}` }, draw(block, here));
  if (block.block_id) node.dataset.blockId = block.block_id;
  // Each run of text takes its direction from its own words: Hebrew and Arabic from right to left.
  for (const run of node.querySelectorAll(".markup, h3, td, th")) run.dir = "auto";
  return node;
}

function section(block, here) {
  const fields = block.fields ?? [];
  const label = words(block.text).split("\n")[0];
  return [
    h(
      "div",
      { class: "section-text" },
      block.text && h("div", { class: "markup" }, textObject(block.text, here.names)),
      fields.length > 0 && h("div", { class: fields.every(isShort) ? "fields short" : "fields" }, fields.map((field) => h("div", { class: "markup" }, textObject(field, here.names)))),
    ),
    block.accessory && h("div", { class: "accessory" }, accessory(block, here, label)),
  ];
}

const isShort = (field) => field.text.split("\n").every((line) => line.length <= SHORT_FIELD);

function accessory(block, here, label) {
  if (block.accessory.type === "image") return picture(block.accessory, { small: true });
  return drawElement(block.accessory, block, here, label);
}

function context(block, here) {
  return (block.elements ?? []).map((element) =>
    element.type === "image" ? picture(element, { tiny: true }) : h("div", { class: "markup" }, textObject(element, here.names)),
  );
}

function actions(block, here) {
  return (block.elements ?? []).map((element) => drawElement(element, block, here));
}

function image(block) {
  return h("figure", null, block.title && h("figcaption", null, plain(block.title.text)), picture(block));
}

function video(block) {
  return [
    h("p", null, link(block.title_url ?? block.video_url ?? "", words(block.title) || "Video")),
    h("p", { class: "hint" }, words(block.description) || block.alt_text || ""),
  ];
}

function alert(block, here) {
  return h("div", { class: `markup level-${block.level ?? "default"}`, role: "note" }, textObject(block.text, here.names));
}

function card(block, here) {
  return [
    block.hero_image && picture(block.hero_image),
    block.title && h("h3", { class: "markup" }, textObject(block.title, here.names)),
    block.subtitle && h("p", { class: "hint" }, textObject(block.subtitle, here.names)),
    block.body && h("div", { class: "markup" }, textObject(block.body, here.names)),
    block.actions && h("div", { class: "block actions" }, actions({ ...block, elements: block.actions }, here)),
  ];
}

function container(block, here) {
  return [
    block.title && h("h3", null, textObject(block.title, here.names)),
    drawBlocks(block.child_blocks ?? block.blocks ?? [], here),
  ];
}

/** A kind of block that this page does not know shows whatever text it holds. */
function unknown(block) {
  return [h("span", { class: "hint" }, `[${block.type ?? "block without a type"}]`), ...texts(block).map((text) => h("p", null, text))];
}

function texts(value) {
  if (Array.isArray(value)) return value.flatMap(texts);
  if (!value || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, inner]) => (name === "text" && typeof inner === "string" ? [inner] : texts(inner)));
}

const BLOCKS = {
  section,
  context,
  actions,
  image,
  input,
  video,
  alert,
  card,
  container,
  context_actions: actions,
  data_visualization: chart,
  header: (block) => h("h3", null, plain(block.text.text)),
  divider: () => h("hr"),
  markdown: (block, here) => h("div", { class: "markup" }, markdown(block.text, here.names)),
  rich_text: (block, here) => h("div", { class: "markup" }, richText(block, here.names)),
  table: (block, here) => table(block, here.names),
  data_table: (block, here) => table(block, here.names),
  carousel: (block, here) => h("div", { class: "cards" }, drawBlocks(block.elements ?? block.cards, here)),
  file: (block) => h("span", { class: "hint" }, `file ${block.external_id ?? ""}`),
};
