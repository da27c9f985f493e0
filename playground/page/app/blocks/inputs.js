// Input blocks: a label, something to fill in, a hint, and the error that belongs to it.
// https://docs.slack.dev/reference/block-kit/blocks/input-block

import { h, newId } from "../dom.js";
import { drawElement } from "./elements.js";
import { plain, words } from "./text.js";

const PAUSE_MILLISECONDS = 250;

/** Return the nodes of an input block. */
export function input(block, here) {
  const element = block.element;
  const labelId = newId("label");
  const hintId = newId("hint");
  const errorId = newId("error");
  const label = words(block.label);
  const note = h("div", { class: "hint", role: "status" });
  const control = element.type in TYPED ? TYPED[element.type](element, block, here, note) : drawElement(element, block, here, label);
  const focusable = control.matches("input, textarea, button") ? control : null;
  control.setAttribute("aria-describedby", `${errorId} ${hintId}`);
  if (!focusable || focusable.matches("input, textarea")) control.removeAttribute("aria-label");
  if (!focusable || focusable.matches("input, textarea")) control.setAttribute("aria-labelledby", labelId);
  if (focusable?.matches("input, textarea")) {
    focusable.id ||= newId("field");
    if (!block.optional) focusable.setAttribute("aria-required", "true");
  }
  return h(
    "div",
    { class: "input", "data-input": block.block_id },
    h("label", { id: labelId, for: focusable?.id || null }, plain(block.label.text), block.optional && [" ", h("span", { class: "optional" }, "optional")]),
    control,
    element.type === "file_input" && note,
    h("div", { id: errorId, class: "error" }),
    h("div", { id: hintId, class: "hint" }, block.hint && plain(block.hint.text)),
  );
}

/** Show errors at their fields, take away the others, and go to the first. */
export function showErrors(form, errors) {
  for (const field of form.querySelectorAll("[data-input]")) {
    const text = errors[field.dataset.input] ?? "";
    field.classList.toggle("wrong", Boolean(text));
    field.querySelector(".error").replaceChildren(text);
    const control = field.querySelector("[aria-describedby]");
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
  const first = form.querySelector(".wrong :is(input, textarea, button)");
  first?.focus();
}

function typed(type, more = {}) {
  return (element, block, here) => {
    let pause = null;
    const report = () => here.change(element, block, control.value, control);
    // By then an update may have drawn the field anew, and more have been typed into the new one.
    const reportLatest = () => here.change(element, block, here.value(element, block), control);
    const multiline = element.multiline || element.type === "rich_text_input";
    const control = h(multiline ? "textarea" : "input", {
      type: multiline ? null : type,
      class: "field",
      rows: multiline ? 4 : null,
      placeholder: words(element.placeholder) || null,
      autocomplete: "off",
      "data-action": element.action_id,
      "data-block": block.block_id,
      oninput: () => {
        here.enter(element, block, control.value);
        clearTimeout(pause);
        if (here.isReporting(element, block, "on_character_entered")) pause = setTimeout(reportLatest, PAUSE_MILLISECONDS);
      },
      onkeydown: (event) => {
        if (event.key !== "Enter" || multiline || !here.isReporting(element, block, "on_enter_pressed")) return;
        event.preventDefault();
        report();
      },
      ...more,
    });
    const held = here.value(element, block);
    control.value = typeof held === "object" && held ? richWords(held) : held ?? "";
    return control;
  };
}

/** Return the plain text of a rich_text value. */
function richWords(value) {
  if (Array.isArray(value)) return value.map(richWords).join("");
  return value.text ?? richWords(value.elements ?? []);
}

function file(element, block, here, note) {
  const show = (ids) => note.replaceChildren(ids.length ? `${ids.map((id) => here.seen(id)?.text ?? id).join(", ")}, uploaded` : "");
  const accept = (element.filetypes ?? []).map((type) => `.${type}`).join(",");
  const control = h("input", {
    type: "file",
    class: "field",
    accept: accept || null,
    multiple: (element.max_files ?? 10) > 1,
    "data-action": element.action_id,
    "data-block": block.block_id,
    onchange: async () => {
      const ids = await here.upload([...control.files]);
      if (ids === null) control.value = ""; // so that the same files can be chosen again
      else {
        here.enter(element, block, ids);
        show(ids);
      }
    },
  });
  show(here.value(element, block) ?? []);
  return control;
}

const TYPED = {
  plain_text_input: typed("text"),
  rich_text_input: typed("text"),
  number_input: typed("text", { inputmode: "decimal" }),
  email_text_input: typed("email"),
  url_text_input: typed("url"),
  file_input: file,
};
