// A chart of lines over time, as inline SVG. It is read in three ways: by eye, where lines differ by colour, by dash and
// by their order in the legend; by pointing at a moment, or going to one with the arrow keys, which puts that moment's
// values into the legend; and as a table of minutes.

import { element, setText } from "./dom.js";
import { formatClock, formatCount, formatTime } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 176;
const MARGIN = Object.freeze({ left: 44, right: 10, top: 10, bottom: 24 });
const MINUTE_MS = 60_000;
const TICK_MS = [10_000, 30_000, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS];
const TICK_PIXELS = 58;

/**
 * One chart. A series is {key, label, look, isAlways, merge}: `look` is one of the eight looks in operator.css, one that
 * is not `isAlways` shows when it has something to show, and `merge` is how a minute is told: "mean" or "max".
 */
export class TimeChart {
  #id;
  #series;
  #format;
  #scaleOf;
  #onPoint;
  #points = [];
  #from = 0;
  #to = 0;
  #pointedAt = null;
  #width = 0;
  #parts;

  /**
   * `format` makes a value readable, `scaleOf` is linearScale or logScale, and `onPoint` is told at which millisecond
   * somebody points, or null.
   */
  constructor({ id, title, unit, series, format, scaleOf = linearScale, onPoint }) {
    this.#id = id;
    this.#series = series;
    this.#format = format;
    this.#scaleOf = scaleOf;
    this.#onPoint = onPoint;
    this.#parts = this.#made(title, unit);
    new ResizeObserver(() => this.#draw()).observe(this.#parts.plot);
  }

  /** The chart's element. */
  get node() {
    return this.#parts.figure;
  }

  /** Draw points, which are {endMs, isAfterGap, values}, of the span between two instants. */
  show(points, fromMs, toMs) {
    this.#points = points;
    this.#from = fromMs;
    this.#to = toMs;
    this.#draw();
  }

  /** Show the values at an instant; null shows the newest. */
  pointAt(ms) {
    this.#pointedAt = ms;
    this.#showValues();
  }

  #made(title, unit) {
    const svg = svgElement("svg", { "aria-hidden": "true", focusable: "false" });
    const grid = svgElement("g", { class: "grid" });
    const lines = svgElement("g", { class: "lines" });
    const pointer = svgElement("g", { class: "pointer" });
    svg.append(grid, lines, pointer);
    const plot = element("div", {
      class: "plot", role: "slider", tabIndex: 0, "aria-labelledby": `${this.#id}-title`, "aria-orientation": "horizontal",
      "aria-valuemin": "0", "aria-valuemax": "0", "aria-valuenow": "0", "aria-valuetext": "No values yet",
      onkeydown: (event) => this.#goByKey(event),
      onfocus: () => this.#keyboardFocus(),
      onblur: () => this.#onPoint(null),
      onpointermove: (event) => this.#goTo(this.#instantAt(event)),
      onpointerdown: (event) => this.#goTo(this.#instantAt(event)),
      onpointerleave: (event) => event.pointerType === "mouse" && this.#onPoint(null),
    }, svg);
    const when = element("span", { class: "soft small when" });
    const legend = element("ul", { class: "legend", "aria-hidden": "true" });
    const table = element("div", { class: "scrolls", tabIndex: 0, role: "region", "aria-label": `${title}, by minute` });
    const details = element("details", { class: "as-table", ontoggle: () => this.#tabulate() },
      element("summary", { class: "small soft" }, "As a table"), table);
    const figure = element("figure", { class: "chart", "aria-labelledby": `${this.#id}-title` },
      element("figcaption", {}, element("h3", { id: `${this.#id}-title` }, title), when),
      element("p", { class: "small soft unit" }, unit), plot, legend, details);
    return { figure, svg, grid, lines, pointer, plot, when, legend, table, details, title };
  }

  #draw() {
    const { plot, svg, grid, lines } = this.#parts;
    this.#width = Math.floor(plot.clientWidth);
    if (this.#width === 0) return;
    svg.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT}`);
    const shown = this.#shown();
    const { shareOf, ticks } = this.#scaleOf(this.#points.flatMap(({ values }) => shown.map(({ key }) => values[key] ?? 0)));
    const y = (value) => HEIGHT - MARGIN.bottom - shareOf(value) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    this.#parts.y = y;
    grid.replaceChildren(...this.#gridOf(ticks, y));
    lines.replaceChildren(...shown.map(({ key, look }) =>
      svgElement("path", { class: `line look-${look}`, d: pathOf(this.#points, key, (ms) => this.#x(ms), y) })));
    this.#showValues();
    if (this.#parts.details.open) this.#tabulate();
  }

  #x(ms) {
    const share = (ms - this.#from) / Math.max(1, this.#to - this.#from);
    return MARGIN.left + share * (this.#width - MARGIN.left - MARGIN.right);
  }

  /** The series that have something to show. */
  #shown() {
    return this.#series.filter(({ key, isAlways }) => isAlways || this.#points.some(({ values }) => values[key]));
  }

  *#gridOf(ticks, y) {
    for (const value of ticks) {
      yield svgElement("line", { x1: MARGIN.left, x2: this.#width - MARGIN.right, y1: y(value), y2: y(value) });
      yield svgText(MARGIN.left - 8, y(value) + 4, "end", formatAxis(value));
    }
    const room = (this.#width - MARGIN.left - MARGIN.right) / TICK_PIXELS;
    const every = TICK_MS.find((ms) => (this.#to - this.#from) / ms <= room) ?? TICK_MS.at(-1);
    const bottom = HEIGHT - MARGIN.bottom;
    for (let ms = Math.ceil(this.#from / every) * every; ms <= this.#to; ms += every) {
      const x = this.#x(ms);
      yield svgElement("line", { class: "tick", x1: x, x2: x, y1: bottom, y2: bottom + 5 });
      if (x > MARGIN.left + 14 && x < this.#width - 24) yield svgText(x, HEIGHT - 4, "middle", formatClock(ms, every < MINUTE_MS));
    }
  }

  #showValues() {
    if (this.#width === 0) return;
    const { when, legend, pointer, plot } = this.#parts;
    const at = this.#pointedAt;
    const point = at === null ? this.#points.at(-1) : nearest(this.#points, at);
    const shown = this.#shown();
    setText(when, at === null || point === undefined ? "" : formatTime(point.endMs));
    syncLegend(legend, shown.map((series) => ({ ...series, value: this.#valueOf(point, series.key) })));
    plot.setAttribute("aria-valuemax", String(Math.round((this.#to - this.#from) / 1000)));
    const isPointed = at !== null && point !== undefined;
    pointer.replaceChildren(...(isPointed ? this.#pointerOf(point, shown) : []));
    const seconds = point === undefined ? 0 : Math.round((point.endMs - this.#from) / 1000);
    plot.setAttribute("aria-valuenow", String(Math.max(0, seconds)));
    const said = shown.map(({ key, label }) => `${label} ${this.#valueOf(point, key)}`).join(", ");
    plot.setAttribute("aria-valuetext", isPointed ? `${formatTime(point.endMs)}: ${said}` : "The arrow keys go back in time");
  }

  #valueOf(point, key) {
    const value = point?.values[key] ?? null;
    return value === null ? "–" : this.#format(value);
  }

  *#pointerOf(point, shown) {
    const x = this.#x(point.endMs);
    yield svgElement("line", { x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom });
    for (const { key, look } of shown) {
      const value = point.values[key] ?? null;
      if (value !== null) yield svgElement("circle", { class: `look-${look}`, cx: x, cy: this.#parts.y(value), r: 4 });
    }
  }

  #instantAt(event) {
    const { left } = this.#parts.plot.getBoundingClientRect();
    const share = (event.clientX - left - MARGIN.left) / (this.#width - MARGIN.left - MARGIN.right);
    return this.#from + share * (this.#to - this.#from);
  }

  #goTo(ms) {
    const point = nearest(this.#points, Math.min(this.#to, Math.max(this.#from, ms)));
    this.#onPoint(point?.endMs ?? null);
  }

  #keyboardFocus() {
    if (this.#parts.plot.matches(":focus-visible") && this.#pointedAt === null) this.#goTo(this.#to);
  }

  #goByKey(event) {
    const at = this.#pointedAt ?? this.#to;
    const index = this.#points.indexOf(nearest(this.#points, at));
    const beside = (step) => this.#points[index + step]?.endMs ?? at;
    const goals = {
      ArrowLeft: beside(-1), ArrowDown: beside(-1), ArrowRight: beside(1), ArrowUp: beside(1),
      PageDown: at - MINUTE_MS, PageUp: at + MINUTE_MS, Home: this.#from, End: this.#to,
    };
    if (event.key === "Escape") this.#onPoint(null);
    else if (event.key in goals) this.#goTo(goals[event.key]);
    else return;
    event.preventDefault();
  }

  #tabulate() {
    const shown = this.#shown();
    const minutes = Map.groupBy(this.#points, ({ endMs }) => Math.floor(endMs / MINUTE_MS));
    const rows = [...minutes].reverse().map(([minute, points]) => element("tr", {},
      element("th", { scope: "row" }, formatClock(minute * MINUTE_MS)),
      ...shown.map(({ key, merge }) => element("td", {}, this.#merged(points, key, merge)))));
    const head = shown.map(({ label }) => element("th", { scope: "col" }, label));
    const told = shown[0]?.merge === "max" ? "Minute's highest" : "Minute's average";
    this.#parts.table.replaceChildren(element("table", { class: "figures" },
      element("caption", { class: "visually-hidden" }, `${this.#parts.title}, minute by minute`),
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, told), ...head)),
      element("tbody", {}, ...rows)));
  }

  #merged(points, key, merge) {
    const values = points.map(({ values: all }) => all[key] ?? null).filter((value) => value !== null);
    if (values.length === 0) return "–";
    return this.#format(merge === "max" ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length);
  }
}

/** Update a legend in place: a line as in the chart, its name, its value. */
function syncLegend(legend, shown) {
  const keys = shown.map(({ key }) => key).join(" ");
  if (legend.dataset.keys !== keys) {
    legend.dataset.keys = keys;
    legend.replaceChildren(...shown.map(({ label, look }) => {
      const swatch = svgElement("svg", { class: "swatch", viewBox: "0 0 28 10" });
      swatch.append(svgElement("path", { class: `line look-${look}`, d: "M1 5H27" }));
      return element("li", {}, swatch, element("span", {}, label), element("strong", {}));
    }));
  }
  shown.forEach(({ value }, at) => setText(legend.children[at].lastElementChild, value));
}

/** The line through a series, which is broken where there is nothing to tell. */
function pathOf(points, key, x, y) {
  let path = "";
  let isDrawing = false;
  for (const { endMs, isAfterGap, values } of points) {
    const value = values[key] ?? null;
    if (value === null) {
      isDrawing = false;
      continue;
    }
    const place = `${x(endMs).toFixed(1)} ${y(value).toFixed(1)}`;
    path += isDrawing && !isAfterGap ? `L${place}` : `M${place}h.01`;
    isDrawing = true;
  }
  return path;
}

/** The point whose time is the nearest; undefined where there is none. */
function nearest(points, ms) {
  let found = points[0];
  for (const point of points) {
    if (Math.abs(point.endMs - ms) < Math.abs(found.endMs - ms)) found = point;
  }
  return found;
}

/** From 0 to the first of 1, 2, 4, 6, 8, 10, 20, 40, ... that reaches all values; its half is as round. */
export function linearScale(values) {
  const highest = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(highest));
  const top = [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((round) => round >= highest);
  return { shareOf: (value) => value / top, ticks: [0, top / 2, top] };
}

/** By powers of ten, for values of which some are a hundred times others. */
export function logScale(values) {
  const exponents = values.filter((value) => value > 0).map(Math.log10);
  const bottom = exponents.length > 0 ? Math.floor(Math.min(...exponents)) : 0;
  const top = exponents.length > 0 ? Math.max(bottom + 1, Math.ceil(Math.max(...exponents))) : 1;
  const ticks = Array.from({ length: top - bottom + 1 }, (_, at) => 10 ** (bottom + at));
  return { shareOf: (value) => (Math.log10(Math.max(value, ticks[0])) - bottom) / (top - bottom), ticks };
}

/** "500", "12k", "1.5M": what fits beside an axis. */
function formatAxis(value) {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 10_000 ? `${value / 1e3}k` : formatCount(value);
}

function svgElement(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function svgText(x, y, anchor, text) {
  const made = svgElement("text", { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor });
  made.textContent = text;
  return made;
}
