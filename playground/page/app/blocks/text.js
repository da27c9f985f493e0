// Text objects: plain_text and mrkdwn. https://docs.slack.dev/reference/block-kit/composition-objects/text-object

import { character } from "../emoji.js";
import { emoji, mrkdwn } from "./mrkdwn.js";

const SHORTCODE = /:([\p{L}\p{N}_+'-]+):/gu;

/** Return the nodes of a text object; of none, nothing. */
export function textObject(object, names) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : plain(object.text, object.emoji !== false);
}

/** Return plain text with its emoji drawn, unless the app turned that off. */
export function plain(text, withEmoji = true) {
  if (!withEmoji) return [text];
  return text.split(SHORTCODE).map((piece, at) => {
    const drawn = at % 2 ? character(piece) : null;
    return drawn ? emoji(piece, drawn) : at % 2 ? `:${piece}:` : piece;
  });
}

/** Return a text object's text with emoji as characters, for places that take no elements. */
export function words(object) {
  return (object?.text ?? "").replace(SHORTCODE, (code, name) => character(name) ?? code);
}
