// A thread beside the conversation: the message it hangs on, its replies, and a box to reply in.

import { Composer } from "./composer.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { MessageList } from "./message_list.js";

/** Shows the store's thread, or is hidden. */
export class Thread {
  #store;
  #root;
  #list;
  #composer;
  #title = h("span", { class: "hint" });
  #opener = null;

  constructor(store, names, drawer, completer, root) {
    this.#store = store;
    this.#root = root;
    this.#list = new MessageList(drawer, names, { label: "Replies", inThread: true, leave: () => this.#composer.focus() });
    this.#composer = new Composer(store, names, completer, { id: "reply" });
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close thread", onclick: () => this.close() }, icon("close"));
    root.append(
      h("header", { class: "place-head" }, h("h2", null, "Thread"), this.#title, h("span", { class: "space" }), close),
      this.#list.element,
      this.#composer.element,
    );
    store.addEventListener("thread", () => this.#show());
    for (const kind of ["reloaded", "replies"]) store.addEventListener(kind, () => this.#change());
    store.addEventListener("message", (event) => event.detail.channel === store.place && this.#change());
    root.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.close());
  }

  /** Close the thread and go back to what opened it. */
  close() {
    const opener = this.#opener;
    this.#store.openThread(null);
    if (opener?.isConnected) opener.focus();
    else document.querySelector(`#place [data-ts="${CSS.escape(this.#last ?? "")}"]`)?.focus();
  }

  #last = null;

  #show() {
    const { thread, place } = this.#store;
    const wasHidden = this.#root.hidden;
    const heldFocus = this.#root.contains(document.activeElement);
    this.#root.hidden = thread === null;
    document.getElementById("app").dataset.thread = thread === null ? "closed" : "open";
    if (thread === null) {
      // What is hidden cannot hold the focus; where one goes on is the conversation's box.
      if (heldFocus) document.getElementById("composer").focus();
      return;
    }
    if (wasHidden) this.#opener = document.activeElement;
    this.#last = thread;
    const channel = this.#store.channel(place);
    this.#title.replaceChildren(channel.is_im ? "" : `#${channel.name}`);
    this.#list.show(place, this.#store.replies(place, thread));
    this.#composer.enter(place, thread);
    this.#composer.focus();
  }

  #change() {
    const { thread, place } = this.#store;
    if (thread !== null) this.#list.update(place, this.#store.replies(place, thread));
  }
}
