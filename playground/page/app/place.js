// Where blocks stand, as their elements see it: who looks, what is held, how a press reaches the app.

import * as control from "./control.js";

// What is pressed holds nothing that a form could keep.
const STATELESS = new Set(["button", "workflow_button", "icon_button", "feedback_buttons", "overflow"]);

/** Common to messages, forms and the Home tab. *where* is {channel, ts} or {view}. */
export class Place {
  #store;
  #where;
  #form;

  constructor(store, names, where, form = new Form()) {
    this.#store = store;
    this.names = names;
    this.#where = where;
    this.#form = form;
  }

  /** Return what an element holds: what was entered, or else what the app set. */
  value(element, block) {
    return this.#form.value(block.block_id, element);
  }

  /** Remember what was entered, without telling the app. */
  enter(element, block, value) {
    this.#form.enter(block.block_id, element.action_id, value);
  }

  /** Remember an option that was chosen, so that a redrawn menu can show its words. */
  remember(option) {
    this.#form.options.set(option.value, option);
  }

  seen(value) {
    return this.#form.options.get(value);
  }

  /** Enter a value, and tell the app where the element reports; return false when the app did not take it. */
  async change(element, block, value, node) {
    if (!STATELESS.has(element.type)) this.enter(element, block, value);
    if (block.type === "input" && !block.dispatch_action) return true;
    return this.#press(element, block, value, node);
  }

  /** Say whether typing into a field is told to the app at this moment. */
  isReporting(element, block, moment) {
    const moments = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
    return Boolean(block.dispatch_action) && moments.includes(moment);
  }

  suggest(element, block, query) {
    const named = { action_id: element.action_id, block_id: block.block_id };
    return control.suggest(this.#store.me, this.#where, named, query);
  }

  people() {
    return this.#store.workspace.people.map((person) => ({ value: person.id, text: `@${person.name}`, description: person.real_name }));
  }

  channels() {
    const seen = this.#store.visibleChannels().filter((channel) => !channel.is_im && !channel.is_private);
    return seen.map((channel) => ({ value: channel.id, text: `#${channel.name}` }));
  }

  conversations() {
    const text = (channel) => (channel.is_im ? `@${this.#store.workspace.bot.name}` : `#${channel.name}`);
    return this.#store.visibleChannels().map((channel) => ({ value: channel.id, text: text(channel) }));
  }

  /** Upload files for a form, by way of the direct message with the app; return their ids, or null in trouble. */
  async upload(files) {
    try {
      this.#store.trouble("");
      const shared = await Promise.all(files.map((file) => control.share(this.#store.me, "bot", file)));
      for (const { file } of shared) this.remember({ value: file.id, text: file.name });
      return shared.map(({ file }) => file.id);
    } catch (error) {
      this.#store.trouble(error.message);
      return null;
    }
  }

  async #press(element, block, value, node) {
    node?.setAttribute("aria-busy", "true");
    node?.classList.remove("failed");
    try {
      const named = { action_id: element.action_id, block_id: block.block_id };
      const more = { ...(value !== undefined && { value }), ...("view" in this.#where && { values: this.#form.entered() }) };
      this.#store.trouble("");
      const answer = await control.press(this.#store.me, this.#where, named, more);
      if (!answer.ok) throw new control.Refused(`The app did not take it: ${control.why(answer)}`);
      return true;
    } catch (error) {
      node?.classList.add("failed");
      this.#store.trouble(error.message);
      return false;
    } finally {
      node?.removeAttribute("aria-busy");
    }
  }
}

/** What a person has entered into a form; it outlives a view's update where block and action stay the same. */
export class Form {
  options = new Map();
  #values = new Map();
  #state = {};

  /** Take up what the app and the playground say that a view holds. */
  adopt(state) {
    this.#state = state?.values ?? {};
  }

  enter(blockId, actionId, value) {
    this.#values.set(`${blockId}/${actionId}`, { blockId, value });
  }

  value(blockId, element) {
    const entered = this.#values.get(`${blockId}/${element.action_id}`);
    if (entered) return entered.value;
    const state = this.#state[blockId]?.[element.action_id];
    if (!state) return initial(element);
    for (const one of [state.selected_option, ...(state.selected_options ?? []), ...(state.files ?? [])].filter(Boolean)) {
      const { value, text } = optionOf(one);
      this.options.set(value, { value, text });
    }
    return held(state);
  }

  /** Return what was entered, by block. */
  entered() {
    return Object.fromEntries([...this.#values.values()].map(({ blockId, value }) => [blockId, value]));
  }

  /** Forget what no block of the view holds any more. */
  keepOnly(blocks) {
    const held = new Set(blocks.flatMap((block) => holders(block).map((element) => `${block.block_id}/${element.action_id}`)));
    for (const key of this.#values.keys()) if (!held.has(key)) this.#values.delete(key);
  }
}

/** Return the elements of a block. */
export function holders(block) {
  return [block.element, block.accessory, ...(block.elements ?? [])].filter(Boolean);
}

/** Return the option of a choice or a file in a state. */
function optionOf(one) {
  return { value: one.value ?? one.id, text: one.text?.text ?? one.name };
}

/** Return what a state holds, as it is entered: https://docs.slack.dev/reference/views/modal-views */
function held({ type, ...state }) {
  const [value = null] = Object.entries(state).filter(([name]) => name !== "timezone").map(([, each]) => each);
  if (Array.isArray(value)) return value.map((each) => (typeof each === "object" ? optionOf(each).value : each));
  return state.selected_option ? optionOf(state.selected_option).value : value;
}

/** Return what the app set: one value, a list of values, or null. */
function initial(element) {
  const one = element.initial_option?.value;
  const several = element.initial_options?.map((option) => option.value);
  const names = ["value", "date", "time", "date_time", "user", "users", "conversation", "conversations", "channel", "channels"];
  const given = names.map((name) => element[`initial_${name}`]).find((value) => value !== undefined);
  return one ?? several ?? given ?? null;
}
