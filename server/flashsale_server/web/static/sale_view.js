// The sale as it is: its state, what is left, how long it lasts, and whether the page still hears of it.

import { announce } from "./announcer.js";
import { secondsOf } from "./api.js";
import { whileTicking } from "./clock.js";
import { ConnectionView } from "./connection_view.js";
import { byId, setText, tellBar } from "./dom.js";
import { Connection } from "./event_stream.js";
import {
  formatCount,
  formatSpan,
  formatTime,
  HEALTH_WORDS,
  plural,
  saleName,
  spanWords,
  STATE_WORDS,
  stateWords,
} from "./words.js";
import { plainly } from "./written.js";

/** Shows a sale, and follows the clock until it is closed. */
export class SaleView {
  #clock;
  #onTick;
  #status = null;
  #connection = new ConnectionView({
    staleId: "hero",
    words: {
      [Connection.RECONNECTING]: () => this.#reconnectingWords(),
      [Connection.POLLING]: () => "Live news do not come through; asking every five seconds instead.",
    },
  });
  #seenAt = null;
  #isClosed = false;

  /** `onTick` is called with the newest status, at each change and several times a second. */
  constructor(clock, onTick) {
    this.#clock = clock;
    this.#onTick = onTick;
    showNothing();
    whileTicking(() => {
      if (this.#isClosed) return false;
      if (this.#status !== null) this.#tick();
      return true;
    });
  }

  /** Show no more. */
  close() {
    this.#isClosed = true;
  }

  /** Show a StatusResponse. */
  show(status) {
    const before = this.#status;
    this.#clock.learn(status.serverTime);
    this.#status = status;
    this.#seenAt = status.serverTime;
    setText(byId("title"), saleName(status));
    showState(status);
    showStock(status, before);
    showFacts(status);
    this.#tick();
    if (before !== null && before.state !== status.state) announce(stateSentence(status));
  }

  /** Show how the page hears of the sale. */
  showConnection(connection) {
    if (connection !== Connection.LIVE) this.#clock.forget();
    this.#connection.show(connection);
  }

  #reconnectingWords() {
    const seen = this.#seenAt === null ? "" : ` This is how it was at ${formatTime(this.#seenAt)}.`;
    return `The shop does not answer; trying again and again.${seen}`;
  }

  #tick() {
    const status = this.#status;
    const { label, text } = countdownOf(status, this.#clock.now());
    byId("countdown-line").hidden = label === "";
    setText(byId("countdown-label"), label);
    setText(byId("countdown"), text);
    const title = plainly(`${headline(status, text)} · ${saleName(status)}`);
    if (document.title !== title) document.title = title;
    this.#onTick(status);
  }
}

/** What the clock has to say: {label, text}. */
function countdownOf(status, now) {
  const startsAt = Date.parse(status.startTime);
  const endsAt = status.endTime ? Date.parse(status.endTime) : null;
  if (status.state === "SALE_STATE_UPCOMING") {
    const left = startsAt - now;
    return left > 0
      ? { label: "Opens in", text: formatSpan(left) }
      : { label: "Opening…", text: "" };
  }
  if (status.state === "SALE_STATE_ENDED") {
    return endsAt === null || endsAt > now
      ? nothing
      : { label: "Ended", text: formatTime(status.endTime) };
  }
  if (endsAt !== null) return { label: "Ends in", text: formatSpan(endsAt - now) };
  return { label: "Open since", text: formatTime(status.startTime) };
}

const nothing = { label: "", text: "" };

function headline(status, left) {
  if (status.state === "SALE_STATE_UPCOMING") return left === "" ? "Opening" : `Opens in ${left}`;
  if (status.state === "SALE_STATE_LIVE") return `${formatCount(status.availableStock)} left`;
  return STATE_WORDS[status.state] ?? "";
}

/** Before anything is known of a sale; another one may have been shown. */
function showNothing() {
  setText(byId("title"), "Flash sale");
  document.title = "Flash sale";
  showState({ state: "" });
  setText(byId("state"), "Loading");
  for (const id of ["available", "sold", "held", "queue", "health"]) setText(byId(id), "–");
  setText(byId("of-total"), "left");
  for (const span of byId("stock-bar").children) span.style.setProperty("--filled", "0");
  byId("countdown-line").hidden = true;
  byId("connection-notice").hidden = true;
}

function showState({ state, paused }) {
  const pill = byId("state");
  pill.dataset.state = state;
  pill.classList.toggle("strong", state === "SALE_STATE_LIVE");
  setText(pill, stateWords({ state, paused }));
  byId("hero").dataset.state = state;
  const icon = byId("icon");
  const href = `${icon.dataset.folder}/${state === "SALE_STATE_LIVE" ? "favicon" : "favicon-quiet"}.svg`;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}

function showStock(status, before) {
  const { availableStock: available, heldStock: held, totalStock: total } = status;
  const figure = byId("available");
  setText(figure, formatCount(available));
  figure.style.setProperty("--characters", String(Math.max(2, formatCount(available).length)));
  setText(byId("of-total"), `of ${formatCount(total)} left`);
  const bar = byId("stock-bar");
  tellBar(bar, available, total, `${formatCount(available)} of ${formatCount(total)} left`);
  const part = (units) => String(total > 0 ? units / total : 0);
  bar.firstElementChild.style.setProperty("--filled", part(available + held));
  bar.lastElementChild.style.setProperty("--filled", part(available));
  if (before !== null && before.availableStock !== available) flash(figure);
}

/** Let a figure that has changed light up for a moment. */
function flash(figure) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--accent");
  figure.animate([{ color: colour }, {}], { duration: 500, easing: "ease-out" });
}

function showFacts(status) {
  setText(byId("sold"), formatCount(status.soldStock));
  byId("held-fact").hidden = !status.holdDuration && status.heldStock === 0;
  setText(byId("held"), formatCount(status.heldStock));
  setText(byId("queue"), formatCount(status.queueLength));
  setText(byId("health"), HEALTH_WORDS[status.systemHealth] ?? "Unknown");
  byId("health").dataset.health = status.systemHealth;
}

function stateSentence(status) {
  switch (status.state) {
    case "SALE_STATE_LIVE":
      return `The sale is live: ${plural(status.availableStock, "unit")} left.`;
    case "SALE_STATE_PAUSED":
      return "The shop has paused the sale.";
    case "SALE_STATE_SOLD_OUT":
      return "Sold out.";
    case "SALE_STATE_ENDED":
      return "The sale is over.";
    default:
      return status.paused ? "The shop has paused the sale; it opens later." : "The sale opens later.";
  }
}

/** Whether one can buy now, and what to say about it: {isOpen, label, hint}. */
export function chanceOf(status, now) {
  switch (status.state) {
    case "SALE_STATE_UPCOMING":
      if (now >= Date.parse(status.startTime)) return { isOpen: true, label: "Buy", hint: "" };
      return { isOpen: false, label: "Not open yet", hint: `It opens at ${formatTime(status.startTime)}.` };
    case "SALE_STATE_PAUSED":
      return {
        isOpen: false,
        label: "Paused",
        hint: "The shop has paused the sale. It goes on when the shop says so.",
      };
    case "SALE_STATE_SOLD_OUT":
      return {
        isOpen: false,
        label: "Sold out",
        hint:
          status.heldStock > 0
            ? "Some are only held, and come back when a hold is not confirmed. Stay here to see it."
            : "Every unit has found its buyer.",
      };
    case "SALE_STATE_ENDED":
      return { isOpen: false, label: "The sale is over", hint: "" };
    default:
      return {
        isOpen: true,
        label: "Buy",
        hint: status.holdDuration
          ? `What you get is kept for ${spanWords(secondsOf(status.holdDuration))}, for you to confirm.`
          : "",
      };
  }
}
