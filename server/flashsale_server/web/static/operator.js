// The operator's page: all sales and what can be done to them, how the server is, and what is happening.

import { announce } from "./announcer.js";
import { call, changeToken, forgetToken, hasToken } from "./api.js";
import { ConnectionView } from "./connection_view.js";
import { byId, setText } from "./dom.js";
import { EntriesView } from "./entries_view.js";
import { Connection, EventStream } from "./event_stream.js";
import { HealthView } from "./health_view.js";
import { MetricsView } from "./metrics_view.js";
import { createSale, endSale, pauseSale, restockSale, resumeSale } from "./sale_changes.js";
import { SalesTable } from "./sales_table.js";
import { errorWords, formatClock, saleName } from "./words.js";

const CHANGES = { pause: pauseSale, resume: resumeSale, restock: restockSale, end: endSale };
const DONE = { create: "Created", pause: "Paused", resume: "Resumed", restock: "Restocked", end: "Ended" };

let entries = null;
let followed = null;

const connection = new ConnectionView({
  staleId: "main",
  words: {
    [Connection.RECONNECTING]: () => "The server does not answer; trying again and again. What is shown is how it was.",
    [Connection.POLLING]: () => "Live news do not come through; asking for the sales every five seconds instead.",
  },
});
const table = new SalesTable({ onChoose: choose, onAction: change });

function start() {
  byId("new-sale").addEventListener("click", () => done("create", createSale()));
  byId("forget-token").addEventListener("click", () => {
    forgetToken();
    location.reload();
  });
  byId("other-token").addEventListener("click", async () => {
    if (await changeToken()) location.reload();
  });
  new EventStream("/v1/sales:watch", {
    poll: allSales,
    onMessage: ({ sales }) => showSales(sales),
    onConnection: (state) => connection.show(state),
    onRefused: showRefused,
  });
}

/** Follow all the rest, once it is known that this visitor may. */
function follow() {
  byId("main").setAttribute("aria-busy", "false");
  byId("forget-token").hidden = !hasToken();
  const health = new HealthView();
  new MetricsView({
    onSample: (sample) => health.showSample(sample),
    onRefused: (error) => {
      byId("charts-problem").hidden = false;
      setText(byId("charts-problem"), errorWords(error));
    },
  });
}

function showSales(sales) {
  if (byId("main").getAttribute("aria-busy") === "true") follow();
  table.take(sales);
  if (followed === null && table.first !== undefined) choose(table.first);
  // A ledger that is kept in memory begins anew with its server, and so must those who follow it.
  const again = sales.find(({ saleId, createTime }) => saleId === followed?.saleId && createTime !== followed.createTime);
  if (again !== undefined) choose(again);
}

/** All sales, asked for page by page where events do not come through. */
async function allSales() {
  const all = [];
  for (let token = ""; ;) {
    const { sales, nextPageToken } = await call("GET", `/v1/sales?pageSize=1000&pageToken=${encodeURIComponent(token)}`);
    all.push(...sales);
    if (!nextPageToken) return { sales: all };
    token = nextPageToken;
  }
}

function choose(sale) {
  entries?.close();
  followed = sale;
  table.choose(sale.saleId);
  entries = new EntriesView(sale);
}

function change(action, sale) {
  done(action, CHANGES[action](sale));
}

/** Say what was done, where it was. */
async function done(action, changing) {
  const sale = await changing;
  if (sale === null) return;
  table.take([sale]);
  if (action === "create") choose(sale);
  const words = `${DONE[action]} ${saleName(sale)}.`;
  setText(byId("said"), `${formatClock(Date.now(), true)}: ${words}`);
  announce(words);
}

function showRefused(error) {
  byId("main").hidden = true;
  byId("connection").hidden = true;
  byId("refused").hidden = false;
  const wantsToken = error.wantsToken;
  setText(byId("refused-title"), wantsToken ? "This page is the operator's" : "This page does not work here");
  setText(byId("refused-text"), wantsToken ? "It opens with the token of an admin; one with the role “metrics” may look, and change nothing." : errorWords(error));
  byId("other-token").hidden = !wantsToken;
  byId("refused-title").focus();
}

start();
