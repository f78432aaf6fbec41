// The contract's words in plain ones: states, outcomes, errors, times and numbers. The one place for them.

import { escaped, written } from "./written.js";

const COUNT = new Intl.NumberFormat("en");
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const TIME_EXACT = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
});
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const STATE_WORDS = Object.freeze({
  SALE_STATE_UPCOMING: "Upcoming",
  SALE_STATE_LIVE: "Live",
  SALE_STATE_PAUSED: "Paused",
  SALE_STATE_SOLD_OUT: "Sold out",
  SALE_STATE_ENDED: "Ended",
});

/** The state of a sale; one that is paused before its start is upcoming still. */
export function stateWords({ state, paused }) {
  const isPausedEarly = paused && state === "SALE_STATE_UPCOMING";
  return isPausedEarly ? "Upcoming, paused" : (STATE_WORDS[state] ?? "");
}

/** What a sale is called, as a part of a sentence. */
export function saleName({ title, saleId }) {
  return written(title || saleId);
}

export const OUTCOME_WORDS = Object.freeze({
  OUTCOME_PURCHASED: "Purchased",
  OUTCOME_HELD: "Held",
  OUTCOME_SOLD_OUT: "Sold out",
  OUTCOME_INSUFFICIENT_STOCK: "Not enough left",
  OUTCOME_ALREADY_PURCHASED: "Already purchased",
  OUTCOME_USER_LIMIT_REACHED: "Over the limit",
  OUTCOME_NOT_STARTED: "Not started",
  OUTCOME_PAUSED: "Paused",
  OUTCOME_ENDED: "Ended",
});

export const PURCHASE_WORDS = Object.freeze({
  PURCHASE_STATE_HELD: "Held",
  PURCHASE_STATE_CONFIRMED: "Yours",
  PURCHASE_STATE_RELEASED: "Given back",
  PURCHASE_STATE_CANCELLED: "Cancelled by the shop",
});

/** Whether a purchase's units are its user's, for now at least. */
export function isOwned({ state }) {
  return state === "PURCHASE_STATE_CONFIRMED" || state === "PURCHASE_STATE_HELD";
}

export const HEALTH_WORDS = Object.freeze({
  SYSTEM_HEALTH_HEALTHY: "Healthy",
  SYSTEM_HEALTH_DEGRADED: "Strained",
  SYSTEM_HEALTH_UNHEALTHY: "In trouble",
});

export const CONNECTION_WORDS = Object.freeze({
  live: "Up to date",
  reconnecting: "Reconnecting…",
  polling: "Asking every 5 s",
});

const ERROR_WORDS = {
  REQUEST_ID_REUSED: "This attempt was made before, with another quantity.",
  SALE_NOT_FOUND: "There is no such sale.",
  PURCHASE_NOT_FOUND: "There is no such purchase.",
  HOLD_EXPIRED: "The hold is over. What it kept is on sale again.",
  HOLD_RELEASED: "The hold was given back.",
  PURCHASE_CONFIRMED: "The purchase is confirmed; it cannot be given back here.",
  PURCHASE_CANCELLED: "The shop has cancelled the purchase.",
  USER_RATE_LIMITED: "Too many attempts within a minute.",
  QUEUE_FULL: "Too many are waiting already. Nothing was bought.",
  CIRCUIT_OPEN: "The shop cannot record purchases right now. Nothing was bought.",
  LEDGER_UNAVAILABLE: "The shop could not record the purchase. Nothing was bought.",
  SHUTTING_DOWN: "The shop is restarting. Nothing was bought.",
  OUTCOME_UNKNOWN: "It is not known yet whether this was bought.",
  DEADLINE_EXCEEDED: "It took too long. Nothing was bought.",
  SALE_UNREADABLE: "The shop cannot read this sale.",
  TOO_MANY_WATCHERS: "Too many are watching.",
  TOO_MANY_CONNECTIONS: "Too many are connected.",
  UNAUTHENTICATED: "The shop asks for a token.",
  PERMISSION_DENIED: "This token does not allow that.",
  SALE_EXISTS: "There is a sale with this id already.",
  SALE_ENDED: "The sale is over, and cannot be changed any more.",
  NOT_ENOUGH_UNSOLD: "Fewer units are unsold than were to be taken away.",
  ETAG_MISMATCH: "Somebody else has changed the sale. Look again.",
  INTERNAL: "Something went wrong in the shop.",
};

/** What an ApiError or an Unanswered says to a person, and when to try again. */
export function errorWords(error) {
  const words = reasonWords(error);
  const seconds = error.retryAfterSeconds ?? null;
  return seconds === null ? words : `${words} Try again ${inSeconds(seconds)}.`;
}

/** What an ApiError or an Unanswered says to a person. */
export function reasonWords(error) {
  if (error.reason === "INVALID_FIELD") return invalidWords(error.violations);
  if (error.name === "Unanswered") return "The shop does not answer.";
  return ERROR_WORDS[error.reason] ?? sentence(error.message);
}

function invalidWords(violations) {
  if (violations.length === 0) return "The shop cannot read that.";
  return violations.map(({ field, description }) => sentence(`${field.replaceAll("_", " ")} ${description}`)).join(" ");
}

/** What the server says as a sentence; it may repeat what a person wrote. */
function sentence(text) {
  const said = escaped(text.charAt(0).toUpperCase() + text.slice(1));
  return /[.!?]$/.test(said) ? said : `${said}.`;
}

/** "in 12 seconds" */
export function inSeconds(seconds) {
  return `in ${plural(Math.max(1, Math.ceil(seconds)), "second")}`;
}

/** "90 seconds", "5 minutes", "2 hours": a span that is of one unit, as those that shops choose are. */
export function spanWords(seconds) {
  if (seconds >= 7200 && seconds % 3600 === 0) return plural(seconds / 3600, "hour");
  if (seconds >= 120 && seconds % 60 === 0) return plural(seconds / 60, "minute");
  return plural(seconds, "second");
}

/** 1,234 */
export function formatCount(number) {
  return COUNT.format(number);
}

/** "1 unit", "2 units" */
export function plural(number, word) {
  return `${formatCount(number)} ${word}${number === 1 ? "" : "s"}`;
}

/** "17:54:33", and the day where it is not today. Takes a Timestamp as JSON. */
export function formatTime(timestamp) {
  return withDay(new Date(timestamp), TIME);
}

/** The same to the millisecond. */
export function formatTimeExactly(timestamp) {
  return withDay(new Date(timestamp), TIME_EXACT);
}

function withDay(date, format) {
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? format.format(date) : `${DATE.format(date)}, ${format.format(date)}`;
}

/** What is left of a span, to the second and rounded up: "2 d 03:04:05", "03:04:05", "04:05". */
export function formatSpan(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const clock = [Math.floor(seconds / 60) % 60, seconds % 60];
  const hours = Math.floor(seconds / 3600);
  if (hours > 0) clock.unshift(hours % 24);
  const days = Math.floor(hours / 24);
  return `${days > 0 ? `${days} d ` : ""}${clock.map(two).join(":")}`;
}

// What the shop itself is told.

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const MS = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export const KIND_WORDS = Object.freeze({
  ENTRY_KIND_OPENED: "Sale made",
  ENTRY_KIND_PURCHASED: "Purchased",
  ENTRY_KIND_HELD: "Held",
  ENTRY_KIND_CONFIRMED: "Hold confirmed",
  ENTRY_KIND_RELEASED: "Hold given back",
  ENTRY_KIND_EXPIRED: "Hold expired",
  ENTRY_KIND_CANCELLED: "Purchase cancelled",
  ENTRY_KIND_PAUSED: "Sale paused",
  ENTRY_KIND_RESUMED: "Sale resumed",
  ENTRY_KIND_ENDED: "Sale ended",
  ENTRY_KIND_RESTOCKED: "Restocked",
  ENTRY_KIND_UPDATED: "Terms changed",
  ENTRY_KIND_REFUSED: "Refused for good",
  ENTRY_KIND_FENCED: "Fenced",
});

export const CIRCUIT_WORDS = Object.freeze({
  CIRCUIT_STATE_CLOSED: "Closed",
  CIRCUIT_STATE_OPEN: "Open",
  CIRCUIT_STATE_HALF_OPEN: "Trying",
});

const CHANGE_ERROR_WORDS = {
  QUEUE_FULL: "Too many calls are waiting. Nothing was changed.",
  CIRCUIT_OPEN: "The circuit to the ledger is open. Nothing was changed.",
  LEDGER_UNAVAILABLE: "The ledger could not be written. Nothing was changed.",
  SHUTTING_DOWN: "The server is stopping. Nothing was changed.",
  DEADLINE_EXCEEDED: "It took too long. Nothing was changed.",
  OUTCOME_UNKNOWN: "It is not known yet whether this was done; the table shows it as soon as it is.",
  UNAUTHENTICATED: "The server asks for a token.",
  PERMISSION_DENIED: "This token does not allow that; an admin's does.",
};

/** What an error of a change says to whoever runs the shop. */
export function changeErrorWords(error) {
  if (error.name === "Unanswered") {
    return "The server does not answer, so this may have been done or not. The table shows it as soon as it is known.";
  }
  const words = CHANGE_ERROR_WORDS[error.reason];
  if (words === undefined) return errorWords(error);
  return error.retryAfterSeconds === null ? words : `${words} Try again ${inSeconds(error.retryAfterSeconds)}.`;
}

/** What is wrong with a field, as a sentence. */
export function violationWords({ description }) {
  return sentence(description);
}

/** "17:54", or "17:54:33" */
export function formatClock(ms, withSeconds = false) {
  return (withSeconds ? TIME : CLOCK).format(new Date(ms));
}

/** "0.84 ms", "12.3 ms", "1,250 ms" */
export function formatMs(ms) {
  return `${ms >= 1000 ? formatCount(Math.round(ms)) : MS.format(ms)} ms`;
}

/** "+3", "−1": units that an entry moves. */
export function formatChange(units) {
  return units < 0 ? `−${formatCount(-units)}` : `+${formatCount(units)}`;
}

/** "3 d 4 h", "4 h 5 min", "5 min 6 s": how long a server has been running. */
export function uptimeWords(seconds) {
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const first = Math.max(0, units.findIndex(([, size]) => seconds >= size));
  let rest = Math.floor(seconds);
  return units.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return `${count} ${name}`;
  }).join(" ");
}
