// The chooser among the sales, for those who may know of them. It reads them anew when somebody comes back to the page,
// and not by the clock: a crowd that only waits asks for nothing.

import { call } from "./api.js";
import { oncePerFrame } from "./clock.js";
import { byId, element } from "./dom.js";
import { saleName } from "./words.js";
import { plainly, written } from "./written.js";

const PAGE_SIZE = 100;
const PAGES_MAX = 10;

/** Offers the sales of this shop. */
export class SaleChooser {
  #current;
  #isAllowed = true;
  #isReading = false;
  #isDue = false;

  /**
   * Offer them anew, unless the server has said that it does not tell. A window that comes back is often both focused
   * and visible at once, and reconnects then.
   */
  offerAgain = oncePerFrame(() => this.#isAllowed && this.offer());

  /** `current` returns the id of the sale that is shown; `onChoose` takes the id of another one. */
  constructor({ current, onChoose }) {
    this.#current = current;
    byId("sale").addEventListener("change", () => onChoose(byId("sale").value));
    window.addEventListener("focus", this.offerAgain);
    document.addEventListener("visibilitychange", () => document.hidden || this.offerAgain());
  }

  /** Read the sales and offer them. A person is asked for a token when the server wants one. */
  async offer() {
    this.#isDue = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isDue) {
      this.#isDue = false;
      await this.#read();
    }
    this.#isReading = false;
  }

  async #read() {
    try {
      this.#show(await allSales());
      this.#isAllowed = true;
    } catch (error) {
      this.#isAllowed = !error.isFinal; // a link decides then
    }
  }

  #show(sales) {
    const chooser = byId("sale");
    const current = this.#current();
    const isThere = sales.some(({ saleId }) => saleId === current);
    const names = [...(isThere ? [] : [[current, plainly(written(current))]]), ...namesOf(sales)];
    const shown = [...chooser.options].map(({ value, textContent }) => [value, textContent]);
    // A list that is open now stays as it is when it is still right.
    if (JSON.stringify(shown) !== JSON.stringify(names))
      chooser.replaceChildren(...names.map(([value, text]) => element("option", { value, text })));
    chooser.value = current;
    byId("chooser").hidden = sales.length < 2;
  }
}

/** The sales, page by page. */
async function allSales() {
  const all = [];
  let token = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const path = `/v1/sales?pageSize=${PAGE_SIZE}&pageToken=${encodeURIComponent(token)}`;
    const { sales, nextPageToken } = await call("GET", path);
    all.push(...sales);
    if (!nextPageToken) break;
    token = nextPageToken;
  }
  return all;
}

/** What each sale is called, as [id, name]; sales of one title are told apart by their ids. */
function namesOf(sales) {
  const count = new Map();
  for (const { title } of sales) count.set(title, (count.get(title) ?? 0) + 1);
  return sales.map((sale) => {
    const isShared = sale.title && count.get(sale.title) > 1;
    return [sale.saleId, plainly(isShared ? `${saleName(sale)} · ${sale.saleId}` : saleName(sale))];
  });
}
