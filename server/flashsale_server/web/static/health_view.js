// How the server is. There is no stream of it, so it is asked for every five seconds; its circuit and its queue come with
// the samples, every second.

import { announce } from "./announcer.js";
import { call, secondsOf } from "./api.js";
import { sleep } from "./clock.js";
import { byId, element, setText } from "./dom.js";
import { CIRCUIT_WORDS, formatCount, HEALTH_WORDS, uptimeWords } from "./words.js";

const ASK_MS = 5_000;

/** Shows the server's health, and follows it. */
export class HealthView {
  #health = null;
  #circuit = null;

  constructor() {
    this.#follow();
  }

  /** Show what the newest MetricsSample says. */
  showSample(sample) {
    setText(byId("queue-peak"), formatCount(sample.queueLengthPeak));
    this.#showCircuit(sample.circuitState);
  }

  async #follow() {
    for (;;) {
      try {
        if (!document.hidden) this.#show(await call("GET", "/flash-sale/health"));
      } catch {
        this.#showUnknown();
      }
      await sleep(ASK_MS);
    }
  }

  #show(health) {
    this.#showWord(health.health, HEALTH_WORDS[health.health] ?? "Unknown");
    const reasons = byId("reasons");
    reasons.hidden = health.reasons.length === 0;
    if (reasons.textContent !== health.reasons.join("")) {
      reasons.replaceChildren(...health.reasons.map((reason) => element("li", {}, reason)));
    }
    setText(byId("node"), health.node);
    setText(byId("version"), health.version);
    setText(byId("uptime"), uptimeWords(secondsOf(health.uptime) ?? 0));
    setText(byId("ledger"), health.ledger);
    setText(byId("queue-capacity"), formatCount(health.queueCapacity));
    if (this.#circuit === null) this.#showCircuit(health.circuitState);
  }

  #showUnknown() {
    this.#showWord("", "No answer");
    byId("reasons").hidden = true;
    setText(byId("uptime"), "–");
  }

  #showWord(health, words) {
    const before = this.#health;
    if (before === health) return;
    this.#health = health;
    byId("health").dataset.health = health;
    setText(byId("health-word"), words);
    if (before !== null) announce(`System: ${words}.`);
  }

  #showCircuit(state) {
    if (this.#circuit !== null && this.#circuit !== state) announce(`Circuit: ${CIRCUIT_WORDS[state]}.`);
    this.#circuit = state;
    setText(byId("circuit-word"), CIRCUIT_WORDS[state] ?? "Unknown");
    byId("circuit").dataset.circuit = state;
  }
}
