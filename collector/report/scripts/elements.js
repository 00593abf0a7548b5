// The page's data, and the only two ways in which it enters the page: textContent and checked links.

const data = JSON.parse(await unpacked(document.getElementById("data").textContent));

/** The text that is compressed in the page: gzip, as base64. */
function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

/** The text with an index, null without one. */
function text(index) {
  return index === null || index === undefined ? null : data.texts[index];
}

/** A new element with attributes and children; strings become text, null is omitted. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A reference that may be wrapped after each of its parts, and is copied unchanged. */
function breakable(reference) {
  return reference.split(/(?<=[/:@._-])/).flatMap((part, at) => (at ? [document.createElement("wbr"), part] : [part]));
}

/** A link into Buddy, or the name alone when the address may not be followed. */
function link(name, address) {
  if (address === null || !(address.startsWith("https://") || address.startsWith("http://"))) {
    return make("span", {}, name);
  }
  return make("a", { href: address, rel: "noopener noreferrer" }, name);
}

function counted(count, thing) {
  return `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
}

/** The current colours, by their names in the style sheet. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** Call `draw` when the colour scheme changes, or the width by more than a scroll bar. */
function onAppearanceChange(element, draw) {
  let width = element.clientWidth;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  new ResizeObserver(() => {
    if (Math.abs(element.clientWidth - width) < 24) return;
    width = element.clientWidth;
    draw();
  }).observe(element);
}
