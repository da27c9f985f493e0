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
  #isOffering = false; // completions are shown as soon as there are some
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
    completer.addEventListener("loaded", () => this.#renew());
  }

  focus() {
    this.#text.focus();
  }

  /** Write into another channel or thread; what was begun there is there again. */
  enter(place, thread) {
    if (this.#place) drafts.set(`${this.#place}/${this.#thread}`, { text: this.#text.value, files: this.#files });
    if (place !== this.#place || thread !== this.#thread) this.#dismiss();
    this.#place = place;
    this.#thread = thread;
    this.#fill(drafts.get(`${place}/${thread}`) ?? { text: "", files: [] });
    this.#showPlaceholder();
  }

  #fill({ text, files }) {
    this.#setText(text);
    this.#files = [...files];
    this.#showFiles();
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
      dir: "auto",
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": listId,
      "aria-haspopup": "listbox",
      autocomplete: "off",
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
      onblur: () => this.#dismiss(),
      onpaste: (event) => this.#paste(event),
    });
    this.#popup = new Popup(this.#text, this.#list, () => {
      this.#text.setAttribute("aria-expanded", "false");
      this.#text.removeAttribute("aria-activedescendant"); // what it named is gone
    });
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
    this.#isOffering = true;
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

  /** Offer what a new table holds to whoever types at this moment; the option that the keys are at stays the one. */
  #renew() {
    if (!this.#isOffering) return;
    const held = this.#popup.isOpen ? this.#found.options[this.#active]?.text : undefined;
    this.#complete();
    const at = this.#found?.options.findIndex((option) => option.text === held) ?? -1;
    if (at >= 0) this.#setActive(at);
  }

  #dismiss() {
    this.#isOffering = false;
    this.#popup.close();
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
    if (event.altKey || event.ctrlKey || event.metaKey) return; // such keys lead elsewhere
    if (this.#popup.isOpen && this.#keyInList(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    } else if (["ArrowUp", "ArrowDown"].includes(event.key)) this.#recall(event);
    else if (event.key === "Escape") this.#dismiss(); // nothing is shown yet, and nothing shall be
  }

  #keyInList(event) {
    const count = this.#found.options.length;
    if (event.key === "ArrowDown") this.#setActive((this.#active + 1) % count);
    else if (event.key === "ArrowUp") this.#setActive((this.#active - 1 + count) % count);
    else if (event.key === "Escape") this.#dismiss();
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
    this.#dismiss();
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
    const letter = { me: this.#store.me, place: this.#place, thread: this.#thread, text: this.#text.value.trim(), files: this.#files };
    if (!letter.text && !letter.files.length) return;
    this.#dismiss();
    this.#fill({ text: "", files: [] });
    drafts.delete(`${this.#place}/${this.#thread}`);
    if (letter.text && sent[0] !== letter.text) sent.unshift(letter.text);
    sent.length = Math.min(sent.length, SENT_KEPT);
    this.#store.trouble("");
    try {
      const answer = await deliver(letter);
      // A failed command is told of by the feed; a message would only stay unanswered. 404 is an app without a listener.
      if (answer?.error && answer.status !== 404 && !letter.text.startsWith("/")) this.#store.trouble(`The app did not get it: ${control.why(answer)}`);
    } catch (error) {
      this.#takeBack(letter);
      this.#store.trouble(error.message);
    }
  }

  /** Nothing that a person wrote is lost: what did not go is where it was begun. */
  #takeBack({ place, thread, text, files }) {
    const key = `${place}/${thread}`;
    const isHere = place === this.#place && thread === this.#thread;
    const now = isHere ? { text: this.#text.value, files: this.#files } : drafts.get(key) ?? { text: "", files: [] };
    const kept = { text: now.text || text, files: [...files, ...now.files] };
    if (isHere) this.#fill(kept);
    else drafts.set(key, kept);
  }
}

/** Send a letter off where it was written, whatever its writer does meanwhile; what has gone is taken out of it. */
async function deliver(letter) {
  const { me, place, thread } = letter;
  if (!letter.files.length) return control.say(me, place, letter.text, thread);
  while (letter.files.length) {
    const [file, ...rest] = letter.files;
    await control.share(me, place, file, { comment: letter.text, threadTs: thread });
    Object.assign(letter, { text: "", files: rest });
  }
}
