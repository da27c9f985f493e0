// Nothing is drawn anew under a pressed button: a click counts only where press and release meet the same element,
// and a card that changes each second would lose one click in ten. The same goes for the space bar.

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

function hold() {
  isPressed = true;
  clearTimeout(patience);
  patience = setTimeout(release, LONGEST_MILLISECONDS); // the release may never be told, outside the window
}

const isSpace = (event) => event.key === " "; // Enter presses a button as soon as the key goes down

addEventListener("pointerdown", (event) => event.button === 0 && hold(), true);
addEventListener("keydown", (event) => isSpace(event) && !event.repeat && hold(), true);
addEventListener("keyup", (event) => isSpace(event) && release(), true);
for (const kind of ["pointerup", "pointercancel", "dragend"]) addEventListener(kind, release, true);
