// Times as people read them. A message's ts is seconds since 1970 with a fraction that makes it unique.

/** Return "14:05" for a message's ts. */
export function clock(ts, zone) {
  return format(ts, zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** Return "Saturday, 21 November" for a message's ts; "Today" and "Yesterday" where they fit. */
export function day(ts, zone, now = Date.now() / 1000) {
  return relative(ts, zone, now) ?? format(ts, zone, { weekday: "long", day: "numeric", month: "long" });
}

/** Return the full date and time, for those who ask by pointing at a time. */
export function full(ts, zone) {
  return format(ts, zone, { dateStyle: "full", timeStyle: "medium" });
}

/** Return how long ago it was: "just now", "5 min ago", "3 h ago", or the day. */
export function ago(ts, zone, now = Date.now() / 1000) {
  const seconds = now - Number(ts);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return day(ts, zone, now);
}

const MONTH_DAY = { month: "long", day: "numeric" };
const SHORT_DAY = { month: "short", day: "numeric" };
const YEAR = { year: "numeric" };
const TOKENS = {
  date_num: (ts, zone) => format(ts, zone, { year: "numeric", month: "2-digit", day: "2-digit" }, "sv"),
  date_slash: (ts, zone) => format(ts, zone, { year: "numeric", month: "2-digit", day: "2-digit" }, "en-US"),
  date: (ts, zone) => format(ts, zone, { ...MONTH_DAY, ...YEAR }, "en-US"),
  date_short: (ts, zone) => format(ts, zone, { ...SHORT_DAY, ...YEAR }, "en-US"),
  date_long: (ts, zone) => format(ts, zone, { weekday: "long", ...MONTH_DAY, ...YEAR }, "en-US"),
  date_pretty: (ts, zone) => (relative(ts, zone) ?? TOKENS.date(ts, zone)).toLowerCase(),
  date_short_pretty: (ts, zone) => (relative(ts, zone) ?? TOKENS.date_short(ts, zone)).toLowerCase(),
  date_long_pretty: (ts, zone) => (relative(ts, zone) ?? TOKENS.date_long(ts, zone)).toLowerCase(),
  day_divider_pretty: (ts, zone) => day(ts, zone),
  time: (ts, zone) => clock(ts, zone),
  time_secs: (ts, zone) =>
    format(ts, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
  ago: (ts, zone) => ago(ts, zone),
};

/**
 * Return a date reference spelled out, or null when the time makes no sense.
 *
 * https://docs.slack.dev/messaging/formatting-message-text#date-formatting
 */
export function spell(ts, pattern, zone) {
  if (!/^-?\d{1,12}(\.\d+)?$/.test(ts)) return null;
  return pattern.replace(/\{(\w+)\}/g, (token, name) => TOKENS[name]?.(ts, zone) ?? token);
}

function relative(ts, zone, now = Date.now() / 1000) {
  const of = (at) => format(at, zone, { year: "numeric", month: "2-digit", day: "2-digit" }, "sv");
  const words = new Map([[of(now), "Today"], [of(now - 86400), "Yesterday"], [of(now + 86400), "Tomorrow"]]);
  return words.get(of(ts)) ?? null;
}

const formats = new Map();

function format(ts, zone, options, locale = "en-GB") {
  const key = JSON.stringify([zone, options, locale]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
  return formats.get(key).format(new Date(Number(ts) * 1000));
}
