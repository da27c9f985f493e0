// Rows out of delimited text: commas, semicolons or tabs, quoted fields and line breaks within them.

const DELIMITERS = [",", ";", "\t"];

/** Return the rows of a text, each a list of its fields; the delimiter is the one its first line holds most. */
export function readRows(text) {
  const first = text.split("\n", 1)[0];
  const count = (mark) => first.split(mark).length;
  const delimiter = DELIMITERS.reduce((best, mark) => (count(mark) > count(best) ? mark : best));
  const rows = [[]];
  const field = new RegExp(`"((?:[^"]|"")*)"|[^"${delimiter}\\r\\n][^${delimiter}\\r\\n]*|(${delimiter})|(\\r\\n|\\n|\\r)`, "g");
  let waiting = true;
  for (const [whole, quoted, isDelimiter, isEnd] of text.matchAll(field)) {
    if (isEnd) {
      if (waiting && rows.at(-1).length) rows.at(-1).push("");
      rows.push([]);
      waiting = true;
    } else if (isDelimiter) {
      if (waiting) rows.at(-1).push("");
      waiting = true;
    } else if (waiting) {
      rows.at(-1).push(quoted === undefined ? whole : quoted.replaceAll('""', '"'));
      waiting = false;
    }
  }
  return rows.filter((row) => row.length);
}
