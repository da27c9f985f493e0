// A list of messages that changes while one reads it: new ones come, others are edited in place.

import { h, moveByArrows } from "./dom.js";
import { icon } from "./icons.js";
import { clock, day } from "./times.js";

const NEAR_END = 80;

/** Keeps one list element in step with what *read* returns; stays at the end for whoever reads the end. */
export class MessageList {
  #drawer;
  #names;
  #options;
  #drawn = new Map();
  #wasAtEnd = true;
  #newest = "0";
  #list = h("ol", { class: "messages" });
  #below = h("div", { class: "below", hidden: true }, h("button", { type: "button", class: "button", onclick: () => this.#leap() }, icon("down"), "New messages below"));
  element;

  constructor(drawer, names, options) {
    this.#drawer = drawer;
    this.#names = names;
    this.#options = options;
    const properties = { class: "scroller", tabindex: 0, role: "region", "aria-label": options.label };
    const listeners = { onkeydown: (event) => this.#key(event), onscroll: () => this.#scrolled() };
    const heading = options.heading && h("h2", { class: "visually-hidden" }, options.heading);
    this.element = h("div", { ...properties, ...listeners }, heading, this.#list, this.#below);
    // Pictures and previews arrive after the text and push the end away.
    const sizes = new ResizeObserver(() => this.#wasAtEnd && this.#toEnd());
    sizes.observe(this.element);
    sizes.observe(this.#list);
  }

  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  /** Show a channel or thread from its end; *unreadFrom* is the last message that was read before. */
  show(channel, messages, unreadFrom = null) {
    this.#drawn.clear();
    this.#fill(channel, messages, unreadFrom);
    this.#newest = messages.at(-1)?.ts ?? "0";
    this.#toEnd();
  }

  /** Take in changes: only messages that differ are drawn anew. What one says oneself is shown, wherever one reads. */
  update(channel, messages, unreadFrom = null) {
    const atEnd = this.isAtEnd;
    this.#fill(channel, messages, unreadFrom);
    const last = messages.at(-1);
    const isNew = Boolean(last) && last.ts > this.#newest;
    this.#newest = last?.ts ?? "0";
    if (atEnd || (isNew && last.user === this.#names.me)) this.#toEnd();
    else if (isNew) this.#below.hidden = false;
  }

  #scrolled() {
    this.#wasAtEnd = this.isAtEnd;
    if (this.#wasAtEnd) this.#below.hidden = true;
  }

  #leap() {
    this.#toEnd();
    this.#options.leave();
  }

  #fill(channel, messages, unreadFrom) {
    const nodes = [];
    let previous = null;
    let marked = unreadFrom === null;
    for (const message of messages) {
      const newDay = this.#dayOf(message) !== (previous && this.#dayOf(previous));
      if (newDay && this.#options.days) nodes.push(this.#divider(`day-${this.#dayOf(message)}`, this.#dayOf(message), "day"));
      if (!marked && message.ts > unreadFrom && message.user !== this.#names.me) {
        nodes.push(this.#divider("new", "New", "new"));
        marked = true;
      }
      nodes.push(this.#draw(channel, message, newDay ? null : previous));
      previous = message;
    }
    if (!nodes.length && this.#options.empty) nodes.push(this.#divider("empty", this.#options.empty, "empty"));
    this.#replace(nodes);
  }

  /** Put the nodes in place without touching those that stay: the focus and an open menu survive. */
  #replace(nodes) {
    const kept = new Set(nodes);
    for (const old of [...this.#list.children]) if (!kept.has(old)) old.remove();
    nodes.forEach((node, at) => {
      if (this.#list.children[at] !== node) this.#list.insertBefore(node, this.#list.children[at] ?? null);
    });
  }

  #dayOf(message) {
    return day(message.ts, this.#names.zone);
  }

  #divider(key, text, kind) {
    const known = this.#drawn.get(key);
    if (known) return known.node;
    const node = h("li", { class: `divider-line ${kind}` }, h("span", null, text));
    this.#drawn.set(key, { node });
    return node;
  }

  #draw(channel, message, previous) {
    const state = JSON.stringify([channel, message, previous && [previous.user, previous.username, previous.ts, previous.reply_count, Boolean(previous.is_ephemeral)]]);
    const known = this.#drawn.get(message.ts);
    if (known?.state === state) return known.node;
    const node = this.#drawer.draw(channel, message, { previous, inThread: this.#options.inThread });
    if (known) carryOver(known.node, node);
    this.#drawn.set(message.ts, { state, node });
    return node;
  }

  #toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.#wasAtEnd = true;
    this.#below.hidden = true;
  }

  #key(event) {
    const inside = event.target.closest("input, textarea, [role=menu], [role=listbox], .table-frame, pre");
    if (inside && inside !== this.element) return;
    if (event.target === this.element && event.key === "ArrowUp") {
      event.preventDefault();
      [...this.element.querySelectorAll(".message")].at(-1)?.focus();
      return;
    }
    moveByArrows(event, () => this.element.querySelectorAll(".message"));
  }
}

/** Keep the focus where a person has it while the message around it is drawn anew. */
function carryOver(before, after) {
  after.classList.add("changed");
  const held = document.activeElement;
  if (!before.contains(held)) return;
  const { action, block } = held.dataset;
  const twin = action && after.querySelector(`[data-action="${CSS.escape(action)}"][data-block="${CSS.escape(block)}"]`);
  // The new node is put in place first; then the focus moves into it.
  queueMicrotask(() => (twin ?? after.querySelector(`[data-action="${CSS.escape(action ?? "")}"]`) ?? after).focus({ preventScroll: true }));
}

/** Return what is said aloud when a message comes. */
export function announcement(names, message) {
  const author = names.author(message).name;
  const text = (message.plain ?? message.text ?? "").replace(/[*_`~]/g, "").split("\n")[0];
  return `${author}, ${clock(message.ts, names.zone)}: ${text}`;
}
