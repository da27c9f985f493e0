// Puts the page together.

import { Completer } from "./completions.js";
import { Conversation } from "./conversation.js";
import { log } from "./control.js";
import * as emoji from "./emoji.js";
import { follow } from "./feed.js";
import { listenForKeys } from "./keys.js";
import { MessageDrawer } from "./message.js";
import { announcement } from "./message_list.js";
import { Names } from "./names.js";
import { Side } from "./side.js";
import { Store } from "./store.js";
import { applyTheme } from "./theme.js";
import { Thread } from "./thread.js";
import { Views } from "./views.js";

applyTheme();
const store = new Store();
const names = new Names(store);
const completer = new Completer(store);
const drawer = new MessageDrawer(store, names);
const part = (id) => document.getElementById(id);

new Side(store, names, part("side"));
const conversation = new Conversation(store, names, drawer, completer, part("place"));
new Thread(store, names, drawer, completer, part("thread"));
new Views(store, names);
listenForKeys(store, conversation);

// Only what comes is said aloud; edits would interrupt at every step of a run.
store.addEventListener("message", ({ detail }) => {
  if (detail.kind !== "posted" || detail.message.user === store.me) return;
  const isHere = detail.channel === store.place;
  if (!isHere && !store.calls(detail.message)) return;
  part("announcer").replaceChildren(`${isHere ? "" : `#${names.channel(detail.channel)}, `}${announcement(names, detail.message)}`);
});
store.addEventListener("completions", () => completer.load());

await Promise.all([emoji.load(), completer.load()]);
await store.load().catch((error) => {
  store.reach(false);
  log(error);
});
part("app").dataset.ready = "true";
conversation.focus();
follow(store, new AbortController().signal);
