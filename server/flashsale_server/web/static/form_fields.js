// Fields of a form: a label, what to put in, a hint, and what is wrong with it.

import { element, setText } from "./dom.js";

/** A field; `name` is the contract's, so that a violation finds it. Further properties go to the input. */
export function field({ name, label, hint = "", ...properties }) {
  const id = `field-${name.replaceAll(/[^a-z]/g, "-")}`;
  const about = element("p", { class: "small soft", id: `${id}-hint` }, hint);
  const problem = element("p", { class: "small problem", id: `${id}-problem`, hidden: true });
  const input = element("input", { id, name, autocomplete: "off", "aria-describedby": `${id}-hint ${id}-problem`, ...properties });
  const node = element("div", { class: "field" }, element("label", { for: id }, label), input, about, problem);
  return { name, input, problem, node };
}

/** Say what is wrong with a field; "" says that nothing is. */
export function setProblem({ input, problem }, words) {
  input.setAttribute("aria-invalid", String(words !== ""));
  problem.hidden = words === "";
  setText(problem, words);
}

/** The whole number in a field, `none` where it is empty, or null after having said that it is none. */
export function wholeNumberIn(made, none) {
  const text = made.input.value.trim();
  const number = Number(text);
  if (text === "" && !made.input.validity.badInput && none !== undefined) return none;
  const isWhole = text !== "" && Number.isInteger(number);
  if (isWhole && Math.abs(number) < 2 ** 31) return number;
  setProblem(made, isWhole ? "That is more than can be counted here." : "A whole number, please.");
  return null;
}

/** The instant in a field as a Timestamp, `undefined` where it is empty, or null after having said that it is none. */
export function instantIn(made) {
  if (made.input.value === "" && !made.input.validity.badInput) return undefined;
  const instant = new Date(made.input.value);
  if (!Number.isNaN(instant.getTime())) return instant.toISOString();
  setProblem(made, "A day and a time, please.");
  return null;
}
