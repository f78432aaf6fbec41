// The table of all sales, each row with its live stock. Rows stay where they are while their figures change, and so does
// the focus; sales that are over come last.

import { byId, element, setText, tellBar } from "./dom.js";
import { formatCount, formatTime, saleName, stateWords } from "./words.js";
import { plainly } from "./written.js";

const SHOWN_AT_FIRST = 20;
const ENDED = "SALE_STATE_ENDED";

/** What can be done to a sale, in the order of its buttons; the first one pauses it or resumes it. */
const ACTIONS = ["pause", "restock", "end"];

/** Shows sales, and lets one be chosen. */
export class SalesTable {
  #sales = new Map();
  #rows = new Map();
  #chosen = null;
  #showsAll = false;
  #onChoose;
  #onAction;

  /** `onChoose` takes the sale whose name was pressed, `onAction` the name of an action and its sale. */
  constructor({ onChoose, onAction }) {
    this.#onChoose = onChoose;
    this.#onAction = onAction;
    byId("find").addEventListener("input", () => this.#arrange());
    byId("show-all").addEventListener("click", () => {
      this.#showsAll = true;
      this.#arrange();
      byId("sales").focus();
    });
  }

  /** Show sales as they are now; the others stay as they are. */
  take(sales) {
    let isArranged = true;
    for (const sale of sales) {
      const before = this.#sales.get(sale.saleId);
      if (before !== undefined && isOlder(sale, before)) continue;
      this.#sales.set(sale.saleId, sale);
      if (before === undefined) this.#rows.set(sale.saleId, this.#newRow(sale));
      isArranged &&= before !== undefined && (before.state === ENDED) === (sale.state === ENDED);
      this.#fill(this.#rows.get(sale.saleId), sale);
    }
    if (!isArranged) this.#arrange();
    setText(byId("sales-count"), String(this.#sales.size));
  }

  /** The first sale that is live, else the first one, or undefined. */
  get first() {
    const sorted = this.#sorted();
    return sorted.find(({ state }) => state === "SALE_STATE_LIVE") ?? sorted[0];
  }

  /** Mark a sale as the chosen one. */
  choose(saleId) {
    this.#chosen = saleId;
    for (const [id, { row, name }] of this.#rows) {
      name.setAttribute("aria-pressed", String(id === saleId));
      row.classList.toggle("chosen", id === saleId);
    }
  }

  #sorted() {
    const isOver = (sale) => Number(sale.state === ENDED);
    return [...this.#sales.values()].sort((one, other) =>
      isOver(one) - isOver(other) || (one.saleId < other.saleId ? -1 : 1));
  }

  #arrange() {
    const wanted = byId("find").value.trim().toLowerCase();
    const found = this.#sorted().filter(({ saleId, title }) => `${saleId} ${title}`.toLowerCase().includes(wanted));
    const shown = this.#showsAll ? found : found.slice(0, SHOWN_AT_FIRST);
    const body = byId("sales-body");
    const focused = document.activeElement;
    body.replaceChildren(...shown.map(({ saleId }) => this.#rows.get(saleId).row));
    if (focused !== document.activeElement && body.contains(focused)) focused.focus();
    byId("find-field").hidden = this.#sales.size <= 8;
    byId("show-all").hidden = shown.length === found.length;
    setText(byId("show-all"), `Show all ${formatCount(found.length)} sales`);
    byId("no-sales").hidden = found.length > 0;
    setText(byId("no-sales"), this.#sales.size === 0 ? "There is no sale yet." : "No sale is called that.");
  }

  #newRow(sale) {
    const current = () => this.#sales.get(sale.saleId);
    const name = element("button", {
      class: "sale-name", type: "button", "aria-pressed": String(sale.saleId === this.#chosen), onclick: () => this.#onChoose(current()),
    }, element("span", { class: "sale-title" }), element("span", { class: "mono soft small" }, sale.saleId));
    const state = element("span", { class: "pill" });
    const bar = element("div", { class: "bar", role: "progressbar", "aria-valuemin": "0", "aria-label": `Stock of ${sale.saleId}` }, element("span"));
    const left = element("span", { class: "left" });
    const cells = Object.fromEntries(["sold", "held", "start", "end"].map((key) => [key, element("span")]));
    const buttons = Object.fromEntries(ACTIONS.map((action) => [action, element("button", {
      class: "button quiet compact", type: "button", "data-action": action, onclick: () => this.#onAction(buttons[action].dataset.action, current()),
    })]));
    const cell = (label, ...children) => element("td", { role: "cell", "data-label": label }, ...children);
    const row = element("tr", { role: "row", "data-sale": sale.saleId },
      element("th", { role: "rowheader", scope: "row" }, name), cell("State", state),
      element("td", { role: "cell", "data-label": "Stock", class: "stock-cell" }, element("div", {}, left, bar)),
      cell("Sold", cells.sold), cell("Held", cells.held), cell("Start", cells.start), cell("End", cells.end),
      element("td", { role: "cell", class: "actions" }, element("div", {}, ...Object.values(buttons))));
    return { row, name, state, bar, left, cells, buttons };
  }

  #fill({ row, name, state, bar, left, cells, buttons }, sale) {
    const { availableStock: available, totalStock: total } = sale;
    row.dataset.state = sale.state;
    row.classList.toggle("chosen", sale.saleId === this.#chosen);
    setText(name.firstElementChild, saleName(sale));
    name.lastElementChild.hidden = !sale.title;
    setText(state, stateWords(sale));
    state.classList.toggle("strong", sale.state === "SALE_STATE_LIVE");
    const words = `${formatCount(available)} of ${formatCount(total)} left`;
    setText(left, words);
    tellBar(bar, available, total, words);
    bar.firstElementChild.style.setProperty("--filled", String(total > 0 ? available / total : 0));
    setText(cells.sold, formatCount(sale.soldStock));
    setText(cells.held, formatCount(sale.heldStock));
    setText(cells.start, formatTime(sale.startTime));
    setText(cells.end, sale.endTime ? formatTime(sale.endTime) : "None");
    showButtons(buttons, sale);
  }
}

function showButtons(buttons, sale) {
  const words = { pause: sale.paused ? "Resume" : "Pause", restock: "Restock", end: "End" };
  buttons.pause.dataset.action = sale.paused ? "resume" : "pause";
  const name = plainly(sale.title ? `${saleName(sale)} (${sale.saleId})` : sale.saleId);
  for (const action of ACTIONS) {
    setText(buttons[action], words[action]);
    buttons[action].setAttribute("aria-label", `${words[action]} ${name}`);
    buttons[action].hidden = sale.state === ENDED;
  }
}

/** Whether a sale is as it was before; an answer may come in after a newer event. */
function isOlder(sale, before) {
  return Number(sale.position) < Number(before.position) && sale.createTime === before.createTime;
}
