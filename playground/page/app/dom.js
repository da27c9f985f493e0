// Elements out of data. Text always becomes a text node: nothing that people or apps send is ever read as markup.

/**
 * Return an element with properties and children.
 *
 * `on…` properties are listeners, `class` and `aria-…` are attributes, null and false leave a property out,
 * true sets an empty attribute. Children are nodes, text, lists of both, or null.
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  setProperties(element, properties ?? {});
  element.append(...present(children));
  return element;
}

/** Return an SVG element; its attributes are set as they are. */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...present(children));
  return element;
}

/** Return the children as nodes and text: lists opened, null, undefined and false left out. */
export function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function setProperties(element, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
}

let serial = 0;

/** Return an id that no other element has. */
export function newId(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}

/** Return the link to *address*, or its text alone where a link could run something or leave the web. */
export function link(address, ...children) {
  const shown = children.length ? children : [address];
  if (!isLinkable(address)) return h("span", { class: "no-link", title: address }, shown);
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, shown);
}

/** Say whether an address may stand behind a link. */
export function isLinkable(address) {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}

/** Move the focus by arrow keys, Home and End among the elements that *find* returns. */
export function moveByArrows(event, find, { vertical = true } = {}) {
  const steps = vertical ? { ArrowDown: 1, ArrowUp: -1 } : { ArrowRight: 1, ArrowLeft: -1 };
  const all = [...find()];
  const at = all.indexOf(document.activeElement.closest?.("[data-stop]") ?? document.activeElement);
  let to = null;
  if (event.key in steps) to = Math.min(Math.max(at + steps[event.key], 0), all.length - 1);
  if (event.key === "Home") to = 0;
  if (event.key === "End") to = all.length - 1;
  if (to === null || !all.length) return false;
  event.preventDefault();
  all[to].focus();
  return true;
}
