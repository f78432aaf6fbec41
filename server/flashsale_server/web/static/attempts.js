// This browser's own attempts to buy in one sale, newest first. They outlive the page, so that an answer
// that was lost together with it can still be asked for.
//
// An attempt is {requestId, userId, quantity, madeAt, startedAt, state, response, purchase, problem}:
// made by the server's clock, started by the browser's. Its state:
//   asking     on its way for the first time
//   lost       what became of it is not known; asked again with the same request id while `isAsking`
//   answered   `response` is the server's PurchaseResponse, and `purchase` the purchase as it was last seen
//   refused    nothing was decided; `problem` says why: {words, spoken, retryAt}

import { keep, recall } from "./storage.js";

const KEPT = 30;

/** The attempts of one sale. */
export class Attempts {
  #key;
  #onChanged;
  #changedElsewhere;
  #known = null; // what is kept, as it was read last

  /** `onChanged` is called whenever they change, also from another tab. */
  constructor(saleId, onChanged) {
    this.#key = `flash-sale.attempts.${saleId}`;
    this.#onChanged = onChanged;
    this.#changedElsewhere = ({ key }) => {
      if (key !== this.#key && key !== null) return;
      this.#known = null;
      onChanged();
    };
    window.addEventListener("storage", this.#changedElsewhere);
  }

  /** Watch them no longer. */
  close() {
    window.removeEventListener("storage", this.#changedElsewhere);
  }

  /** All of them. */
  get all() {
    this.#known ??= attemptsIn(recall("local", this.#key) ?? "[]");
    return this.#known;
  }

  /** The one with this request id. */
  find(requestId) {
    return this.all.find((attempt) => attempt.requestId === requestId) ?? null;
  }

  /** Keep a new one. */
  add(attempt) {
    this.#keep((kept) => [attempt, ...kept]);
  }

  /** Change the one with this request id. */
  change(requestId, changes) {
    this.#keep((kept) =>
      kept.map((attempt) => (attempt.requestId === requestId ? { ...attempt, ...changes } : attempt)),
    );
  }

  /** Take what has become of a purchase, for whichever attempt shows it. */
  takePurchase(purchase) {
    const shows = (attempt) => attempt.purchase?.purchaseId === purchase.purchaseId;
    this.#keep((kept) =>
      kept.map((attempt) =>
        shows(attempt) ? { ...attempt, purchase: merged(attempt.purchase, purchase) } : attempt,
      ),
    );
  }

  #keep(changed) {
    this.#known = null; // another tab may have added some
    const attempts = changed(this.all).slice(0, KEPT);
    keep("local", this.#key, JSON.stringify(attempts));
    this.#known = attempts;
    this.#onChanged();
  }
}

/** The attempts in a text; none where it is something else. */
function attemptsIn(text) {
  try {
    const kept = JSON.parse(text);
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** A purchase as it is now, without forgetting that it was given back here. */
function merged(before, now) {
  return before.endedHere ? { ...now, endedHere: true } : now;
}
