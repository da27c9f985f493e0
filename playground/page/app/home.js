// The app's Home tab: what the app published for this person. https://docs.slack.dev/surfaces/app-home

import { drawBlocks } from "./blocks/blocks.js";
import * as control from "./control.js";
import { h } from "./dom.js";
import { Form, Place } from "./place.js";

/** Shows the person's Home tab, and tells the app when it is opened. */
export class Home {
  #store;
  #names;
  #form = new Form();
  element = h("div", { class: "home", tabindex: 0, role: "region", "aria-label": "Home", hidden: true });

  constructor(store, names) {
    this.#store = store;
    this.#names = names;
    store.addEventListener("home", () => !this.element.hidden && this.#show());
    store.addEventListener("person", () => (this.#form = new Form()));
  }

  /** Tell the app that the person looks; it publishes what it has to show. */
  async open() {
    this.#show();
    try {
      await control.openHome(this.#store.me);
    } catch (error) {
      this.#store.trouble(error.message);
    }
  }

  #show() {
    const view = this.#store.home;
    if (!view) {
      this.element.replaceChildren(h("p", { class: "hint" }, `${this.#store.workspace.bot.name} shows nothing here yet.`));
      return;
    }
    const held = this.element.contains(document.activeElement) ? document.activeElement.dataset : null;
    const here = new Place(this.#store, this.#names, { view: view.id }, this.#form);
    const heading = h("h2", { class: "visually-hidden" }, "Home");
    this.element.replaceChildren(heading, h("div", { class: "home-body" }, drawBlocks(view.blocks, here)));
    if (held?.action) this.element.querySelector(`[data-action="${CSS.escape(held.action)}"]`)?.focus();
  }
}
