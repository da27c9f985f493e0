// Keys that work everywhere on the page.

import { showHelp } from "./help.js";

/** Listen for them. */
export function listenForKeys(store, conversation) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (event.altKey && goByKey(store, event)) event.preventDefault();
    else if (!isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) plainKey(event, conversation);
  });
}

function plainKey(event, conversation) {
  if (event.key === "?") showHelp();
  // The slash itself is typed into the box that now has the focus.
  if (event.key === "/") {
    const reply = document.getElementById("reply");
    // In a narrow window a thread takes the conversation's place.
    if (document.getElementById("composer").checkVisibility() || !reply.checkVisibility()) conversation.focus();
    else reply.focus();
  }
}

function goByKey(store, event) {
  const number = /^Digit([1-9])$/.exec(event.code);
  if (number) {
    const person = store.workspace.people[Number(number[1]) - 1];
    if (person) store.speakAs(person.id);
    return Boolean(person);
  }
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return false;
  const all = store.visibleChannels().toSorted((a, b) => a.is_im - b.is_im);
  const at = all.findIndex((channel) => channel.id === store.place);
  store.goTo(all[(at + step + all.length) % all.length].id);
  return true;
}

function isTyping(target) {
  return target.matches("input, textarea, select");
}
