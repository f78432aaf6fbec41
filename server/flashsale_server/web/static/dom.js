// Making elements. Text is always set as text, so nothing that a person wrote is ever read as HTML; what stands between
// the marks of written.js becomes a <bdi>.

import { partsOf, unmarked } from "./written.js";

/**
 * A new element. Of `properties`, "class", "for", "role", "aria-…" and "data-…" are attributes, functions whose
 * names begin with "on" are listeners, and all others are properties; null and undefined are left out.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (/^(class|for|role|aria-.*|data-.*)$/.test(key)) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined).flatMap(nodesOf));
  return made;
}

/** The element with this id; a page that lacks it is broken, and says so. */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Set an element's text, and leave the element alone where it says so already. */
export function setText(node, text) {
  if (node.textContent !== unmarked(text)) node.replaceChildren(...nodesOf(text));
}

/** What to append for a child: a node as it is, and of a sentence its text and what is written in it. */
function nodesOf(child) {
  if (typeof child !== "string") return [child];
  return partsOf(child).map((text, at) => (at % 2 === 0 ? text : element("bdi", {}, text)));
}

/** Tell those who do not see a progress bar how much of `total` it shows, and that in words. */
export function tellBar(bar, value, total, words) {
  bar.setAttribute("aria-valuemax", String(Math.max(1, total)));
  bar.setAttribute("aria-valuenow", String(value));
  bar.setAttribute("aria-valuetext", words);
}

/**
 * Replace what is in `container`, without losing the focus: it goes to the element with the same data-key, else to the
 * container itself, which needs a tabindex.
 */
export function replaceIn(container, ...children) {
  const focused = container.contains(document.activeElement) ? document.activeElement : null;
  container.replaceChildren(...children.filter((child) => child !== null));
  if (focused === null) return;
  const key = focused.dataset.key;
  const again = key === undefined ? null : container.querySelector(`[data-key="${CSS.escape(key)}"]`);
  (again ?? container).focus();
}
