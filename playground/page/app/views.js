// Modals: the app's forms, one above another. https://docs.slack.dev/surfaces/modals

import { drawBlocks } from "./blocks/blocks.js";
import { showErrors } from "./blocks/inputs.js";
import { plain, words } from "./blocks/text.js";
import * as control from "./control.js";
import { h, newId } from "./dom.js";
import { icon } from "./icons.js";
import { Form, Place } from "./place.js";

/** Shows the newest of the person's views in a dialog, and keeps what was entered while views change. */
export class Views {
  #store;
  #names;
  #forms = new Map();
  #dialog = null;
  #shown = null;

  constructor(store, names) {
    this.#store = store;
    this.#names = names;
    store.addEventListener("views", () => this.#show());
    store.addEventListener("trouble", (event) => this.#say(event.detail.text));
  }

  #show() {
    const view = this.#store.views.at(-1);
    for (const id of this.#forms.keys()) if (!this.#store.views.some((one) => one.id === id)) this.#forms.delete(id);
    if (!view) {
      this.#shown = null;
      this.#takeAway();
      return;
    }
    if (this.#shown?.id === view.id && this.#shown.hash === view.hash) return;
    this.#openDialog();
    this.#draw(view);
  }

  #openDialog() {
    if (this.#dialog) return;
    const dialog = h("dialog", { class: "view", oncancel: (event) => this.#cancel(event) });
    // The browser may close it by itself, too, at a second Esc.
    dialog.addEventListener("close", () => dialog === this.#dialog && this.#close(this.#shown, false));
    this.#dialog = dialog;
    document.body.append(dialog);
    dialog.showModal();
  }

  /** Close the dialog here and now: its event comes later, when the next view may stand there already. */
  #takeAway() {
    const dialog = this.#dialog;
    this.#dialog = null;
    dialog?.close();
    dialog?.remove();
  }

  #draw(view) {
    const form = this.#forms.get(view.id) ?? new Form();
    this.#forms.set(view.id, form);
    form.keepOnly(view.blocks);
    form.adopt(view.state);
    const held = this.#shown?.id === view.id ? this.#held() : null;
    this.#shown = view;
    const here = new Place(this.#store, this.#names, { view: view.id }, form);
    const titleId = newId("view");
    const node = h(
      "form",
      { novalidate: true, onsubmit: (event) => this.#submit(event, view, form), onkeydown: (event) => this.#submitByKey(event, node) },
      h("header", null, h("h2", { id: titleId }, plain(view.title?.text ?? "")), h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => this.#close(view, true) }, icon("close"))),
      h("div", { class: "view-body" }, drawBlocks(view.blocks, here)),
      h("div", { class: "view-trouble", role: "alert" }),
      h(
        "footer",
        null,
        h("button", { type: "button", class: "button", onclick: () => this.#close(view, false) }, words(view.close) || "Cancel"),
        canSubmit(view) && h("button", { type: "submit", class: "button primary" }, words(view.submit) || "Submit"),
      ),
    );
    this.#dialog.setAttribute("aria-labelledby", titleId);
    this.#dialog.replaceChildren(node);
    if (view.errors && Object.keys(view.errors).length) showErrors(node, view.errors);
    else this.#focus(node, view, held);
  }

  /** What went wrong is said where the person is; a submission says it itself. */
  #say(text) {
    const shown = this.#dialog?.querySelector(".view-trouble");
    if (shown && (!text || !shown.textContent)) shown.replaceChildren(text.replace(/^⚠\s*/, ""));
  }

  /** Return what has the focus; in an open menu, the control that it belongs to, for the menu goes with the old view. */
  #held() {
    const active = document.activeElement;
    return active.closest(".popup") ? this.#dialog.querySelector('button[aria-expanded="true"]') : active;
  }

  /** Keep the focus where it was in an updated view; in a new one begin where the app says, or at the first field. */
  #focus(node, view, held) {
    const find = (action, block) => action && node.querySelector(`[data-action="${CSS.escape(action)}"][data-block="${CSS.escape(block)}"]`);
    const twin = find(held?.dataset.action, held?.dataset.block);
    // https://docs.slack.dev/reference/block-kit/block-elements: focus_on_load
    const wanted = view.blocks.find((block) => block.element?.focus_on_load);
    const first = node.querySelector(".input :is(input, textarea, button)") ?? node.querySelector(".view-body button") ?? node.querySelector("footer button:last-child");
    (twin ?? find(wanted?.element.action_id, wanted?.block_id) ?? first)?.focus();
    if (twin?.matches("textarea, input[type=text]") && held.selectionStart !== null) twin.setSelectionRange(held.selectionStart, held.selectionEnd);
  }

  #submitByKey(event, node) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
  }

  async #submit(event, view, form) {
    event.preventDefault();
    const node = event.currentTarget;
    if (node.getAttribute("aria-busy")) return; // it is on its way
    node.setAttribute("aria-busy", "true");
    node.querySelector(".view-trouble").replaceChildren();
    try {
      const answer = await control.submit(this.#store.me, view.id, form.entered());
      if (answer.ok) return;
      showErrors(node, answer.errors ?? {});
      if (!answer.errors) throw new control.Refused(`The app did not take it: ${control.why(answer)}. Nothing is lost; try again.`);
    } catch (error) {
      node.querySelector(".view-trouble").replaceChildren(error.message);
    } finally {
      node.removeAttribute("aria-busy");
    }
  }

  async #close(view, all) {
    if (this.#dialog?.open === false) this.#takeAway();
    try {
      await control.close(this.#store.me, view.id, all);
    } catch (error) {
      this.#store.trouble(error.message);
    }
    // Another form may have been opened meanwhile: only what was closed goes.
    const isGone = (one) => (all ? one.root_view_id === view.root_view_id : one.id === view.id);
    this.#store.setViews(this.#store.views.filter((one) => !isGone(one)));
  }

  #cancel(event) {
    event.preventDefault();
    if (this.#dialog.querySelector(":popover-open")) return;
    this.#close(this.#shown, false);
  }
}

/** A view with input blocks must have a submit button; others have one if they name it. */
function canSubmit(view) {
  return Boolean(view.submit) || view.blocks.some((block) => block.type === "input");
}
