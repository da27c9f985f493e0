// The question before something is done. https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object

import { textObject, words } from "./blocks/text.js";
import { h, newId } from "./dom.js";

/** Ask, and return whether the person agreed; Esc is a no. */
export function confirmed(question, names) {
  if (!question) return Promise.resolve(true);
  const titleId = newId("question");
  const textId = newId("question");
  const dialog = h("dialog", { class: "question", "aria-labelledby": titleId, "aria-describedby": textId });
  const yes = h(
    "button",
    { class: question.style === "danger" ? "button danger" : "button primary", type: "button", onclick: () => dialog.close("yes") },
    words(question.confirm) || "Yes",
  );
  const no = h("button", { class: "button", type: "button", onclick: () => dialog.close("") }, words(question.deny) || "Cancel");
  dialog.append(
    h("h2", { id: titleId }, words(question.title) || "Are you sure?"),
    h("div", { id: textId, class: "markup" }, textObject(question.text, names)),
    h("div", { class: "buttons" }, no, yes),
  );
  document.body.append(dialog);
  dialog.showModal();
  yes.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
