// What this browser keeps. A browser may refuse to keep anything; then it lasts as long as the page.

const kept = { local: new Map(), session: new Map() };

/** The text kept under `key`, or null; `where` is "local" or "session". */
export function recall(where, key) {
  try {
    return window[`${where}Storage`].getItem(key) ?? kept[where].get(key) ?? null;
  } catch {
    return kept[where].get(key) ?? null;
  }
}

/** Keep `text` under `key`; null forgets it. */
export function keep(where, key, text) {
  if (text === null) kept[where].delete(key);
  else kept[where].set(key, text);
  try {
    if (text === null) window[`${where}Storage`].removeItem(key);
    else window[`${where}Storage`].setItem(key, text);
  } catch {
    // Full, or not allowed: the map above has it.
  }
}
