// What the shop can do to a sale, each in words before it is done. A change carries the etag of the sale as it was shown,
// so of two people who change a sale at once only one does, and a change whose answer was lost is not made twice.

import { call, salePath } from "./api.js";
import { askForChange } from "./change_dialog.js";
import { field, instantIn, setProblem, wholeNumberIn } from "./form_fields.js";
import { formatCount, formatTime, plural, spanWords, stateWords } from "./words.js";
import { written } from "./written.js";

/** Make a sale; resolves to it, or to null. */
export function createSale() {
  const fields = newSaleFields();
  return askForChange({
    title: "New sale",
    button: "Create sale",
    fields: Object.values(fields),
    about: () => newSaleWords(fields),
    request: () => newSaleRequest(fields),
    errorFields: { SALE_EXISTS: "sale_id" },
  });
}

function newSaleFields() {
  const number = { type: "number", inputMode: "numeric", step: "1" };
  const time = { type: "datetime-local", step: "1" };
  return {
    id: field({ name: "sale_id", label: "Id", hint: "a-z, 0-9 and “-”; it cannot be changed later.", autocapitalize: "none", spellcheck: false, maxLength: 63 }),
    title: field({ name: "sale.title", label: "Title", hint: "What is on offer, for people." }),
    stock: field({ name: "sale.total_stock", label: "Stock", hint: "Units on offer.", ...number, min: "0" }),
    limit: field({ name: "sale.per_user_limit", label: "Limit for a user", hint: "Units that one user may have.", value: "1", ...number, min: "1" }),
    start: field({ name: "sale.start_time", label: "Start", hint: "In your time zone; empty for at once.", ...time }),
    end: field({ name: "sale.end_time", label: "End", hint: "Empty for no end.", ...time }),
    order: field({ name: "sale.per_order_limit", label: "Limit for an order", hint: "Empty where only the user's counts.", ...number, min: "1" }),
    hold: field({ name: "sale.hold_duration", label: "Hold, in seconds", hint: "Empty where purchases are final at once.", ...number, min: "1" }),
  };
}

function newSaleWords({ id, title, stock, limit, start, end, hold }) {
  const name = title.input.value.trim() || id.input.value.trim();
  if (name === "" || stock.input.value === "" || Number(stock.input.value) < 0) return "Give it an id and a stock; what the sale will be is said here.";
  const opens = start.input.value === "" ? "at once" : `on ${formatTime(start.input.value)}`;
  const ends = end.input.value === "" ? "has no end" : `ends on ${formatTime(end.input.value)}`;
  const final = hold.input.value === "" ? "Purchases are final at once." : `Buyers have ${spanWords(Number(hold.input.value))} to confirm.`;
  return `“${written(name)}” offers ${plural(Number(stock.input.value), "unit")}, opens ${opens} and ${ends}; `
    + `at most ${formatCount(Number(limit.input.value || 1))} for one user. ${final}`;
}

function newSaleRequest({ id, title, stock, limit, start, end, order, hold }) {
  const sale = {
    title: title.input.value.trim(),
    totalStock: wholeNumberIn(stock),
    startTime: instantIn(start),
    endTime: instantIn(end),
    perUserLimit: wholeNumberIn(limit, 1),
    perOrderLimit: wholeNumberIn(order, 0),
    holdDuration: holdIn(hold),
  };
  if (Object.values(sale).includes(null)) return null;
  return { path: `/v1/sales?saleId=${encodeURIComponent(id.input.value.trim())}`, body: sale };
}

function holdIn(hold) {
  const seconds = wholeNumberIn(hold, 0);
  return seconds === null ? null : seconds === 0 ? undefined : `${seconds}s`;
}

/** Pause a sale; resolves to it, or to null. */
export function pauseSale(sale) {
  return changeSale(sale, "pause", {
    title: `Pause ${nameOf(sale)}?`,
    button: "Pause",
    about: (now) => `Nobody can buy from ${nameOf(now)} until it is resumed. Holds can still be confirmed and given back. ${presentWords(now)}`,
  });
}

/** Resume a sale; resolves to it, or to null. */
export function resumeSale(sale) {
  return changeSale(sale, "resume", {
    title: `Resume ${nameOf(sale)}?`,
    button: "Resume",
    about: (now) => `${nameOf(now)} goes on: ${plural(now.availableStock, "unit")} can be bought again. ${presentWords(now)}`,
  });
}

/** Add units or take some away; resolves to the sale, or to null. */
export function restockSale(sale) {
  const change = field({
    name: "stock_change", label: "Units to add", hint: "Negative to take unsold ones away.", type: "number", inputMode: "text", step: "1",
  });
  return changeSale(sale, "restock", {
    title: `Restock ${nameOf(sale)}`,
    button: "Restock",
    fields: [change],
    about: (now) => `${restockWords(now, Number(change.input.value))} ${presentWords(now)}`,
    body: () => {
      const stockChange = wholeNumberIn(change);
      return stockChange === null ? null : { stockChange };
    },
    errorFields: { NOT_ENOUGH_UNSOLD: "stock_change" },
  });
}

function restockWords(sale, units) {
  if (!Number.isInteger(units) || units === 0) return `How many units for ${nameOf(sale)}?`;
  if (-units > sale.availableStock) return `${nameOf(sale)} has only ${plural(sale.availableStock, "unsold unit")} that can be taken away.`;
  const after = `${plural(sale.totalStock + units, "unit")} in all, ${formatCount(sale.availableStock + units)} of them unsold`;
  return units > 0 ? `Adds ${plural(units, "unit")} to ${nameOf(sale)}: then ${after}.`
    : `Takes ${plural(-units, "unsold unit")} from ${nameOf(sale)}: then ${after}.`;
}

/** End a sale for good, after its id was typed; resolves to it, or to null. */
export function endSale(sale) {
  const typed = field({
    name: "typed_id", label: `Type ${sale.saleId} to go on`, autocapitalize: "none", spellcheck: false,
  });
  return changeSale(sale, "end", {
    title: `End ${nameOf(sale)} for good?`,
    button: "End the sale",
    fields: [typed],
    about: (now) => `${nameOf(now)} ends now and cannot be opened again: ${plural(now.availableStock, "unit")} will not be sold. `
      + `Holds can still be confirmed until they expire. ${presentWords(now)}`,
    body: () => {
      if (typed.input.value.trim() === sale.saleId) return {};
      setProblem(typed, `This is not the sale's id, which is ${sale.saleId}.`);
      return null;
    },
  });
}

/** Ask for a change of a sale that may be changed by others meanwhile. */
function changeSale(sale, verb, { body = () => ({}), about, ...asked }) {
  let now = sale;
  const path = salePath(sale.saleId);
  return askForChange({
    ...asked,
    about: () => about(now),
    request: () => {
      const given = body();
      return given === null ? null : { path: `${path}:${verb}`, body: { ...given, etag: now.etag } };
    },
    onConflict: async () => {
      now = await call("GET", path);
    },
  });
}

function nameOf({ title, saleId }) {
  return title ? `“${written(title)}” (${saleId})` : `“${saleId}”`;
}

function presentWords(sale) {
  const { availableStock, totalStock, soldStock } = sale;
  return `It is ${stateWords(sale).toLowerCase()} now, with ${formatCount(availableStock)} of ${formatCount(totalStock)} left and ${formatCount(soldStock)} sold.`;
}
