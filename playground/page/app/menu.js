// A button that opens a short list of things to do.

import { h, moveByArrows, newId } from "./dom.js";
import { Popup } from "./popup.js";

/**
 * Return *button* with a menu behind it.
 *
 * *items* is a function, asked at each opening: [{text, description?, act, address?}].
 */
export function menu(button, label, items) {
  const list = h("div", { role: "menu", "aria-label": label, id: newId("menu"), class: "menu" });
  const popup = new Popup(button, list, () => button.setAttribute("aria-expanded", "false"));
  const leave = () => {
    popup.close();
    button.focus();
  };
  const entry = (item) =>
    h(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: -1,
        onclick: () => {
          leave();
          item.act();
        },
      },
      h("span", null, item.text),
      item.description && h("small", null, item.description),
    );
  const open = () => {
    list.replaceChildren(...items().map(entry));
    popup.open();
    button.setAttribute("aria-expanded", "true");
    list.firstElementChild?.focus();
  };
  list.addEventListener("keydown", (event) => {
    if (moveByArrows(event, () => list.children)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      leave();
    }
    if (event.key === "Tab") popup.close();
  });
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => (popup.isOpen ? leave() : open()));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || popup.isOpen) return;
    event.preventDefault();
    open();
  });
  return button;
}
