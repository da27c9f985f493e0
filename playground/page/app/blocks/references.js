// What stands between < and > in Slack's text: people, groups, channels, dates, links.
// https://docs.slack.dev/messaging/formatting-message-text#advanced

import { h, link } from "../dom.js";
import { spell } from "../times.js";

/** Return the node for a reference such as @U012AB3CD, #C012|name, !date^…|fallback or https://…|label. */
export function reference(inner, names) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  if (target.startsWith("@")) return mention(target.slice(1), names);
  if (target.startsWith("#")) return channel(target.slice(1), names, label);
  if (target.startsWith("!subteam^")) return group(target.slice("!subteam^".length), names);
  if (target.startsWith("!date^")) return date(target, label, names);
  if (target.startsWith("!")) return broadcast(target.slice(1));
  return link(target, label || target);
}

export function mention(id, names) {
  return h("span", { class: names.isMe(id) ? "mention me" : "mention" }, `@${names.user(id)}`);
}

export function group(id, names) {
  return h("span", { class: names.isMe(id) ? "mention me" : "mention" }, `@${names.group(id)}`);
}

export function channel(id, names, label = "") {
  return h("span", { class: "mention" }, `#${label || names.channel(id)}`);
}

export function broadcast(range) {
  return h("span", { class: "mention me" }, `@${range}`);
}

/** Return a time in the reader's own zone; the fallback where the reference makes no sense. */
export function date(target, fallback, names) {
  const [, ts, pattern = "", address = ""] = target.split("^");
  const spelled = spell(ts, pattern, names.zone);
  if (spelled === null) return fallback;
  const shown = h("time", { datetime: new Date(Number(ts) * 1000).toISOString(), title: fallback || null }, spelled);
  return address ? link(address, shown) : shown;
}
