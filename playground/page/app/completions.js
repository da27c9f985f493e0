// What can come next in the box: commands with their verbs, models and inputs; people, channels, emoji.

import * as control from "./control.js";
import { search } from "./emoji.js";

const MOST = 12;

/** Completes by a table that the playground keeps live; see "Completions" in docs/playground.md. Event: `loaded`. */
export class Completer extends EventTarget {
  #store;
  #commands = [];

  constructor(store) {
    super();
    this.#store = store;
  }

  /** Fetch the table again; an old one is better than none. */
  async load() {
    try {
      this.#commands = (await control.completions()).commands;
      this.dispatchEvent(new Event("loaded"));
    } catch (error) {
      control.log(error);
    }
  }

  /** Return {start, end, options, isBegun} for the word at the caret, or null. isBegun: Enter takes the first. */
  complete(text, caret, { inThread = false } = {}) {
    const before = text.slice(0, caret);
    const start = before.search(/\S*$/);
    const word = before.slice(start);
    const range = { start, end: caret };
    if (text.startsWith("/") && !inThread) return this.#inCommand(before, word, range);
    if (/^@/.test(word)) return begun(this.#people(word.slice(1)), word.slice(1), range);
    if (/^#/.test(word)) return begun(this.#channels(word.slice(1)), word.slice(1), range);
    if (/^:[\p{L}\p{N}_+-]{2,}$/u.test(word)) return begun(emoji(word.slice(1)), word.slice(1), range);
    return null;
  }

  #inCommand(before, word, range) {
    const words = before.split(/\s+/);
    if (words.length === 1) return begun(this.#names(word), word, range);
    const command = this.#commands.find((one) => one.name === words[0]);
    if (!command) return null;
    if (words.length === 2) return begun(options(command.verbs, word), word, range);
    const verb = command.verbs.find((one) => one.name === words[1]);
    return verb ? inVerb(verb, words.slice(2), word, range) : null;
  }

  #names(typed) {
    return options(this.#commands, typed);
  }

  #people(typed) {
    const { people, groups, bot } = this.#store.workspace;
    const all = [
      { name: bot.name, summary: "the app" },
      ...people.map((person) => ({ name: person.name, summary: person.real_name })),
      ...groups.map((group) => ({ name: group.handle, summary: group.name })),
    ];
    return options(all, typed, "@");
  }

  #channels(typed) {
    return options(this.#store.visibleChannels().filter((channel) => !channel.is_im), typed, "#");
  }
}

/** Complete after a verb: words by their place, then the inputs of what was named, then an input's values. */
function inVerb(verb, words, word, range) {
  const given = words.slice(0, -1).filter((one) => !one.includes("="));
  const mark = word.indexOf("=");
  const inputs = verb.inputs?.[given[0]] ?? verb.inputs?.["*"] ?? [];
  if (mark > 0) return values(inputs, word, mark, range);
  const next = wordsAt(verb, given);
  const taken = new Set(words.map((one) => one.split("=")[0]));
  const open = inputs.filter((input) => !taken.has(input.name));
  const isTime = given.length || !next.length || verb.inputs?.["*"];
  const found = [...options(next, word), ...(isTime ? options(open, word).map(asInput) : [])];
  return begun(found.slice(0, MOST), word, range);
}

/** Return the words that may stand next; those after the first may depend on it. */
function wordsAt(verb, given) {
  const here = verb.words?.[given.length] ?? {};
  return here[given[0]] ?? here["*"] ?? [];
}

function values(inputs, word, mark, range) {
  const input = inputs.find((one) => one.name === word.slice(0, mark));
  const typed = word.slice(mark + 1);
  const all = (input?.values ?? []).map((value) => ({ name: value }));
  return begun(options(all, typed).slice(0, MOST), typed, { start: range.start + mark + 1, end: range.end });
}

function asInput(option) {
  return { ...option, text: `${option.text}=`, insert: `${option.text}=` };
}

/** Return options whose name begins with what was typed, else those that hold it. */
function options(all, typed, sign = "") {
  const lower = typed.toLowerCase();
  const begins = all.filter((one) => one.name.toLowerCase().startsWith(lower));
  const holds = typed ? all.filter((one) => one.name.toLowerCase().includes(lower) && !begins.includes(one)) : [];
  return [...begins, ...holds].map((one) => ({ text: sign + one.name, insert: `${sign}${one.name} `, description: one.summary }));
}

function emoji(typed) {
  return search(typed).map(({ name, picture }) => ({ text: `:${name}:`, insert: `:${name}: `, picture }));
}

/** What is typed out already needs no list; a first option is taken by Enter only where a word was begun. */
function begun(found, typed, range) {
  const isDone = found.length > 0 && found[0].insert.trim().replace(/^[@#]/, "") === typed;
  return { ...range, options: isDone && found.length === 1 ? [] : found, isBegun: typed !== "" && !isDone };
}
