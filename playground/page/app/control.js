// The control API of the loopback Slack, as the page uses it. See docs/playground.md.

/** The playground said no; the message is its sentence. */
export class Refused extends Error {}

/** The playground does not answer at all. */
export class OutOfReach extends Error {}

/** Log an error that people are not told of in another way. */
export const log = (error) => error instanceof OutOfReach || console.warn(error.message);

/** Return why the app did not take something: Slack's name for it, and what the playground knows beyond. */
export const why = ({ error, detail }) => (detail ? `${error} (${detail})` : error);

export const workspace = () => get("workspace");
export const completions = () => get("completions");
export const messages = (who, where, threadTs) => get("messages", { as: who, in: where, thread_ts: threadTs });
export const feed = (after, seconds, signal) => get("feed", { after, timeout: seconds }, signal);
export const views = (who) => get("views", { as: who });

export const say = (who, where, text, threadTs) =>
  post("say", { as: who, in: where, text, ...(threadTs && { thread_ts: threadTs }) });
export const press = (who, place, element, more) => post("press", { as: who, ...place, ...element, ...more });
export const suggest = (who, place, element, query) => post("suggest", { as: who, ...place, ...element, query });
export const submit = (who, view, values) => post("submit", { as: who, view, values });
export const close = (who, view, all) => post("close", { as: who, view, all });
export const shortcut = (who, callbackId, place) => post("shortcut", { as: who, callback_id: callbackId, ...place });
export const openHome = (who) => post("home", { as: who });

/** Return the address of a shared file's bytes. */
export const fileAddress = (id) => `/playground/files/${encodeURIComponent(id)}`;

/** Share a file as a person. */
export async function share(who, where, file, { comment = "", threadTs } = {}) {
  const content = await base64(file);
  return post("files", { as: who, in: where, name: file.name, content, comment, ...(threadTs && { thread_ts: threadTs }) });
}

/** Return a file's bytes in base64, as JSON can carry them. */
function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Refused(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
}

function get(path, query = {}, signal) {
  return ask(`/playground/${path}?${search(query)}`, { signal });
}

function post(path, body) {
  return ask(`/playground/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

function search(query) {
  return new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== null));
}

async function ask(address, options) {
  let reply;
  let body = {};
  try {
    reply = await fetch(address, options);
    body = await reply.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    // An answer that breaks off is none; what refuses need not be JSON.
    if (!reply || reply.ok) throw new OutOfReach("The playground does not answer. Is it still running in the terminal?");
  }
  if (!reply.ok) throw new Refused(body.error ?? `The playground answered ${reply.status}.`);
  return body;
}
