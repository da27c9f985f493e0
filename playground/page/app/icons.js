// The few pictures of the page, drawn as strokes so that they take the colour of their text.

import { svg } from "./dom.js";

const STROKES = {
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14 6l-6 6 6 6",
  down: "M7 10l5 5 5-5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  send: "M5 12h13M13 6l6 6-6 6",
  attach: "M19 11.5 12 18.5a4.6 4.6 0 0 1-6.5-6.5l7.6-7.6a3.1 3.1 0 0 1 4.4 4.4l-7.4 7.4a1.6 1.6 0 0 1-2.2-2.2l6.4-6.4",
  thread: "M4.5 6.5h15v9h-8l-4 3.5v-3.5h-3Z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M18.4 5.6l-1.1 1.1M6.7 17.3l-1.1 1.1",
  moon: "M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5Z",
  auto: "M12 4a8 8 0 1 0 0 16ZM12 4a8 8 0 0 1 0 16",
  lock: "M7 11h10v8H7ZM9 11V8a3 3 0 0 1 6 0v3",
  check: "M5.5 12.5l4.5 4.5 8.5-9.5",
  warning: "M12 4.5 21 19.5H3ZM12 10v4.5M12 17h.01",
  download: "M12 4v11M7 10.5l5 5 5-5M5 19.5h14",
  file: "M7 3.5h7l4 4v13H7ZM14 3.5v4h4",
  eye: "M3 12s3.2-6 9-6 9 6 9 6-3.2 6-9 6-9-6-9-6ZM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  plus: "M12 5v14M5 12h14",
  home: "M4.5 11 12 4.5l7.5 6.5v8.5h-15Z",
  help: "M9.2 9a2.9 2.9 0 1 1 4.3 2.6c-1 .6-1.5 1.1-1.5 2.4M12 17.5h.01",
};

/** Return a picture that screen readers pass over; its button carries the words. */
export function icon(name) {
  const attributes = { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" };
  return svg("svg", attributes, svg("path", { d: STROKES[name] }));
}
