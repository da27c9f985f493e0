// Where blocks stand, as their elements see it: who looks, what is held, how a press reaches the app.

import * as control from "./control.js";

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
    this.enter(element, block, value);
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

  /** Upload files for a form, by way of the direct message with the app; return their ids. */
  async upload(files) {
    const shared = await Promise.all(files.map((file) => control.share(this.#store.me, "bot", file)));
    return shared.map((answer) => answer.file.id);
  }

  async #press(element, block, value, node) {
    node?.setAttribute("aria-busy", "true");
    node?.classList.remove("failed");
    try {
      const named = { action_id: element.action_id, block_id: block.block_id };
      const more = { ...(value !== undefined && { value }), ...("view" in this.#where && { values: this.#form.entered() }) };
      const answer = await control.press(this.#store.me, this.#where, named, more);
      if (!answer.ok) throw new control.Refused(`The app did not take it: ${answer.error}`);
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

  enter(blockId, actionId, value) {
    this.#values.set(`${blockId}/${actionId}`, { blockId, value });
  }

  value(blockId, element) {
    return this.#values.get(`${blockId}/${element.action_id}`)?.value ?? initial(element);
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

/** Return what the app set: one value, a list of values, or null. */
function initial(element) {
  const one = element.initial_option?.value;
  const several = element.initial_options?.map((option) => option.value);
  const names = ["value", "date", "time", "date_time", "user", "users", "conversation", "conversations", "channel", "channels"];
  const given = names.map((name) => element[`initial_${name}`]).find((value) => value !== undefined);
  return one ?? several ?? given ?? null;
}
