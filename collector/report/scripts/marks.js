// The page's data, and the only ways in which it becomes something on the page: textContent and checked links.

const data = JSON.parse(document.getElementById("data").textContent);

/** The text of a number of the data, null for none. */
function text(number) {
  return number === null || number === undefined ? null : data.texts[number];
}

/** An element with attributes and children; strings become text, null is left out. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Words that may be broken after each part of a reference, and are copied as they are. */
function breakable(words) {
  return words.split(/(?<=[/:@])/).flatMap((part, at) => (at ? [document.createElement("wbr"), part] : [part]));
}

/** A link into Buddy, or the bare words when the address is none that may be followed. */
function link(words, address) {
  if (address === null || !(address.startsWith("https://") || address.startsWith("http://"))) {
    return make("span", {}, words);
  }
  return make("a", { href: address, rel: "noopener noreferrer" }, words);
}

function counted(count, thing) {
  return `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
}

/** The colours of the page now, by the names of its style sheet. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** Calls `draw` when what a drawing depends on changes: the scheme, or the width by more than a scroll bar. */
function whenLooksChange(element, draw) {
  let width = element.clientWidth;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  new ResizeObserver(() => {
    if (Math.abs(element.clientWidth - width) < 24) return;
    width = element.clientWidth;
    draw();
  }).observe(element);
}
