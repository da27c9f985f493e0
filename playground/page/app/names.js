// Who and what an id stands for, and when something was: the words behind references in messages.

import { h } from "./dom.js";

const SLACKBOT = "USLACKBOT";

/** Looks up names in the workspace as it stands now. */
export class Names {
  #store;

  constructor(store) {
    this.#store = store;
  }

  get me() {
    return this.#store.me;
  }

  /** Return the name that people see for a user id; an unknown id is shown as it is. */
  user(id) {
    if (id === this.#bot.user_id) return this.#bot.name;
    if (id === SLACKBOT) return "Slackbot";
    return this.#store.person(id)?.name ?? id;
  }

  channel(id) {
    return this.#store.channel(id)?.name ?? id;
  }

  group(id) {
    return this.#store.workspace.groups.find((group) => group.id === id)?.handle ?? id;
  }

  /** Return the author of a message: {id, name, isApp, place}. */
  author(message) {
    const isApp = Boolean(message.bot_id) || message.user === SLACKBOT;
    const name = message.username ?? (message.user ? this.user(message.user) : message.bot_profile?.name ?? "app");
    return { ...this.sign(message.user ?? message.bot_id ?? name), name, isApp };
  }

  /** Return what a person's small sign is drawn from. */
  sign(id) {
    return { id, name: this.user(id), place: this.#store.workspace.people.findIndex((person) => person.id === id) };
  }

  /** Say whether a mention of this user or group calls the person who looks. */
  isMe(id) {
    const group = this.#store.workspace.groups.find((one) => one.id === id);
    return id === this.me || Boolean(group?.users.includes(this.me));
  }

  /** Return the person's own time zone. */
  get zone() {
    return this.#store.person(this.me)?.tz;
  }

  get #bot() {
    return this.#store.workspace.bot;
  }
}

const HUES = 6;

/** Return a small sign for somebody; *place* in the list of people gives its colour. */
export function avatar({ id, name, isApp, place }) {
  if (isApp && id !== SLACKBOT) return h("img", { class: "avatar app", src: "/page/tag.svg", alt: "", width: 36, height: 36 });
  return h("span", { class: "avatar", "data-hue": Math.max(place ?? 5, 0) % HUES, "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? "?");
}
