// What is hard to read on a page, or has no name for those who cannot see it. Evaluated in the page by tests.
() => {
  // Texts with a contrast under 4.5 : 1. https://www.w3.org/TR/WCAG22/#contrast-minimum
  const findFaint = () => {
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const over = (below, colour) => {
      paint.fillStyle = below; paint.fillRect(0, 0, 1, 1);
      paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1);
      return `rgb(${[...paint.getImageData(0, 0, 1, 1).data].slice(0, 3)})`;
    };
    const ground = (node) => node ? over(ground(node.parentElement), getComputedStyle(node).backgroundColor) : "white";
    const light = (colour) => {
      const [r, g, b] = colour.match(/\d+/g).map((part) => part / 255)
        .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const faint = [];
    const top = document.querySelector("dialog[open]") ?? document.body;
    const texts = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || node.closest(".emoji, .visually-hidden, noscript, svg") || !node.checkVisibility()) continue;
      const below = ground(node);
      const [a, b] = [light(below), light(over(below, getComputedStyle(node).color))].sort();
      const contrast = (b + 0.05) / (a + 0.05);
      if (contrast < 4.5) faint.push([texts.currentNode.data.trim().slice(0, 40), contrast.toFixed(2)].join(" "));
    }
    return faint;
  };

  // Controls without a name, pictures without words, ids that two elements share.
  const findNameless = () => {
    const named = (node) => node.getAttribute("aria-label") || node.labels?.length || node.textContent.trim()
      || node.getAttribute("aria-labelledby")?.split(" ").some((id) => document.getElementById(id)?.textContent.trim());
    const controls = document.querySelectorAll("button, input:not([hidden]), textarea, select, [role=option], [role=menuitem], dialog, [role=region]");
    const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
    return [
      ...[...controls].filter((node) => node.checkVisibility() && !named(node)).map((node) => node.outerHTML.slice(0, 120)),
      ...[...document.querySelectorAll("img:not([alt])")].map((node) => node.outerHTML.slice(0, 120)),
      ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `two elements have the id ${id}`),
    ];
  };

  return [...findFaint(), ...findNameless()];
}
