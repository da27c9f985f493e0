// The middle of the page: a channel or direct message, its head, its messages and the box to write in.

import { Composer } from "./composer.js";
import { h, present } from "./dom.js";
import { Home } from "./home.js";
import { icon } from "./icons.js";
import { MessageList } from "./message_list.js";
import { avatar } from "./names.js";
import { AWAY } from "./side.js";
import { themeButton } from "./theme.js";
import { helpButton } from "./help.js";

const openSide = () => document.dispatchEvent(new CustomEvent("open-side"));

/** Shows where the person is. */
export class Conversation {
  #store;
  #names;
  #root;
  #list;
  #composer;
  #home;
  #head = h("header", { class: "place-head" });
  #trouble = h("div", { class: "trouble", role: "alert" });
  // Said here too, where the side that says it is hidden.
  #away = h("p", { class: "reach away", role: "status", hidden: true }, AWAY);

  constructor(store, names, drawer, completer, root) {
    this.#store = store;
    this.#names = names;
    this.#root = root;
    this.#list = new MessageList(drawer, names, { label: "Messages", heading: "Messages", days: true, empty: "Nothing has been said here yet.", leave: () => this.focus() });
    this.#composer = new Composer(store, names, completer, { id: "composer" });
    this.#home = new Home(store, names);
    root.append(this.#head, this.#list.element, this.#home.element, this.#away, this.#trouble, this.#composer.element);
    store.addEventListener("place", () => this.#enter());
    store.addEventListener("reloaded", () => this.#goOn());
    store.addEventListener("workspace", () => this.#showHead());
    for (const kind of ["message", "read"]) store.addEventListener(kind, () => this.#count());
    store.addEventListener("message", (event) => event.detail.channel === store.place && this.#change());
    store.addEventListener("reach", (event) => (this.#away.hidden = event.detail.there));
    store.addEventListener("trouble", (event) => this.#say(event.detail.text));
    document.addEventListener("visibilitychange", () => this.#read());
    this.#acceptDrops();
  }

  /** Put the focus into the box to write in. */
  focus() {
    this.#composer.focus();
  }

  #enter() {
    const isHome = this.#store.tab === "home";
    this.#showHead();
    this.#list.element.hidden = isHome;
    this.#composer.element.hidden = isHome;
    this.#home.element.hidden = !isHome;
    this.#trouble.replaceChildren();
    this.#composer.enter(this.#store.place, null);
    if (isHome) this.#home.open();
    else this.#list.show(this.#store.place, this.#store.conversation(this.#store.place), this.#store.unreadFrom);
    this.#read();
  }

  /** The playground was away and is back: everything is read anew, and the person disturbed as little as can be. */
  #goOn() {
    this.#showHead();
    if (this.#store.tab === "home") this.#home.open();
    else this.#list.update(this.#store.place, this.#store.conversation(this.#store.place), this.#store.unreadFrom);
    this.#read();
  }

  #change() {
    this.#list.update(this.#store.place, this.#store.conversation(this.#store.place), this.#store.unreadFrom);
    this.#read();
  }

  #read() {
    if (document.visibilityState === "visible" && this.#store.tab === "messages") this.#store.markRead(this.#store.place);
  }

  #showHead() {
    const channel = this.#store.channel(this.#store.place);
    if (!channel) return;
    const bot = this.#store.workspace.bot;
    const title = channel.is_im ? bot.name : channel.name;
    const open = h("button", { type: "button", class: "icon-button open-side", "aria-label": "Channels and people", onclick: openSide }, icon("menu"));
    const sign = channel.is_im ? null : channel.is_private ? icon("lock") : h("span", { class: "hash", "aria-hidden": "true" }, "#");
    const parts = [
      open,
      h("h1", null, sign, title),
      channel.is_im ? this.#store.workspace.app.home_tab && this.#tabs(channel) : h("span", { class: "hint members" }, this.#members(channel)),
      h("span", { class: "space" }),
      this.#speaks(),
      helpButton(),
      themeButton(),
    ];
    this.#head.replaceChildren(...present(parts));
    this.#count();
  }

  #showTitle() {
    const channel = this.#store.channel(this.#store.place);
    if (!channel) return;
    const count = this.#store.allUnread();
    const name = channel.is_im ? this.#store.workspace.bot.name : `#${channel.name}`;
    document.title = `${count ? `(${count}) ` : ""}${name} · Toban playground`;
  }

  /** Where the side is hidden, say who speaks. */
  #speaks() {
    const me = this.#names.sign(this.#store.me);
    return h("button", { type: "button", class: "speaks", "aria-label": `Speaking as ${me.name}`, onclick: openSide }, avatar(me));
  }

  #members(channel) {
    const people = channel.members.filter((id) => this.#store.person(id)).length;
    const bot = this.#store.workspace.bot;
    return `${people === 1 ? "1 person" : `${people} people`}${channel.members.includes(bot.user_id) ? ` and ${bot.name}` : ""}`;
  }

  /** Say what has not been read: in the title, and at the Messages tab of somebody who looks at the Home tab. */
  #count() {
    this.#showTitle();
    const { place, tab } = this.#store;
    const count = tab === "home" ? this.#store.unread(place).count : 0;
    const shown = count ? [" ", h("span", { class: "count called" }, String(count), h("span", { class: "visually-hidden" }, " unread"))] : [];
    this.#head.querySelector('[role="tab"]:last-child')?.replaceChildren("Messages", ...shown);
  }

  #tabs(channel) {
    const tab = (name, text) =>
      h(
        "button",
        { type: "button", role: "tab", "aria-selected": String(this.#store.tab === name), tabindex: this.#store.tab === name ? 0 : -1, onclick: () => this.#store.goTo(channel.id, name), onkeydown: (event) => this.#switchTab(event, channel, name) },
        text,
      );
    return h("div", { role: "tablist", class: "tabs", "aria-label": "Home or messages" }, tab("home", "Home"), tab("messages", "Messages"));
  }

  #switchTab(event, channel, name) {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    this.#store.goTo(channel.id, name === "home" ? "messages" : "home");
    this.#head.querySelector('[role="tab"][aria-selected="true"]').focus();
  }

  /** Say what went wrong, unless a form stands in front, which says it itself. */
  #say(text) {
    if (!text || this.#store.views.length) {
      this.#trouble.replaceChildren();
      return;
    }
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => this.#trouble.replaceChildren() }, icon("close"));
    this.#trouble.replaceChildren(h("div", { class: "trouble-line" }, icon("warning"), h("span", null, text.replace(/^⚠\s*/, "")), close));
  }

  #acceptDrops() {
    const carriesFiles = (event) => [...event.dataTransfer.types].includes("Files");
    const mark = (there) => this.#root.classList.toggle("dropping", there);
    this.#root.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      mark(true);
    });
    this.#root.addEventListener("dragleave", (event) => !this.#root.contains(event.relatedTarget) && mark(false));
    this.#root.addEventListener("drop", (event) => {
      mark(false);
      if (!carriesFiles(event) || this.#store.tab === "home") return;
      event.preventDefault();
      this.#composer.attach([...event.dataTransfer.files]);
    });
  }
}
