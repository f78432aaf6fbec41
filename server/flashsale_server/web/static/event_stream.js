// Following Server-Sent Events by fetch, so that a token can travel in a header; an EventSource sends none.
//
// A stream that breaks, ends or falls silent is begun again after the last event that was read, sooner at first and
// later when that keeps failing. Meanwhile, where there is a way to, the page asks every five seconds instead. A tab
// that nobody looks at asks as well: a browser opens six connections to a server, and a stream keeps one.

import { ApiError, open } from "./api.js";
import { sleep, withJitter } from "./clock.js";

/** How a page is connected: it gets events, it has lost them, or it asks for news instead. */
export const Connection = Object.freeze({ LIVE: "live", RECONNECTING: "reconnecting", POLLING: "polling" });

const SILENCE_MS = 20_000; // the server says something at least every 15 s
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000];
const FIRST_POLL_MS = 2_500;
const POLL_MS = 5_000;

/** Follows one stream until it is closed. */
export class EventStream {
  #path;
  #poll;
  #rests;
  #listeners;
  #connection = null;
  #lastEventId = "";
  #failures = 0;
  #isClosed = false;
  #isPolling = false;
  #reading = null;
  #hurry = () => {};
  #leaving = new AbortController();

  /**
   * Begin to follow `path`; where it is a function, it is asked for the path each time.
   * @param poll asks for the newest message in another way, and resolves to it; without it there is no polling.
   * @param restsWhenHidden leaves the stream while nobody looks at the tab, also where there is no polling.
   * @param onMessage takes the JSON of each event, or of what `poll` resolved to.
   * @param onConnection is told each change of the Connection.
   * @param onRefused takes the ApiError of a server that will not have this stream; it is closed then.
   */
  constructor(path, { poll = null, restsWhenHidden = poll !== null, onMessage, onConnection = () => {}, onRefused = () => {} }) {
    this.#path = typeof path === "function" ? path : () => path;
    this.#poll = poll;
    this.#rests = restsWhenHidden;
    this.#listeners = { onMessage, onConnection, onRefused };
    const { signal } = this.#leaving;
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    window.addEventListener("online", () => this.#hurry(), { signal });
    window.addEventListener("offline", () => this.#reading?.abort(), { signal });
    this.#follow();
  }

  /** Follow it no longer. */
  close() {
    this.#isClosed = true;
    this.#leaving.abort();
    this.#reading?.abort();
    this.#hurry();
  }

  async #follow() {
    while (!this.#isClosed) {
      if (!document.hidden || !this.#rests) await this.#readOrFail();
      if (this.#isClosed) return;
      this.#pollMeanwhile();
      await this.#pause(document.hidden && this.#rests ? Infinity : this.#backoffMs());
    }
  }

  async #readOrFail() {
    try {
      await this.#read();
    } catch (error) {
      if (this.#isClosed) return;
      if (error instanceof ApiError && error.isFinal) {
        this.close();
        this.#listeners.onRefused(error);
        return;
      }
    }
    if (this.#isClosed || document.hidden) return;
    this.#failures += 1;
    if (this.#connection !== Connection.POLLING) this.#tell(Connection.RECONNECTING);
  }

  async #read() {
    const reading = new AbortController();
    this.#reading = reading;
    let silence;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => reading.abort(), SILENCE_MS);
    };
    try {
      heard();
      const headers = { accept: "text/event-stream" };
      if (this.#lastEventId) headers["last-event-id"] = this.#lastEventId;
      const response = await open(this.#path(), { headers, signal: reading.signal });
      for await (const event of eventsIn(response.body, heard)) this.#take(event);
    } finally {
      clearTimeout(silence);
    }
  }

  #take({ id, name, text }) {
    if (this.#isClosed) return;
    const json = JSON.parse(text);
    if (name === "error") throw new ApiError(503, json, null);
    if (id !== null) this.#lastEventId = id;
    this.#failures = 0;
    this.#tell(Connection.LIVE);
    this.#show(json);
  }

  /** Ask every five seconds until there are events again. */
  async #pollMeanwhile() {
    if (this.#poll === null || this.#isPolling) return;
    this.#isPolling = true;
    await sleep(withJitter(FIRST_POLL_MS));
    while (!this.#isClosed && (this.#connection !== Connection.LIVE || document.hidden)) {
      await this.#pollOnce();
      await sleep(withJitter(POLL_MS));
    }
    this.#isPolling = false;
  }

  async #pollOnce() {
    try {
      const message = await this.#poll();
      // A stream that has begun meanwhile has said something newer.
      if (this.#isClosed || (this.#connection === Connection.LIVE && !document.hidden)) return;
      if (!document.hidden && this.#connection !== Connection.POLLING) {
        this.#tell(Connection.POLLING);
        this.#hurry(); // the server is there again
      }
      this.#show(message);
    } catch {
      if (!this.#isClosed && this.#connection === Connection.POLLING) this.#tell(Connection.RECONNECTING);
    }
  }

  /** Hand a message on. A page that fails to show one must not look like a stream that fails. */
  #show(message) {
    try {
      this.#listeners.onMessage(message);
    } catch (error) {
      reportError(error);
    }
  }

  /** Leave the stream when nobody looks, and begin it again when somebody does. */
  #look() {
    if (document.hidden && this.#rests) this.#reading?.abort();
    else this.#hurry();
  }

  #tell(connection) {
    if (this.#connection === connection) return;
    this.#connection = connection;
    this.#listeners.onConnection(connection);
  }

  #backoffMs() {
    return withJitter(BACKOFF_MS[Math.min(this.#failures, BACKOFF_MS.length) - 1] ?? BACKOFF_MS[0]);
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? null : setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The events of a body, as they come; `heard` is called for whatever comes. */
async function* eventsIn(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The event of a block of lines; null where it says nothing. */
function eventOf(block) {
  let id = null;
  let name = "message";
  const texts = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") texts.push(value);
    else if (field === "event") name = value;
    else if (field === "id") id = value;
  }
  return texts.length === 0 ? null : { id, name, text: texts.join("\n") };
}
