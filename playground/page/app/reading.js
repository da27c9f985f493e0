// What this browser remembers: who spoke last, where, and how far each person has read. Nothing leaves it.

const KEY = "toban-playground";

/** Return {person, place} of this window's last visit, or of the last one at all; empty the first time. */
export function remembered() {
  return read("sessionStorage").last ?? read().last ?? {};
}

export function remember(person, place) {
  write({ ...read(), last: { person, place } });
  write({ last: { person, place } }, "sessionStorage");
}

/** Call *then* when another window has read something. */
export function onReadElsewhere(then) {
  addEventListener("storage", (event) => event.key === KEY && then());
}

/** Return the timestamp of the newest message that a person has read in a channel. */
export function lastRead(person, channel) {
  return read().read?.[`${person}/${channel}`] ?? "0";
}

export function markRead(person, channel, ts) {
  const kept = read();
  write({ ...kept, read: { ...kept.read, [`${person}/${channel}`]: ts } });
}

/** What is there at somebody's first visit counts as read. */
export function begin(person, channel, newest) {
  if (!(`${person}/${channel}` in (read().read ?? {}))) markRead(person, channel, newest);
}

/** Return the chosen theme: "light", "dark" or "auto". */
export function theme() {
  return read().theme ?? "auto";
}

export function keepTheme(name) {
  write({ ...read(), theme: name });
}

function read(storage = "localStorage") {
  try {
    return JSON.parse(window[storage].getItem(KEY)) ?? {};
  } catch {
    return {}; // no storage, or somebody else's text under our name: begin afresh
  }
}

function write(kept, storage = "localStorage") {
  try {
    window[storage].setItem(KEY, JSON.stringify(kept));
  } catch {
    // without storage the page only forgets at the next visit
  }
}
