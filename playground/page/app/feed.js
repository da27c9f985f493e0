// Follows the playground's feed: everything that happens appears without a reload.

import * as control from "./control.js";

const POLL_SECONDS = 25;
const AGAIN_MILLISECONDS = 1000;

/** Take in events until *signal* says stop; after a break, load everything anew. */
export async function follow(store, signal) {
  let broken = store.workspace === null; // the playground was not there when the page was opened
  while (!signal.aborted) {
    try {
      if (broken) {
        await store.load();
        store.dispatchEvent(new CustomEvent("completions")); // they may have changed meanwhile
      }
      broken = false;
      store.reach(true);
      await takeNext(store, signal);
    } catch (error) {
      if (signal.aborted) return;
      broken = true;
      if (error instanceof control.OutOfReach) store.reach(false);
      else if (!(error instanceof Gap)) console.error(error);
      await new Promise((resume) => setTimeout(resume, AGAIN_MILLISECONDS));
    }
  }
}

/** Events were missed: the playground was started anew, or the page slept too long. */
class Gap extends Error {}

async function takeNext(store, signal) {
  const { events, seq } = await control.feed(store.seq, POLL_SECONDS, signal);
  if (seq < store.seq || (events.length && events[0].seq > store.seq + 1)) throw new Gap();
  for (const event of events) await store.take(event);
}
