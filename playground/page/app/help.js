// What the keys do.

import { h, newId } from "./dom.js";
import { icon } from "./icons.js";

const KEYS = [
  [["/"], "Go to the message box and begin a command"],
  [["Enter"], "Send; Shift and Enter begins a new line"],
  [["Tab"], "Take the completion that is shown"],
  [["↑"], "In an empty box: what was sent before"],
  [["Esc"], "Close what is open: list, thread, form"],
  [["↑", "↓"], "In the messages: from one to the next"],
  [["Alt", "↑ ↓"], "Previous or next channel"],
  [["Alt", "1 … 9"], "Speak as the first, second … person"],
  [["Ctrl", "Enter"], "In a form: submit"],
  [["?"], "This list"],
];

export function helpButton() {
  return h("button", { type: "button", class: "icon-button", "aria-label": "Keys", title: "Keys (?)", onclick: showHelp }, icon("help"));
}

/** Show the list of keys. */
export function showHelp() {
  const titleId = newId("help");
  const dialog = h("dialog", { class: "question help", "aria-labelledby": titleId });
  const close = h("button", { type: "button", class: "button primary", onclick: () => dialog.close() }, "Close");
  const rows = KEYS.flatMap(([keys, words]) => [h("dt", null, keys.map((key) => h("kbd", null, key))), h("dd", null, words)]);
  dialog.append(h("h2", { id: titleId }, "Keys"), h("dl", null, rows), h("div", { class: "buttons" }, close));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
