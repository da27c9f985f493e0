// Files in messages: pictures are shown, tables and text begin to be read, everything can be saved.

import { fileAddress } from "./control.js";
import { h, link } from "./dom.js";
import { icon } from "./icons.js";
import { plainTable } from "./blocks/table.js";
import { readRows } from "./rows.js";

const PREVIEW_BYTES = 200_000;
const PREVIEW_ROWS = 8;
const PREVIEW_LINES = 12;
const PICTURE = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;
const TABLE = /\.(csv|tsv)$/i;
const TEXT = /^(text\/|application\/(json|toml|yaml|x-yaml|x-ndjson))|\.(txt|md|json|log|toml|ya?ml|py|sql)$/i;

/** Return the node of a file of a message. */
export function drawFile(file) {
  const name = file.title || file.name;
  const head = h(
    "div",
    { class: "file-head" },
    icon("file"),
    h("span", { class: "file-name" }, name),
    h("span", { class: "hint" }, size(file.size)),
    h("a", { class: "icon-button", href: fileAddress(file.id), download: file.name, "aria-label": `Save ${file.name}` }, icon("download")),
  );
  return h("figure", { class: "file" }, head, preview(file));
}

function preview(file) {
  if (PICTURE.test(file.mimetype)) return enlargeable(fileAddress(file.id), file.alt_txt || file.title || file.name);
  if (!TABLE.test(file.name) && !TEXT.test(file.mimetype) && !TEXT.test(file.name)) return null;
  const shown = h("div", { class: "file-preview", "aria-busy": "true" });
  readBeginning(file)
    .then((text) => shown.replaceChildren(...(TABLE.test(file.name) ? tablePreview(text, file) : textPreview(text))))
    .catch(() => shown.replaceChildren(h("p", { class: "hint" }, "This file cannot be shown here.")))
    .finally(() => shown.removeAttribute("aria-busy"));
  return shown;
}

async function readBeginning(file) {
  const reply = await fetch(fileAddress(file.id));
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  const bytes = await (await reply.blob()).slice(0, PREVIEW_BYTES).arrayBuffer();
  return decode(bytes);
}

/** Return the text of bytes: UTF-8 with or without its mark, or else Shift_JIS, as spreadsheets in Japan write it. */
function decode(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder("shift_jis").decode(bytes);
  }
}

function tablePreview(text, file) {
  const rows = readRows(text);
  const more = rows.length - 1 - PREVIEW_ROWS;
  const rest = file.size > PREVIEW_BYTES ? "The file goes on." : more > 0 ? `… and ${more === 1 ? "1 more row" : `${more.toLocaleString("en")} more rows`}` : "";
  return [plainTable(rows.slice(0, PREVIEW_ROWS + 1), file.name), rest && h("p", { class: "hint" }, rest)].filter(Boolean);
}

function textPreview(text) {
  const lines = text.split("\n");
  const rest = lines.length > PREVIEW_LINES ? [h("p", { class: "hint" }, `… and ${(lines.length - PREVIEW_LINES).toLocaleString("en")} more lines`)] : [];
  return [h("pre", { tabindex: 0 }, h("code", null, lines.slice(0, PREVIEW_LINES).join("\n"))), ...rest];
}

/** Return the node of an image block or element; pictures from elsewhere are linked, never fetched. */
export function picture(block, { small = false, tiny = false } = {}) {
  const own = block.slack_file?.id ?? /\/files-pri\/[^/]*-(F[A-Z0-9]+)/.exec(block.slack_file?.url ?? block.image_url ?? "")?.[1];
  const alt = block.alt_text ?? "";
  if (own && (small || tiny)) return h("img", { class: small ? "small" : "tiny", src: fileAddress(own), alt });
  if (own) return enlargeable(fileAddress(own), alt);
  if (tiny) return h("span", { class: "hint", title: block.image_url }, alt);
  return h("span", { class: "elsewhere" }, icon("eye"), link(block.image_url ?? "", alt || "Picture"), h("small", null, "from elsewhere, not loaded"));
}

function enlargeable(address, alt) {
  const open = () => {
    const dialog = h("dialog", { class: "enlarged", "aria-label": alt }, h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close")), h("img", { src: address, alt }), h("p", null, alt));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  return h("button", { type: "button", class: "picture", "aria-label": `Enlarge: ${alt}`, onclick: open }, h("img", { src: address, alt }));
}

/** Return 1.4 kB for 1,400 bytes. */
function size(bytes) {
  if (!Number.isFinite(bytes)) return "";
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
