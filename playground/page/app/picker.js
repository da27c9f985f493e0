// A menu that searches: one choice or several, from a list that is there or one that is asked for.

import { h, newId, present } from "./dom.js";
import { icon } from "./icons.js";
import { Popup } from "./popup.js";

const WAIT_MILLISECONDS = 150;
const NONE = { value: null, text: "No choice" };

/**
 * One control. Options are {value, text, description?}; where *clearable*, the one choice can be taken back. *find* returns groups [{label?, options}] for a query, or,
 * where *remote*, a promise of them.
 *
 * *choose* is called with the chosen options after each change; when it answers false, the choice is taken back.
 */
export class Picker {
  #settings;
  #chosen;
  #found = [];
  #options = [];
  #active = -1;
  #asked = 0;
  #button;
  #search;
  #list;
  #status = h("div", { class: "visually-hidden", role: "status" });
  #popup;

  constructor(settings) {
    this.#settings = { chosen: [], multiple: false, most: Infinity, placeholder: "Choose", ...settings };
    this.#chosen = [...this.#settings.chosen];
    this.#build();
    this.#show();
  }

  get element() {
    return this.#button;
  }

  /** Take back a choice that did not happen. */
  reset(chosen) {
    this.#chosen = [...chosen];
    this.#show();
  }

  #build() {
    const { label, multiple } = this.#settings;
    const listId = newId("options");
    this.#button = h("button", {
      type: "button",
      class: "picker",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      onclick: () => (this.#popup.isOpen ? this.#leave() : this.#open()),
      onkeydown: (event) => this.#openByKey(event),
    });
    this.#search = h("input", {
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": `Search: ${label}`,
      "aria-expanded": "true",
      "aria-controls": listId,
      "aria-autocomplete": "list",
      placeholder: "Type to search",
      oninput: () => this.#ask(),
      onkeydown: (event) => this.#key(event),
    });
    this.#list = h("ul", { role: "listbox", id: listId, "aria-label": label, "aria-multiselectable": multiple ? "true" : null });
    const content = h("div", { class: "picker-popup" }, this.#search, this.#list, this.#status);
    content.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !content.contains(event.relatedTarget)) this.#popup.close();
    });
    this.#popup = new Popup(this.#button, content, () => this.#button.setAttribute("aria-expanded", "false"));
  }

  #show() {
    const { label, multiple, placeholder } = this.#settings;
    const names = this.#chosen.map((option) => option.text);
    const shown = multiple && names.length ? names.map((name) => h("span", { class: "token" }, name)) : names[0];
    const words = h("span", { class: names.length ? "chosen" : "placeholder" }, present([shown ?? placeholder]));
    this.#button.replaceChildren(words, icon("down"));
    this.#button.setAttribute("aria-label", `${label}: ${names.join(", ") || placeholder}`);
  }

  #openByKey(event) {
    if (this.#popup.isOpen) return;
    if (["ArrowDown", "ArrowUp"].includes(event.key)) this.#open();
    else if (["Backspace", "Delete"].includes(event.key) && this.#canClear) this.#take(NONE);
    else return;
    event.preventDefault();
  }

  get #canClear() {
    return Boolean(this.#settings.clearable) && this.#chosen.length > 0;
  }

  #open() {
    this.#search.value = "";
    this.#popup.open();
    this.#button.setAttribute("aria-expanded", "true");
    this.#search.focus();
    this.#ask();
  }

  #leave() {
    this.#popup.close();
    this.#button.focus();
  }

  /** Show what fits what is typed by now: at once from a list that is there, so that Enter never takes an old one. */
  #ask() {
    const asked = ++this.#asked;
    const query = this.#search.value.trim();
    const { remote, find, least = 0 } = this.#settings;
    if (!remote) this.#showOptions(find(query));
    else if (query.length < least) this.#showNote(`Type ${least === 1 ? "a letter" : `${least} letters`} to search`);
    else {
      this.#showNote("Searching …");
      setTimeout(() => asked === this.#asked && this.#askRemote(asked, query), WAIT_MILLISECONDS);
    }
  }

  async #askRemote(asked, query) {
    try {
      const groups = await this.#settings.find(query);
      if (asked === this.#asked) this.#showOptions(groups);
    } catch (error) {
      if (asked === this.#asked) this.#showNote(error.message);
    }
  }

  #showNote(text) {
    this.#list.replaceChildren(this.#note(text));
    this.#setActive(-1);
  }

  #note(text) {
    this.#options = [];
    this.#status.replaceChildren(text);
    return h("li", { class: "note", role: "presentation" }, text);
  }

  /** Show what was found; *active* is the option that the keys are at, else the first chosen one or the first. */
  #showOptions(found, active = null) {
    this.#found = found;
    const groups = this.#canClear && !this.#search.value.trim() ? [{ options: [NONE] }, ...found] : found;
    this.#options = groups.flatMap((group) => group.options);
    this.#status.replaceChildren(this.#options.length === 1 ? "1 choice" : `${this.#options.length} choices`);
    const nodes = groups.flatMap((group) => [
      group.label && h("li", { class: "group", role: "presentation" }, group.label),
      ...group.options.map((option) => this.#option(option)),
    ]);
    this.#list.replaceChildren(...present(nodes));
    if (!this.#options.length) this.#list.replaceChildren(this.#note("Nothing found"));
    const at = this.#options.findIndex((option) => (active ? option === active : this.#isChosen(option)));
    this.#setActive(this.#options.length ? Math.max(at, 0) : -1);
    this.#popup.place();
  }

  #option(option) {
    return h(
      "li",
      {
        role: "option",
        id: newId("option"),
        "aria-selected": String(this.#isChosen(option)),
        onclick: () => this.#take(option),
        onpointerdown: (event) => event.preventDefault(), // the search field keeps the focus
      },
      this.#settings.multiple && h("span", { class: "tick" }, this.#isChosen(option) ? icon("check") : null),
      h("span", { class: "words" }, h("span", null, option.text), option.description && h("small", null, option.description)),
    );
  }

  #isChosen(option) {
    return this.#chosen.some((one) => one.value === option.value);
  }

  #setActive(at) {
    this.#active = at;
    const all = [...this.#list.querySelectorAll("[role=option]")];
    for (const [row, element] of all.entries()) element.classList.toggle("active", row === at);
    if (all[at]) {
      this.#search.setAttribute("aria-activedescendant", all[at].id);
      all[at].scrollIntoView({ block: "nearest" });
    } else this.#search.removeAttribute("aria-activedescendant");
  }

  #key(event) {
    const last = this.#options.length - 1;
    const steps = { ArrowDown: Math.min(this.#active + 1, last), ArrowUp: Math.max(this.#active - 1, 0) };
    if (event.key in steps) this.#setActive(steps[event.key]);
    else if (event.key === "Enter" && this.#options[this.#active]) this.#take(this.#options[this.#active]);
    else if (event.key === "Escape") this.#leave();
    else if (event.key === "Backspace" && !this.#search.value && this.#settings.multiple) this.#takeBack();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #takeBack() {
    if (this.#chosen.length) this.#take(this.#chosen.at(-1));
  }

  async #take(option) {
    const { multiple, most, choose } = this.#settings;
    const before = [...this.#chosen];
    if (option === NONE) this.#chosen = [];
    else if (!multiple) this.#chosen = [option];
    else if (this.#isChosen(option)) this.#chosen = before.filter((one) => one.value !== option.value);
    else if (before.length < most) this.#chosen = [...before, option];
    this.#show();
    if (!multiple) this.#leave();
    else this.#showOptions(this.#found, option);
    if ((await choose(this.#chosen)) === false) this.reset(before);
  }
}

/** Return the groups whose options hold every word of a query. */
export function matching(groups, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (option) => words.every((word) => `${option.text} ${option.description ?? ""}`.toLowerCase().includes(word));
  return groups
    .map((group) => ({ ...group, options: group.options.filter(fits) }))
    .filter((group) => group.options.length);
}
