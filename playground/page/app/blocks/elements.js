// Interactive elements: what a person presses or chooses in a message, a form or the Home tab.
// https://docs.slack.dev/reference/block-kit/block-elements

import { h, isLinkable, newId } from "../dom.js";
import { icon } from "../icons.js";
import { menu } from "../menu.js";
import { Picker, matching } from "../picker.js";
import { confirmed } from "../confirm.js";
import { plain, textObject, words } from "./text.js";

const EXTERNAL_LEAST = 3;
// Where an app gives no placeholder, a picker is named by what it picks.
const NAMES = { datepicker: "Date", timepicker: "Time", datetimepicker: "Date and time" };

/** Return the node of an element; *label* names it to those who cannot see where it stands. */
export function drawElement(element, block, here, label) {
  const draw = ELEMENTS[element.type] ?? (/select$/.test(element.type) ? select : unknown);
  return draw(element, block, here, label || words(element.placeholder) || NAMES[element.type] || "Choice");
}

/** Tell the app, after the question if there is one; return whether it was done. */
async function report(element, block, here, value, control) {
  if (!(await confirmed(element.confirm, here.names))) return false;
  return here.change(element, block, value, control);
}

function button(element, block, here) {
  const style = ["primary", "danger"].includes(element.style) ? ` ${element.style}` : "";
  const control = h(
    "button",
    {
      type: "button",
      class: `button${style}`,
      "data-action": element.action_id,
      "data-block": block.block_id,
      "aria-label": element.accessibility_label,
      onclick: () => {
        if (element.url && isLinkable(element.url)) open(element.url, "_blank", "noopener,noreferrer");
        return report(element, block, here, element.value, control);
      },
    },
    plain(element.text?.text ?? "", true),
  );
  return control;
}

function overflow(element, block, here) {
  const control = h(
    "button",
    { type: "button", class: "button square", "aria-label": "More options", "data-action": element.action_id, "data-block": block.block_id },
    icon("more"),
  );
  const items = () =>
    element.options.map((option) => ({
      text: words(option.text),
      description: words(option.description),
      act: () => {
        if (option.url && isLinkable(option.url)) open(option.url, "_blank", "noopener,noreferrer");
        return report(element, block, here, option.value, control);
      },
    }));
  return menu(control, "More options", items);
}

function select(element, block, here, label) {
  const multiple = element.type.startsWith("multi_");
  const kind = element.type.replace(/^multi_/, "").replace(/_select$/, "");
  const source = SOURCES[kind]?.(element, block, here);
  if (!source) return unknown(element);
  const held = [here.value(element, block)].flat().filter((value) => value !== null && value !== undefined);
  const given = [element.initial_option, ...(element.initial_options ?? [])].filter(Boolean).map(option);
  const known = [...given, ...source.all().flatMap((group) => group.options)];
  const picker = new Picker({
    label,
    multiple,
    placeholder: words(element.placeholder) || "Choose",
    clearable: !multiple && block.type === "input" && block.optional,
    most: element.max_selected_items ?? Infinity,
    remote: source.remote,
    least: source.least,
    find: source.find,
    chosen: held.map((value) => known.find((one) => one.value === value) ?? here.seen(value) ?? { value, text: value }),
    choose: (chosen) => {
      for (const one of chosen) here.remember(one);
      const values = chosen.map((one) => one.value);
      return report(element, block, here, multiple ? values : values[0] ?? null, picker.element);
    },
  });
  picker.element.dataset.action = element.action_id;
  picker.element.dataset.block = block.block_id;
  return picker.element;
}

function option(one) {
  return { value: one.value, text: words(one.text), description: words(one.description) };
}

function grouped(holder) {
  if (holder.option_groups) {
    return holder.option_groups.map((group) => ({ label: words(group.label), options: group.options.map(option) }));
  }
  return [{ options: (holder.options ?? []).map(option) }];
}

const local = (all) => ({ all: () => all, find: (query) => matching(all, query) });

const SOURCES = {
  static: (element) => local(grouped(element)),
  users: (element, block, here) => local([{ options: here.people() }]),
  channels: (element, block, here) => local([{ options: here.channels() }]),
  conversations: (element, block, here) => local([{ options: here.conversations() }]),
  external: (element, block, here) => ({
    remote: true,
    least: element.min_query_length ?? EXTERNAL_LEAST,
    all: () => [],
    find: async (query) => grouped(await here.suggest(element, block, query)),
  }),
};

/** Radio buttons and checkboxes: native ones, in a group that has a name. */
function choices(element, block, here, label) {
  const type = element.type === "checkboxes" ? "checkbox" : "radio";
  const name = newId("choice");
  let held = [here.value(element, block)].flat();
  const group = h("div", { role: type === "radio" ? "radiogroup" : "group", "aria-label": label, class: "choices", "data-action": element.action_id, "data-block": block.block_id });
  const values = () => [...group.querySelectorAll("input:checked")].map((input) => input.value);
  const choose = async () => {
    const now = values();
    const done = await report(element, block, here, type === "radio" ? now[0] : now, group);
    if (done === false) for (const input of group.querySelectorAll("input")) input.checked = held.includes(input.value);
    else held = now;
  };
  for (const one of element.options) {
    const input = h("input", { type, name, value: one.value, onchange: choose });
    input.checked = held.includes(one.value);
    const description = one.description && h("small", null, textObject(one.description, here.names));
    group.append(h("label", null, input, h("span", null, textObject(one.text, here.names), description)));
  }
  return group;
}

const PICKED = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };

/** Date and time pickers: the browser's own, which know keyboards, phones and screen readers. */
function moment(element, block, here, label) {
  const isMoment = element.type === "datetimepicker";
  let held = here.value(element, block);
  const control = h("input", {
    type: PICKED[element.type],
    class: "field moment",
    "aria-label": label,
    "data-action": element.action_id,
    "data-block": block.block_id,
    onchange: async () => {
      const value = isMoment ? seconds(control.value) : control.value || null;
      if ((await report(element, block, here, value, control)) === false) control.value = shown(held, isMoment);
      else held = value;
    },
  });
  control.value = shown(held, isMoment);
  return control;
}

const seconds = (text) => (text ? Math.floor(new Date(text).getTime() / 1000) : null);

function shown(value, isMoment) {
  if (value === null || value === undefined) return "";
  if (!isMoment) return String(value);
  const at = new Date(Number(value) * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function iconButton(element, block, here) {
  return button({ ...element, text: element.text ?? { text: element.icon ?? "" } }, block, here);
}

function feedback(element, block, here) {
  const both = [element.positive_button, element.negative_button].filter(Boolean);
  return h("span", { class: "buttons" }, both.map((one) => button({ ...one, action_id: element.action_id }, block, here)));
}

/** Slack may have elements that this page does not know; say so instead of hiding them. */
function unknown(element) {
  return h("span", { class: "unknown" }, `[${element.type}]`);
}

const ELEMENTS = {
  button,
  workflow_button: button,
  icon_button: iconButton,
  feedback_buttons: feedback,
  overflow,
  checkboxes: choices,
  radio_buttons: choices,
  datepicker: moment,
  timepicker: moment,
  datetimepicker: moment,
};
