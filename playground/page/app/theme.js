// Light, dark, or as the system has it.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import * as reading from "./reading.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const WORDS = { auto: "Theme: as the system has it", light: "Theme: light", dark: "Theme: dark" };
const ICONS = { auto: "auto", light: "sun", dark: "moon" };

/** Take up the theme that was chosen at the last visit. */
export function applyTheme() {
  document.documentElement.dataset.theme = reading.theme();
}

/** Return a button that goes through the three. */
export function themeButton() {
  const button = h("button", { type: "button", class: "icon-button theme" });
  const show = () => {
    const name = reading.theme();
    button.replaceChildren(icon(ICONS[name]));
    button.setAttribute("aria-label", WORDS[name]);
    button.title = WORDS[name];
  };
  button.addEventListener("click", () => {
    reading.keepTheme(NEXT[reading.theme()]);
    applyTheme();
    show();
  });
  show();
  return button;
}
