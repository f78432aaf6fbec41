// A purchase to look at. A hold shows how long it lasts, and can be confirmed or given back.

import { announce } from "./announcer.js";
import { call, purchasesPath, salePath } from "./api.js";
import { sleep, whileTicking } from "./clock.js";
import { element, setText } from "./dom.js";
import { errorWords, formatSpan, formatTimeExactly, plural, PURCHASE_WORDS } from "./words.js";
import { escaped } from "./written.js";

const LOOK_AGAIN_MS = 1_000;

/** Shows purchases of one sale; `onChanged` takes a purchase as it has become. */
export class PurchaseViews {
  #saleId;
  #clock;
  #onChanged;
  #problems = new Map();
  #looking = new Set();

  constructor(saleId, clock, onChanged) {
    this.#saleId = saleId;
    this.#clock = clock;
    this.#onChanged = onChanged;
  }

  /** The facts of a purchase, and what can be done about it. */
  view(purchase) {
    const facts = [
      ["Number", element("bdi", { class: "mono" }, escaped(purchase.purchaseId))],
      ["Ledger entry", purchase.position],
      ["Time", formatTimeExactly(purchase.createTime)],
    ];
    if (purchase.quantity > 1) facts.push(["Units", String(purchase.quantity)]);
    return element(
      "div",
      { class: "purchase", "data-state": purchase.state },
      element(
        "dl",
        { class: "facts" },
        ...facts.map(([name, said]) => element("div", {}, element("dt", {}, name), element("dd", {}, said))),
      ),
      this.hold(purchase),
    );
  }

  /** Ask what has become of a purchase, until it is a hold no more or its time is not over. */
  async look(purchase) {
    if (this.#looking.has(purchase.purchaseId)) return;
    this.#looking.add(purchase.purchaseId);
    try {
      while (!(await this.#hasBecomeKnown(purchase))) await sleep(LOOK_AGAIN_MS);
    } finally {
      this.#looking.delete(purchase.purchaseId);
    }
  }

  async #hasBecomeKnown(purchase) {
    try {
      const { purchases } = await call("GET", purchasesPath(this.#saleId, purchase.userId));
      const now = purchases.find(({ purchaseId }) => purchaseId === purchase.purchaseId);
      if (now === undefined) return true; // the shop has begun again without it
      const isOpen = now.state === "PURCHASE_STATE_HELD";
      if (isOpen && this.#clock.now() >= Date.parse(now.holdExpireTime)) return false;
      if (!isOpen) this.#has(now);
      return true;
    } catch (error) {
      return error.isFinal ?? false;
    }
  }

  /** How long a hold lasts, and what can be done about it; null for what is no hold. */
  hold(purchase) {
    if (purchase.state !== "PURCHASE_STATE_HELD") return null;
    const left = element("span", { role: "timer", class: "hold-left" });
    const key = purchase.purchaseId;
    const act = (verb) => () => this.#end(purchase, verb);
    const confirm = element(
      "button",
      { class: "button", type: "button", "data-key": `confirm ${key}`, onclick: act("confirm") },
      "Confirm",
    );
    const release = element(
      "button",
      { class: "button quiet", type: "button", "data-key": `release ${key}`, onclick: act("release") },
      "Release",
    );
    const problem = this.#problems.get(key);
    const view = element(
      "div",
      { class: "hold stack" },
      element("p", {}, element("span", { class: "soft small" }, "Time left to confirm"), element("br"), left),
      element("div", { class: "row" }, confirm, release),
      problem === undefined ? null : element("p", { class: "problem small" }, problem),
    );
    const expiresAt = Date.parse(purchase.holdExpireTime);
    let wasShown = false;
    whileTicking(() => {
      if (wasShown && !view.isConnected) return false;
      wasShown ||= view.isConnected;
      const leftMs = expiresAt - this.#clock.now();
      setText(left, formatSpan(leftMs));
      if (leftMs > 0) return true;
      this.look(purchase);
      return false;
    });
    return view;
  }

  async #end(purchase, verb) {
    const path = `${salePath(this.#saleId)}/purchase/${encodeURIComponent(purchase.purchaseId)}:${verb}`;
    try {
      const { purchase: ended } = await call("POST", path, { userId: purchase.userId });
      this.#problems.delete(purchase.purchaseId);
      this.#has(verb === "release" ? { ...ended, endedHere: true } : ended);
    } catch (error) {
      this.#problems.set(purchase.purchaseId, errorWords(error));
      announce(errorWords(error));
      this.#onChanged(purchase);
      if (error.isFinal) this.look(purchase);
    }
  }

  #has(purchase) {
    announce(purchaseWords(purchase));
    this.#onChanged(purchase);
  }
}

/** What a purchase is by now, in a sentence. */
export function purchaseWords(purchase) {
  switch (purchase.state) {
    case "PURCHASE_STATE_CONFIRMED":
      return `${plural(purchase.quantity, "unit")} ${purchase.quantity === 1 ? "is" : "are"} yours.`;
    case "PURCHASE_STATE_HELD":
      return `${plural(purchase.quantity, "unit")} ${purchase.quantity === 1 ? "is" : "are"} kept for you. Confirm in time, or give back what you do not want.`;
    case "PURCHASE_STATE_RELEASED":
      return purchase.endedHere
        ? "You gave it back. It is on sale again."
        : "The hold is over. What it kept is on sale again.";
    case "PURCHASE_STATE_CANCELLED":
      return "The shop has cancelled this purchase.";
    default:
      return PURCHASE_WORDS[purchase.state] ?? "";
  }
}
