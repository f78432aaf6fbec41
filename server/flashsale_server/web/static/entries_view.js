// The latest entries of a sale's ledger, as they happen, newest first. A stream that broke goes on after the last
// position that came, so nothing is missed and nothing is shown twice.

import { salePath } from "./api.js";
import { oncePerFrame } from "./clock.js";
import { byId, element, setText } from "./dom.js";
import { EventStream } from "./event_stream.js";
import { errorWords, formatChange, formatCount, formatTimeExactly, KIND_WORDS, OUTCOME_WORDS, plural, saleName } from "./words.js";
import { written } from "./written.js";

const SHOWN = 40;

/** The entries of one sale, until it is closed. */
export class EntriesView {
  #entries = [];
  #stream;
  #showSoon = oncePerFrame(() => this.#isClosed || this.#show());
  #isClosed = false;

  /** Begin with the entries just before `sale.position`. */
  constructor(sale) {
    setText(byId("entries-sale"), saleName(sale));
    this.#say("Nothing yet.");
    const after = Math.max(0, Number(sale.position) - SHOWN);
    this.#stream = new EventStream(`${salePath(sale.saleId)}/entries:watch?afterPosition=${after}`, {
      restsWhenHidden: true,
      onMessage: ({ entries }) => this.#take(entries),
      onRefused: (error) => this.#say(errorWords(error)),
    });
  }

  /** Follow it no longer. */
  close() {
    this.#isClosed = true;
    this.#stream.close();
  }

  #take(entries) {
    if (entries.length === 0) return;
    this.#entries = [...entries.slice(-SHOWN).reverse(), ...this.#entries].slice(0, SHOWN);
    this.#showSoon();
  }

  #show() {
    this.#say("");
    const list = byId("entries");
    const known = new Map([...list.children].map((line) => [line.dataset.position, line]));
    list.replaceChildren(...this.#entries.map((entry) => known.get(entry.position) ?? entryLine(entry)));
  }

  #say(words) {
    const note = byId("no-entries");
    note.hidden = words === "";
    setText(note, words);
    byId("entries").hidden = words !== "";
    if (words !== "") byId("entries").replaceChildren();
  }
}

function entryLine(entry) {
  const change = entry.stockChange === 0 ? null : element("strong", { class: "change" }, formatChange(entry.stockChange));
  return element("li", { class: "entry", "data-position": entry.position, "data-kind": entry.kind },
    element("p", { class: "entry-what" },
      element("span", { class: "entry-kind" }, KIND_WORDS[entry.kind] ?? "Something else"), " ",
      element("span", {}, subjectOf(entry))),
    change,
    element("p", { class: "soft small" }, `No. ${formatCount(Number(entry.position))} · ${formatTimeExactly(entry.recordTime)}`));
}

/** Whom or what an entry is about. */
function subjectOf(entry) {
  if (entry.kind === "ENTRY_KIND_OPENED") return `with ${plural(entry.stockChange, "unit")}`;
  const units = entry.quantity > 1 ? ` · ${plural(entry.quantity, "unit")}` : "";
  const outcome = entry.kind === "ENTRY_KIND_REFUSED" ? ` · ${OUTCOME_WORDS[entry.outcome] ?? ""}` : "";
  return `${written(entry.userId)}${units}${outcome}`;
}
