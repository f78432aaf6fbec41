// What a screen reader says without being asked: changes of the sale's state and of the buyer's own
// purchases. Figures that change all the time are never announced.

import { byId, element } from "./dom.js";

const KEPT = 4;

/** Say a sentence, politely. */
export function announce(text) {
  const announcer = byId("announcer");
  announcer.append(element("p", {}, text));
  while (announcer.children.length > KEPT) announcer.firstElementChild.remove();
}
