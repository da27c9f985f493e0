// One message: who, when, what it says, its files, its thread, and what can be done with it.

import { drawBlocks } from "./blocks/blocks.js";
import { mrkdwn } from "./blocks/mrkdwn.js";
import * as control from "./control.js";
import { h, link } from "./dom.js";
import { character } from "./emoji.js";
import { drawFile } from "./files.js";
import { icon } from "./icons.js";
import { menu } from "./menu.js";
import { avatar } from "./names.js";
import { Form, Place } from "./place.js";
import { ago, clock, full } from "./times.js";

const GROUP_SECONDS = 300;

/** Draws messages of one person's view of the workspace. */
export class MessageDrawer {
  #store;
  #names;
  #forms = new Map();

  constructor(store, names) {
    this.#store = store;
    this.#names = names;
  }

  /** Return the list item of a message; *previous* is the one above it, *inThread* where threads are not offered. */
  draw(channel, message, { previous = null, inThread = false } = {}) {
    const author = this.#names.author(message);
    const isFollowing = follows(message, previous);
    const classes = ["message", isFollowing && "following", message.is_ephemeral && "private"];
    const item = h(
      "li",
      { class: classes.filter(Boolean).join(" "), "data-ts": message.ts, "data-stop": true, tabindex: -1, "aria-label": this.#summary(author, message) },
      h("div", { class: "gutter" }, isFollowing ? this.#time(message) : avatar(author)),
      h(
        "div",
        { class: "content" },
        !isFollowing && this.#head(author, message),
        h("div", { class: "body" }, this.#body(channel, message)),
        this.#reactions(message),
        !inThread && this.#thread(message),
      ),
      this.#tools(channel, message, inThread),
    );
    return item;
  }

  #head(author, message) {
    return h(
      "div",
      { class: "head" },
      h("span", { class: "author" }, author.name),
      author.isApp && h("span", { class: "badge" }, "app"),
      this.#time(message),
      message.edited && h("span", { class: "hint edited", title: full(message.edited.ts, this.#names.zone) }, "edited"),
      message.is_ephemeral && h("span", { class: "only-you" }, icon("eye"), "Only visible to you"),
    );
  }

  #time(message) {
    const at = new Date(Number(message.ts) * 1000).toISOString();
    return h("time", { datetime: at, title: full(message.ts, this.#names.zone) }, clock(message.ts, this.#names.zone));
  }

  #body(channel, message) {
    const here = new Place(this.#store, this.#names, { channel, ts: message.ts }, this.#form(channel, message));
    const blocks = drawBlocks(message.blocks, here);
    const text = !blocks.length && message.text ? [h("div", { class: "block markup", dir: "auto" }, mrkdwn(message.text, this.#names))] : [];
    const attachments = (message.attachments ?? []).map((one) => this.#attachment(one, here));
    return [...blocks, ...text, ...attachments, ...(message.files ?? []).map(drawFile)];
  }

  #form(channel, message) {
    const key = `${channel}/${message.ts}`;
    if (!this.#forms.has(key)) this.#forms.set(key, new Form());
    return this.#forms.get(key);
  }

  /** https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments */
  #attachment(one, here) {
    const names = this.#names;
    const title = one.title && (one.title_link ? link(one.title_link, mrkdwn(one.title, names)) : mrkdwn(one.title, names));
    const inner = [
      one.author_name && h("div", { class: "hint" }, one.author_name),
      title && h("div", { class: "attachment-title" }, title),
      one.text && h("div", { class: "markup" }, mrkdwn(one.text, names)),
      one.fields && h("div", { class: "fields short" }, one.fields.map((field) => h("div", { class: "markup" }, h("strong", null, field.title), h("br"), mrkdwn(field.value ?? "", names)))),
      drawBlocks(one.blocks, here),
      one.footer && h("div", { class: "hint" }, one.footer),
    ];
    const shown = inner.flat().some(Boolean) ? inner : h("div", { class: "markup" }, one.fallback ?? "");
    const bar = h("div", { class: "attachment" }, shown);
    if (/^#?[0-9a-f]{6}$/i.test(one.color ?? "")) bar.style.borderInlineStartColor = `#${one.color.replace("#", "")}`;
    else if (one.color) bar.dataset.level = one.color;
    return [one.pretext && h("div", { class: "markup" }, mrkdwn(one.pretext, names)), bar];
  }

  #reactions(message) {
    if (!message.reactions?.length) return null;
    const chip = (one) => h("span", { class: "reaction", title: one.users.map((user) => this.#names.user(user)).join(", ") }, character(one.name) ?? `:${one.name}:`, " ", String(one.count));
    return h("div", { class: "reactions" }, message.reactions.map(chip));
  }

  #thread(message) {
    if (!message.reply_count) return null;
    const count = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
    const { unreadFrom } = this.#store;
    const isFresh = unreadFrom !== null && message.latest_reply > unreadFrom;
    return h(
      "button",
      { type: "button", class: "thread-link", onclick: () => this.#store.openThread(message.ts) },
      icon("thread"),
      h("span", null, count),
      isFresh && h("span", { class: "fresh" }, "new"),
      message.latest_reply && h("small", null, `last ${ago(message.latest_reply, this.#names.zone)}`),
    );
  }

  #tools(channel, message, inThread) {
    const reply = h(
      "button",
      { type: "button", class: "icon-button", "aria-label": "Reply in thread", title: "Reply in thread", onclick: () => this.#store.openThread(message.thread_ts ?? message.ts) },
      icon("thread"),
    );
    const more = h("button", { type: "button", class: "icon-button", "aria-label": "More actions", title: "More actions" }, icon("more"));
    menu(more, "More actions", () => this.#actions(channel, message));
    return h("div", { class: "tools" }, !inThread && !message.is_ephemeral && reply, more);
  }

  #actions(channel, message) {
    const shortcuts = message.is_ephemeral ? [] : this.#store.shortcuts("message");
    return [
      ...shortcuts.map((one) => ({
        text: one.name,
        description: one.description ?? this.#store.workspace.bot.name,
        act: () => this.#shortcut(one, channel, message),
      })),
      { text: "Copy text", act: () => navigator.clipboard.writeText(message.plain ?? message.text ?? "") },
    ];
  }

  async #shortcut(one, channel, message) {
    try {
      const answer = await control.shortcut(this.#store.me, one.callback_id, { channel, ts: message.ts });
      if (!answer.ok) this.#store.trouble(`${one.name}: ${control.why(answer)}`);
    } catch (error) {
      this.#store.trouble(error.message);
    }
  }

  /** What a screen reader says when it comes to the message; the rest is read on from there. */
  #summary(author, message) {
    const only = message.is_ephemeral ? ", only visible to you" : "";
    const text = (message.text ?? "").replace(/[*_`~]/g, "").split("\n")[0].slice(0, 150);
    return `${author.name}, ${clock(message.ts, this.#names.zone)}${only}: ${text}`;
  }
}

/** Say whether a message stands under the same name as the one above it. */
function follows(message, previous) {
  if (!previous || previous.user !== message.user || previous.username !== message.username) return false;
  return Number(message.ts) - Number(previous.ts) < GROUP_SECONDS && !message.is_ephemeral && !previous.is_ephemeral && !message.blocks?.length && !previous.reply_count;
}
