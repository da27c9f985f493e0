// The box to write in: messages and commands, completed while one types, with files.

import * as control from "./control.js";
import { h, newId } from "./dom.js";
import { icon } from "./icons.js";
import { menu } from "./menu.js";
import { Popup } from "./popup.js";

const SENT_KEPT = 50;
const drafts = new Map();
const sent = [];

/** One box, for a channel or for a thread. */
export class Composer {
  #store;
  #names;
  #completer;
  #place = null;
  #thread = null;
  #files = [];
  #found = null;
  #active = -1;
  #recalled = -1;
  #text;
  #list;
  #popup;
  #attached = h("ul", { class: "attached", "aria-label": "Files to send" });
  element;

  constructor(store, names, completer, { id }) {
    this.#store = store;
    this.#names = names;
    this.#completer = completer;
    this.#build(id);
    store.addEventListener("person", () => this.#showPlaceholder());
  }

  focus() {
    this.#text.focus();
  }

  /** Write into another channel or thread; what was begun there is there again. */
  enter(place, thread) {
    if (this.#place) drafts.set(`${this.#place}/${this.#thread}`, this.#text.value);
    this.#place = place;
    this.#thread = thread;
    this.#setText(drafts.get(`${place}/${thread}`) ?? "");
    this.#files = [];
    this.#showFiles();
    this.#showPlaceholder();
  }

  /** Add files to what is sent next. */
  attach(files) {
    this.#files.push(...files);
    this.#showFiles();
    this.focus();
  }

  #build(id) {
    const listId = newId("completions");
    this.#list = h("ul", { role: "listbox", id: listId, "aria-label": "Completions", class: "completions" });
    this.#text = h("textarea", {
      id,
      rows: 1,
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": listId,
      "aria-haspopup": "listbox",
      autocomplete: "off",
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
      onblur: () => this.#popup.close(),
      onpaste: (event) => this.#paste(event),
    });
    this.#popup = new Popup(this.#text, this.#list, () => this.#text.setAttribute("aria-expanded", "false"));
    const choose = h("input", { type: "file", multiple: true, hidden: true, onchange: () => { this.attach([...choose.files]); choose.value = ""; } });
    const attach = h("button", { type: "button", class: "icon-button", "aria-label": "Attach files", title: "Attach files" }, icon("plus"));
    menu(attach, "Attach or start", () => [{ text: "Attach a file", description: "or drop it here", act: () => choose.click() }, ...this.#shortcuts()]);
    const send = h("button", { type: "button", class: "icon-button send", "aria-label": "Send", title: "Send (Enter)", onclick: () => this.#send() }, icon("send"));
    this.element = h("div", { class: "composer" }, this.#attached, h("div", { class: "composer-line" }, attach, choose, this.#text, send));
  }

  #shortcuts() {
    return this.#store.shortcuts("global").map((one) => ({
      text: one.name,
      description: one.description ?? this.#store.workspace.bot.name,
      act: () => control.shortcut(this.#store.me, one.callback_id).catch((error) => this.#store.trouble(error.message)),
    }));
  }

  #showPlaceholder() {
    const channel = this.#store.channel(this.#place);
    if (!channel) return;
    const where = this.#thread ? "Reply" : channel.is_im ? `Message ${this.#store.workspace.bot.name}` : `Message #${channel.name}`;
    const words = `${where} as ${this.#names.user(this.#store.me)}`;
    this.#text.placeholder = this.#thread ? words : `${where}, or type /`;
    this.#text.setAttribute("aria-label", words);
  }

  #setText(text, caret = text.length) {
    this.#text.value = text;
    this.#text.setSelectionRange(caret, caret);
    this.#grow();
  }

  #grow() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }

  #typed() {
    this.#recalled = -1;
    this.#grow();
    this.#complete();
  }

  #complete() {
    const { value, selectionStart } = this.#text;
    this.#found = this.#completer.complete(value, selectionStart, { inThread: this.#thread !== null });
    if (!this.#found?.options.length) {
      this.#popup.close();
      return;
    }
    this.#list.replaceChildren(...this.#found.options.map((option) => this.#option(option)));
    this.#popup.open();
    this.#popup.place();
    this.#text.setAttribute("aria-expanded", "true");
    this.#setActive(this.#found.isBegun ? 0 : -1);
  }

  #option(option) {
    return h(
      "li",
      { role: "option", id: newId("completion"), "aria-selected": "false", onpointerdown: (event) => { event.preventDefault(); this.#accept(option); } },
      option.picture && h("span", { class: "emoji" }, option.picture),
      h("span", { class: "completion-text" }, option.text),
      option.description && h("small", null, option.description),
    );
  }

  #setActive(at) {
    this.#active = at;
    const all = [...this.#list.children];
    for (const [row, element] of all.entries()) element.setAttribute("aria-selected", String(row === at));
    if (all[at]) {
      this.#text.setAttribute("aria-activedescendant", all[at].id);
      all[at].scrollIntoView({ block: "nearest" });
    } else this.#text.removeAttribute("aria-activedescendant");
  }

  #accept(option) {
    const { start, end } = this.#found;
    const text = this.#text.value;
    const inserted = option.insert;
    const rest = inserted.endsWith(" ") ? text.slice(end).replace(/^ /, "") : text.slice(end);
    this.#setText(text.slice(0, start) + inserted + rest, start + inserted.length);
    this.#complete();
  }

  #key(event) {
    if (event.isComposing) return; // Enter ends a Japanese word first
    if (this.#popup.isOpen && this.#keyInList(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (["ArrowUp", "ArrowDown"].includes(event.key)) this.#recall(event);
  }

  #keyInList(event) {
    const count = this.#found.options.length;
    if (event.key === "ArrowDown") this.#setActive((this.#active + 1) % count);
    else if (event.key === "ArrowUp") this.#setActive((this.#active - 1 + count) % count);
    else if (event.key === "Escape") this.#popup.close();
    else if (event.key === "Tab" && !event.shiftKey) this.#accept(this.#found.options[Math.max(this.#active, 0)]);
    else if (event.key === "Enter" && !event.shiftKey && this.#active >= 0) this.#accept(this.#found.options[this.#active]);
    else return false;
    return true;
  }

  /** Arrow up in an empty box brings back what was sent, the newest first. */
  #recall(event) {
    if (this.#text.value && this.#recalled < 0) return;
    const to = this.#recalled + (event.key === "ArrowUp" ? 1 : -1);
    if (to < -1 || to >= sent.length) return;
    event.preventDefault();
    this.#recalled = to;
    this.#setText(to < 0 ? "" : sent[to]);
  }

  #paste(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    this.attach([...event.clipboardData.files]);
  }

  #showFiles() {
    const entry = (file) =>
      h("li", null, icon("file"), h("span", null, file.name), h("button", { type: "button", class: "icon-button", "aria-label": `Remove ${file.name}`, onclick: () => { this.#files = this.#files.filter((one) => one !== file); this.#showFiles(); this.focus(); } }, icon("close")));
    this.#attached.replaceChildren(...this.#files.map(entry));
    this.#attached.hidden = !this.#files.length;
  }

  async #send() {
    const text = this.#text.value.trim();
    const files = this.#files;
    if (!text && !files.length) return;
    this.#popup.close();
    this.#setText("");
    this.#files = [];
    this.#showFiles();
    drafts.delete(`${this.#place}/${this.#thread}`);
    if (text && sent[0] !== text) sent.unshift(text);
    sent.length = Math.min(sent.length, SENT_KEPT);
    try {
      await this.#deliver(text, files);
    } catch (error) {
      // Nothing that a person wrote is lost.
      if (!this.#text.value) this.#setText(text);
      if (files.length) this.attach(files);
      this.#store.trouble(error.message);
    }
  }

  async #deliver(text, files) {
    const { me } = this.#store;
    if (!files.length) {
      await control.say(me, this.#place, text, this.#thread);
      return;
    }
    for (const [at, file] of files.entries()) {
      await control.share(me, this.#place, file, { comment: at ? "" : text, threadTs: this.#thread });
    }
  }
}
