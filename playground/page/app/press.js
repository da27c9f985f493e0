// Nothing is drawn anew under a pressed button: a click counts only where press and release meet the same element,
// and a card that changes each second would lose one click in ten.

const LONGEST_MILLISECONDS = 3000;
const waiting = [];
let isPressed = false;
let patience;

/** Do this at once, or as soon as nothing is pressed; always in the order in which it was asked for. */
export function whenReleased(act) {
  waiting.push(act);
  if (!isPressed) flush();
}

function flush() {
  while (waiting.length) waiting.shift()();
}

function release() {
  isPressed = false;
  clearTimeout(patience);
  setTimeout(() => isPressed || flush()); // the click comes first
}

addEventListener(
  "pointerdown",
  (event) => {
    if (event.button !== 0) return;
    isPressed = true;
    clearTimeout(patience);
    patience = setTimeout(release, LONGEST_MILLISECONDS); // the release may never be told, outside the window
  },
  true,
);
for (const kind of ["pointerup", "pointercancel", "dragend"]) addEventListener(kind, release, true);
