// Pictures behind :shortcodes:, from the playground's own table.

let table = {};

/** Fetch the table once; until then, and for unknown names, shortcodes stay as they were typed. */
export async function load() {
  const reply = await fetch("/page/emoji.json");
  if (reply.ok) table = await reply.json();
}

/** Return the character of a shortcode's name, or null. */
export function character(name) {
  // Slack knows :large_green_circle: by its old name; the standard's alias has no "large_".
  return table[name] ?? table[name.replace(/^large_/, "")] ?? null;
}

/** Return up to *most* names that begin with, or else contain, what was typed. */
export function search(typed, most = 8) {
  const names = Object.keys(table).filter((name) => name.includes(typed));
  names.sort((a, b) => b.startsWith(typed) - a.startsWith(typed) || a.length - b.length);
  return names.slice(0, most).map((name) => ({ name, picture: table[name] }));
}
