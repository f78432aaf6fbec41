// Whether the page still hears of what it shows: in the header, in a notice, and by paling what may be out of date.

import { announce } from "./announcer.js";
import { byId, setText } from "./dom.js";
import { Connection } from "./event_stream.js";
import { CONNECTION_WORDS } from "./words.js";

/** Shows how a page hears of what it shows. */
export class ConnectionView {
  #staleId;
  #words;
  #before = null;

  /** `staleId` names what pales while nothing is heard; `words` has a function for each connection but a live one. */
  constructor({ staleId, words }) {
    this.#staleId = staleId;
    this.#words = words;
  }

  /** Show a Connection. The first one is not announced: the page has only just come. */
  show(connection) {
    const isLive = connection === Connection.LIVE;
    const words = isLive ? "" : this.#words[connection]();
    byId("connection").dataset.connection = connection;
    setText(byId("connection-text"), CONNECTION_WORDS[connection]);
    byId("connection-notice").hidden = isLive;
    setText(byId("connection-notice"), words);
    byId(this.#staleId).classList.toggle("stale", connection === Connection.RECONNECTING);
    if (this.#before !== null) announce(isLive ? "Connected again." : words);
    this.#before = connection;
  }
}
