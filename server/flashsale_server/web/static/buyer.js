// The buyers' page: one sale, followed as it goes; buying; looking up; this browser's own attempts.

import { announce } from "./announcer.js";
import { call, changeToken, purchasesPath, salePath } from "./api.js";
import { attemptLine, attemptWords, latestAttempt } from "./attempt_view.js";
import { Attempts } from "./attempts.js";
import { ServerClock } from "./clock.js";
import { byId, element, replaceIn, setText } from "./dom.js";
import { Connection, EventStream } from "./event_stream.js";
import { PurchaseViews } from "./purchase_view.js";
import { newRequestId, settle } from "./purchasing.js";
import { SaleChooser } from "./sale_chooser.js";
import { chanceOf, SaleView } from "./sale_view.js";
import { keep, recall } from "./storage.js";
import { errorWords, isOwned, plural } from "./words.js";
import { written } from "./written.js";

const USER = "flash-sale.user";
const SALE_ID = /^[a-z0-9-]{1,63}$/;
const RESUME_MS = 120_000;

/** One sale, from when it is chosen until another one is. */
class BuyerPage {
  #saleId;
  #clock = new ServerClock();
  #sale;
  #stream = null;
  #attempts;
  #views;
  #latest = null; // the request id of what was tried last, since the page was opened
  #lookedUp = null; // {userId, purchases}
  #status = null;
  #connection = null;
  #onReconnected;
  #leaving = new AbortController();

  constructor(saleId, onReconnected) {
    this.#saleId = saleId;
    this.#onReconnected = onReconnected;
    this.#sale = new SaleView(this.#clock, (status) => this.#showChance(status));
    this.#attempts = new Attempts(saleId, () => this.#showAttempts());
    this.#views = new PurchaseViews(saleId, this.#clock, (purchase) => this.#takePurchase(purchase));
    const { signal } = this.#leaving;
    byId("buy-form").addEventListener("submit", (event) => this.#buy(event), { signal });
    byId("lookup-form").addEventListener("submit", (event) => this.#lookUp(event), { signal });
    this.#follow();
    this.#resume();
    this.#showAttempts();
    this.#showFound();
  }

  close() {
    this.#leaving.abort();
    this.#stream?.close();
    this.#sale.close();
    this.#attempts.close();
  }

  #follow() {
    const path = `${salePath(this.#saleId)}/status`;
    this.#stream = new EventStream(`${path}:watch`, {
      poll: async () => ({ status: await call("GET", path) }),
      onMessage: ({ status }) => this.#show(status),
      onConnection: (connection) => this.#showConnection(connection),
      onRefused: (error) => {
        this.close();
        showElsewhere(error, this.#saleId);
      },
    });
  }

  #showConnection(connection) {
    this.#sale.showConnection(connection);
    if (connection === Connection.LIVE && this.#connection !== null) this.#onReconnected();
    this.#connection = connection;
  }

  #show(status) {
    this.#status = status;
    this.#sale.show(status);
    const limit = status.perUserLimit;
    byId("quantity-field").hidden = limit <= 1;
    byId("quantity").max = String(limit);
    if (byId("quantity").getAttribute("aria-invalid") !== "true")
      setText(byId("quantity-problem"), `At most ${limit} for one user.`);
  }

  #showChance(status) {
    const button = byId("buy");
    const latest = this.#latest === null ? null : this.#attempts.find(this.#latest);
    const isBusy = latest !== null && (latest.state === "asking" || latest.isAsking === true);
    const { isOpen, label, hint } = chanceOf(status, this.#clock.now());
    button.setAttribute("aria-disabled", String(!isOpen || isBusy));
    setText(button, isBusy ? "Asking…" : label);
    setText(byId("buy-hint"), isBusy ? "" : hint);
  }

  async #buy(event) {
    event.preventDefault();
    const userId = userIn(byId("user"), byId("user-problem"));
    const quantity = this.#quantity();
    if (byId("buy").getAttribute("aria-disabled") === "true") {
      announce(`${byId("buy").textContent}. ${byId("buy-hint").textContent}`);
      return;
    }
    if (userId === null || quantity === null) return;
    keep("local", USER, userId);
    const madeAt = new Date(this.#clock.now()).toISOString();
    const attempt = {
      requestId: newRequestId(),
      userId,
      quantity,
      madeAt,
      startedAt: Date.now(),
      state: "asking",
    };
    this.#latest = attempt.requestId;
    this.#attempts.add(attempt);
    await this.#settle(attempt, false);
  }

  async #settle(attempt, isLost) {
    await settle(
      this.#saleId,
      attempt,
      (changes) => {
        this.#attempts.change(attempt.requestId, changes);
        const { headline, text } = attemptWords({ ...attempt, ...changes });
        announce(`${headline}. ${changes.state === "refused" ? changes.problem.spoken : text}`);
      },
      isLost,
    );
  }

  #askAgain(attempt) {
    this.#latest = attempt.requestId;
    this.#attempts.change(attempt.requestId, { state: "lost", isAsking: true });
    this.#settle(attempt, true);
  }

  /** Learn what became of attempts that were under way, and of holds, when the page was closed. */
  #resume() {
    for (const attempt of this.#attempts.all) {
      if (attempt.state === "asking" || attempt.isAsking) {
        const isRecent = Date.now() - attempt.startedAt < RESUME_MS;
        if (isRecent) this.#askAgain(attempt);
        else this.#attempts.change(attempt.requestId, { state: "lost", isAsking: false });
      }
      if (attempt.purchase?.state === "PURCHASE_STATE_HELD") this.#views.look(attempt.purchase);
    }
  }

  #quantity() {
    const input = byId("quantity");
    if (byId("quantity-field").hidden) return 1;
    const limit = this.#status?.perUserLimit ?? 1;
    const quantity = Number(input.value);
    const isFine = Number.isInteger(quantity) && quantity >= 1 && quantity <= limit;
    input.setAttribute("aria-invalid", String(!isFine));
    setText(
      byId("quantity-problem"),
      isFine ? `At most ${limit} for one user.` : `A whole number from 1 to ${limit}, please.`,
    );
    if (!isFine) input.focus();
    return isFine ? quantity : null;
  }

  #takePurchase(purchase) {
    this.#attempts.takePurchase(purchase);
    const found = this.#lookedUp?.purchases;
    if (!found?.some(({ purchaseId }) => purchaseId === purchase.purchaseId)) return;
    this.#lookedUp.purchases = found.map((before) =>
      before.purchaseId === purchase.purchaseId ? purchase : before,
    );
    this.#showFound();
  }

  #showAttempts() {
    const attempts = this.#attempts.all;
    const askAgain = (attempt) => this.#askAgain(attempt);
    const latest = attempts.find(({ requestId }) => requestId === this.#latest);
    const result = byId("result");
    result.hidden = latest === undefined;
    replaceIn(result, latest === undefined ? null : latestAttempt(latest, this.#views, askAgain));
    byId("no-attempts").hidden = attempts.length > 0;
    byId("attempts").hidden = attempts.length === 0;
    replaceIn(
      byId("attempts"),
      ...attempts.map((attempt) => attemptLine(attempt, attempt === latest, this.#views, askAgain)),
    );
    if (this.#status !== null) this.#showChance(this.#status);
  }

  async #lookUp(event) {
    event.preventDefault();
    const userId = userIn(byId("lookup-user"), byId("lookup-problem"));
    if (userId === null) return;
    try {
      const { purchases } = await call("GET", purchasesPath(this.#saleId, userId));
      this.#lookedUp = { userId, purchases };
    } catch (error) {
      this.#lookedUp = { userId, purchases: [], problem: errorWords(error) };
    }
    this.#showFound();
    announce(foundWords(this.#lookedUp).join(" "));
  }

  #showFound() {
    const found = this.#lookedUp;
    byId("found").hidden = found === null;
    if (found === null) return replaceIn(byId("found"), null);
    const [headline, text] = foundWords(found);
    const isYours = found.purchases.some(isOwned);
    return replaceIn(
      byId("found"),
      element(
        "div",
        { class: "verdict stack", "data-yours": String(isYours) },
        element("div", {}, element("h3", {}, headline), element("p", {}, text)),
        ...found.purchases.map((purchase) => this.#views.view(purchase)),
      ),
    );
  }
}

function foundWords({ userId, purchases, problem }) {
  if (problem !== undefined) return ["No answer", problem];
  const owned = purchases.filter(isOwned);
  const units = owned.reduce((sum, { quantity }) => sum + quantity, 0);
  const isHeld = owned.some(({ state }) => state === "PURCHASE_STATE_HELD");
  if (units > 0)
    return ["Yes", `${written(userId)} has ${plural(units, "unit")}${isHeld ? ", some of it only held" : ""}.`];
  return [
    "No",
    purchases.length > 0
      ? `${written(userId)} had some, and has none any more.`
      : `${written(userId)} has nothing of this sale.`,
  ];
}

/** The user id in a field; null after having said what is wrong with it. */
function userIn(input, problem) {
  const userId = input.value.trim();
  const isTooLong = new TextEncoder().encode(userId).length > 128;
  // Such an id cannot be looked up: a browser takes it for a folder of the path.
  const isDots = userId === "." || userId === "..";
  let words = "";
  if (userId === "") words = "Whose? Give a user id.";
  else if (isTooLong) words = "That is too long for a user id.";
  else if (isDots) words = "Dots alone are no user id here.";
  input.setAttribute("aria-invalid", String(words !== ""));
  problem.hidden = words === "";
  setText(problem, words);
  if (words !== "") input.focus();
  return words === "" ? userId : null;
}

/** There is no such sale, or it is not for this visitor: say so kindly. */
function showElsewhere(error, saleId) {
  const needsToken = error.wantsToken ?? false;
  showSale(false);
  setText(byId("elsewhere-title"), needsToken ? "This shop asks for a token" : "There is no such sale");
  setText(
    byId("elsewhere-text"),
    needsToken ? errorWords(error) : `Nothing is sold here as “${written(saleId)}”. The link may be old, or mistyped.`,
  );
  byId("elsewhere-token").hidden = !needsToken;
  byId("elsewhere-link").hidden = needsToken || saleId === "default";
  document.title = byId("elsewhere-title").textContent;
  byId("elsewhere-title").focus();
}

/** Show the sale, or what is said in place of it. */
function showSale(isThere) {
  for (const id of ["main", "connection", "skip"]) byId(id).hidden = !isThere;
  byId("elsewhere").hidden = isThere;
}

let page = null;
let chooser = null;

function saleInAddress() {
  return new URLSearchParams(location.search).get("sale") || "default";
}

function openSale() {
  page?.close();
  page = null;
  showSale(true);
  const saleId = saleInAddress();
  byId("sale").value = saleId;
  if (SALE_ID.test(saleId)) page = new BuyerPage(saleId, () => chooser.offerAgain());
  else showElsewhere({ httpStatus: 404 }, saleId);
}

function start() {
  byId("user").value = recall("local", USER) ?? "";
  chooser = new SaleChooser({
    current: saleInAddress,
    onChoose: (saleId) => {
      history.pushState(null, "", `?sale=${encodeURIComponent(saleId)}`);
      openSale();
    },
  });
  byId("elsewhere-token").addEventListener("click", async () => {
    if (!(await changeToken())) return;
    openSale();
    chooser.offer();
  });
  window.addEventListener("popstate", openSale);
  openSale();
  chooser.offer();
}

start();
