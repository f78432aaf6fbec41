// What the server does, second by second, as charts of the last minutes. The server keeps the samples of 15 minutes; the
// page keeps those that it has seen as well, so charts go on through a restart of the server.

import { secondsOf } from "./api.js";
import { logScale, TimeChart } from "./chart.js";
import { oncePerFrame } from "./clock.js";
import { byId } from "./dom.js";
import { EventStream } from "./event_stream.js";
import { formatCount, formatMs, OUTCOME_WORDS } from "./words.js";

const KEPT_MS = 15 * 60_000;
const GAP_MS = 2_500; // a sample that is missing for longer leaves a gap in the lines
const REFUSALS = [
  "OUTCOME_SOLD_OUT", "OUTCOME_ALREADY_PURCHASED", "OUTCOME_PAUSED", "OUTCOME_INSUFFICIENT_STOCK", "OUTCOME_USER_LIMIT_REACHED",
  "OUTCOME_NOT_STARTED", "OUTCOME_ENDED",
];

const inCounts = (value) => formatCount(value < 10 && !Number.isInteger(value) ? Number(value.toFixed(1)) : Math.round(value));

const CHARTS = [
  {
    id: "attempts-chart", title: "Attempts and purchases", unit: "A second", format: inCounts,
    series: [
      { key: "attempts", label: "Attempts", look: 1, isAlways: true, merge: "mean" },
      { key: "OUTCOME_PURCHASED", label: "Purchased", look: 2, isAlways: true, merge: "mean" },
      { key: "OUTCOME_HELD", label: "Held", look: 3, merge: "mean" },
    ],
  },
  {
    id: "refusals-chart", title: "Refusals by outcome", unit: "A second", format: inCounts,
    series: [
      ...REFUSALS.map((key, at) => ({ key, label: OUTCOME_WORDS[key], look: at + 1, isAlways: at === 0, merge: "mean" })),
      { key: "errors", label: "Errors", look: 8, merge: "mean" },
    ],
  },
  {
    id: "queue-chart", title: "Queue length", unit: "Calls on their way at once, the most in each second", format: inCounts,
    series: [{ key: "queue", label: "Longest", look: 1, isAlways: true, merge: "max" }],
  },
  {
    id: "append-chart", title: "Append latency", unit: "Milliseconds that a durable write took, by powers of ten",
    format: formatMs, scaleOf: logScale,
    series: [
      { key: "p50", label: "p50", look: 1, isAlways: true, merge: "max" },
      { key: "p99", label: "p99", look: 2, isAlways: true, merge: "max" },
    ],
  },
];

/** The charts, from the first sample on. */
export class MetricsView {
  #points = [];
  #endTime = "";
  #charts;
  #onSample;
  #spanMs = KEPT_MS;
  #drawSoon = oncePerFrame(() => this.#draw());

  /** `onSample` takes each new MetricsSample; `onRefused` an ApiError of a server that will not tell. */
  constructor({ onSample, onRefused }) {
    this.#onSample = onSample;
    const onPoint = (ms) => this.#charts.forEach((chart) => chart.pointAt(ms));
    this.#charts = CHARTS.map((chart) => new TimeChart({ ...chart, onPoint }));
    byId("charts").replaceChildren(...this.#charts.map(({ node }) => node));
    byId("span").addEventListener("change", ({ target }) => {
      this.#spanMs = Number(target.value) * 60_000;
      this.#draw();
    });
    new EventStream(() => `/v1/metrics:watch${this.#endTime && `?afterTime=${this.#endTime}`}`, {
      restsWhenHidden: true,
      onMessage: ({ samples }) => this.#take(samples),
      onRefused,
    });
  }

  #take(samples) {
    const last = this.#points.at(-1)?.endMs ?? -Infinity;
    const fresh = samples.filter(({ endTime }) => Date.parse(endTime) > last);
    for (const sample of fresh) {
      const before = this.#points.at(-1)?.endMs ?? Infinity;
      this.#points.push(pointOf(sample, before));
      this.#endTime = sample.endTime;
    }
    if (fresh.length > 0) this.#onSample(fresh.at(-1));
    const oldest = (this.#points.at(-1)?.endMs ?? 0) - KEPT_MS;
    this.#points = this.#points.filter(({ endMs }) => endMs > oldest);
    this.#drawSoon();
  }

  #draw() {
    const to = this.#points.at(-1)?.endMs ?? Date.now();
    const from = to - this.#spanMs;
    const shown = this.#points.filter(({ endMs }) => endMs > from);
    this.#charts.forEach((chart) => chart.show(shown, from, to));
  }
}

/** A MetricsSample as a point of the charts: counts a second, and null where there was nothing to measure. */
function pointOf(sample, beforeMs) {
  const seconds = secondsOf(sample.duration) || 1;
  const endMs = Date.parse(sample.endTime);
  const rate = (count) => Number(count) / seconds;
  const values = {
    attempts: rate(sample.attempts),
    OUTCOME_PURCHASED: 0,
    errors: rate(sample.errors.reduce((sum, { count }) => sum + Number(count), 0)),
    queue: sample.queueLengthPeak,
    p50: sample.appends > 0 ? sample.appendMsP50 : null,
    p99: sample.appends > 0 ? sample.appendMsP99 : null,
  };
  for (const key of REFUSALS) values[key] = 0;
  values.OUTCOME_HELD = 0;
  for (const { outcome, count } of sample.outcomes) values[outcome] = rate(count);
  return { endMs, isAfterGap: endMs - seconds * 1000 - beforeMs > GAP_MS, values };
}
