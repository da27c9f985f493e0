// The side: who speaks, and where one can go. On a phone it slides in.

import { h, moveByArrows } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./names.js";

/** What is said while the playground does not answer. */
export const AWAY = "The playground does not answer. The page goes on as soon as it does.";

/** Shows the people to speak as, the channels, and the app. */
export class Side {
  #store;
  #names;
  #root;
  #people = h("div", { class: "people", role: "radiogroup", "aria-label": "Speak as" });
  #places = h("div", { class: "places" });
  #opener = null;
  #reach = h("p", { class: "reach", role: "status" });

  constructor(store, names, root) {
    this.#store = store;
    this.#names = names;
    this.#root = root;
    const sign = h("div", { class: "sign" }, h("img", { src: "/page/tag.svg", alt: "", width: 30, height: 30 }), h("div", null, h("strong", null, "Toban"), h("small", null, "playground")));
    const close = h("button", { type: "button", class: "icon-button close-side", "aria-label": "Close", onclick: () => this.close() }, icon("close"));
    root.append(h("div", { class: "side-head" }, sign, close), h("h2", null, "Speak as"), this.#people, this.#places, this.#reach);
    for (const kind of ["workspace", "person", "place", "read", "message"]) store.addEventListener(kind, () => this.#show());
    store.addEventListener("reach", (event) => this.#showReach(event.detail.there));
    document.addEventListener("open-side", () => this.open());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    // Turned or made wider, the window has room for the side beside the rest.
    matchMedia("(width >= 700px)").addEventListener("change", () => this.close());
    document.addEventListener("pointerdown", (event) => !root.contains(event.target) && this.close());
    this.#places.addEventListener("keydown", (event) => moveByArrows(event, () => this.#places.querySelectorAll("button")));
    this.#people.addEventListener("keydown", (event) => this.#otherPerson(event));
  }

  /** Lay the side over the page; until it is closed, nothing beneath can be reached. */
  open() {
    this.#opener = document.activeElement;
    this.#lie(true);
    this.#root.querySelector('[aria-current="page"]')?.focus();
  }

  close() {
    if (document.getElementById("app").dataset.side !== "open") return;
    this.#lie(false);
    // The head is drawn anew for another channel or person.
    const opener = this.#opener.isConnected ? this.#opener : document.querySelector(".open-side");
    opener?.focus();
  }

  #lie(isOpen) {
    document.getElementById("app").dataset.side = isOpen ? "open" : "closed";
    for (const beneath of document.querySelectorAll(".skip, #place, #thread")) beneath.inert = isOpen;
  }

  #show() {
    const held = this.#root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.#people.replaceChildren(...this.#store.workspace.people.map((person) => this.#person(person)));
    const channels = this.#store.visibleChannels();
    this.#places.replaceChildren(
      h("h2", null, "Channels"),
      h("ul", null, channels.filter((channel) => !channel.is_im).map((channel) => h("li", null, this.#channel(channel)))),
      h("h2", null, "App"),
      h("ul", null, channels.filter((channel) => channel.is_im).map((channel) => h("li", null, this.#channel(channel)))),
    );
    if (held) this.#root.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
  }

  #person(person) {
    const isMe = person.id === this.#store.me;
    const groups = this.#store.workspace.groups.filter((group) => group.users.includes(person.id)).map((group) => `@${group.handle}`);
    return h(
      "button",
      {
        type: "button",
        role: "radio",
        class: "person",
        "aria-checked": String(isMe),
        tabindex: isMe ? 0 : -1,
        "data-key": person.id,
        title: groups.join(", ") || null,
        onclick: () => this.#store.speakAs(person.id),
      },
      avatar(this.#names.sign(person.id)),
      h("span", null, person.name),
    );
  }

  async #otherPerson(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const people = this.#store.workspace.people;
    const at = people.findIndex((person) => person.id === this.#store.me);
    const next = people[(at + step + people.length) % people.length];
    await this.#store.speakAs(next.id);
    if (this.#people.contains(document.activeElement)) this.#people.querySelector('[aria-checked="true"]').focus();
  }

  #channel(channel) {
    const isHere = channel.id === this.#store.place;
    const isRead = isHere && this.#store.tab === "messages";
    const { count, called } = isRead ? { count: 0, called: 0 } : this.#store.unread(channel.id);
    const name = channel.is_im ? this.#store.workspace.bot.name : channel.name;
    const sign = channel.is_im ? h("img", { src: "/page/tag.svg", alt: "", width: 18, height: 18 }) : channel.is_private ? icon("lock") : h("span", { class: "hash", "aria-hidden": "true" }, "#");
    return h(
      "button",
      {
        type: "button",
        class: count ? "to unread" : "to",
        "aria-current": isHere ? "page" : null,
        "data-key": channel.id,
        onclick: () => {
          this.#store.goTo(channel.id);
          this.close();
        },
      },
      sign,
      h("span", { class: "to-name" }, name),
      count > 0 && h("span", { class: called || channel.is_im ? "count called" : "count" }, String(count), h("span", { class: "visually-hidden" }, " unread")),
    );
  }

  #showReach(there) {
    this.#reach.replaceChildren(there ? "" : AWAY);
    this.#reach.hidden = there;
  }
}
