// A dialog that says what a change will do, asks for what it needs, and sends it. It stays open until the change is made
// or given up; what the server has against it is said at the field that it is about, else below the fields.

import { call } from "./api.js";
import { element, setText } from "./dom.js";
import { setProblem } from "./form_fields.js";
import { changeErrorWords, violationWords } from "./words.js";

/**
 * Ask for a change and make it; resolves to the server's answer, or to null when it was given up.
 * @param title, button what the dialog and its button are called.
 * @param about returns what will happen, in a sentence; it is asked again at each input.
 * @param fields those to fill in, of form_fields.js.
 * @param request returns {path, body} of the call to make, or null after having said at a field why not.
 * @param errorFields which field an error's reason is about: {reason: name}.
 * @param onConflict is told when somebody else was quicker, and resolves when `about` and `request` know how it is now.
 */
export function askForChange({ title, button, about, fields = [], request, errorFields = {}, onConflict = null }) {
  return new Promise((resolve) => {
    const made = new ChangeDialog({ title, button, about, fields, request, errorFields, onConflict });
    made.open(resolve);
  });
}

class ChangeDialog {
  #asked;
  #dialog;
  #about;
  #problem;
  #submit;
  #isBusy = false;
  #answer = null;

  constructor(asked) {
    this.#asked = asked;
    this.#about = element("p", { id: "change-about" });
    this.#problem = element("p", { class: "notice problem", role: "alert", hidden: true });
    this.#submit = element("button", { class: "button", type: "submit" }, asked.button);
    const cancel = element("button", { class: "button quiet", type: "button", onclick: () => this.#dialog.close() }, "Cancel");
    this.#dialog = element("dialog", { class: "dialog", "aria-labelledby": "change-title", "aria-describedby": "change-about" },
      element("form", { class: "stack", noValidate: true, onsubmit: (event) => this.#send(event), oninput: () => this.#showAbout() },
        element("h2", { id: "change-title" }, asked.title),
        ...(asked.fields.length > 2 ? [fieldGrid(asked.fields), this.#about] : [this.#about, ...asked.fields.map(({ node }) => node)]),
        this.#problem,
        element("div", { class: "row" }, this.#submit, cancel)));
  }

  open(resolve) {
    this.#showAbout();
    this.#dialog.addEventListener("close", () => {
      this.#dialog.remove();
      resolve(this.#answer);
    });
    document.body.append(this.#dialog);
    this.#dialog.showModal();
  }

  #showAbout() {
    setText(this.#about, this.#asked.about());
  }

  async #send(event) {
    event.preventDefault();
    if (this.#isBusy) return;
    this.#asked.fields.forEach((field) => setProblem(field, ""));
    this.#say("");
    const wanted = this.#asked.request();
    if (wanted === null) return this.#goToProblem();
    this.#setBusy(true);
    try {
      this.#answer = await call("POST", wanted.path, wanted.body);
      this.#dialog.close();
    } catch (error) {
      await this.#explain(error);
    } finally {
      this.#setBusy(false);
    }
    return undefined;
  }

  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    this.#submit.setAttribute("aria-disabled", String(isBusy));
  }

  async #explain(error) {
    const fieldNamed = (name) => this.#asked.fields.find((field) => field.name === name);
    const rest = [];
    for (const violation of error.violations ?? []) {
      const field = fieldNamed(violation.field);
      if (field === undefined) rest.push(violation);
      else setProblem(field, violationWords(violation));
    }
    const field = fieldNamed(this.#asked.errorFields[error.reason]);
    if (field !== undefined) setProblem(field, changeErrorWords(error));
    else if (error.reason === "ETAG_MISMATCH" && this.#asked.onConflict !== null) await this.#tellOfConflict();
    else if (error.reason !== "INVALID_FIELD") this.#say(changeErrorWords(error));
    else if (rest.length > 0) this.#say(rest.map((one) => `${one.field}: ${violationWords(one)}`).join(" "));
    this.#goToProblem();
  }

  async #tellOfConflict() {
    try {
      await this.#asked.onConflict();
      this.#showAbout();
      this.#say("Somebody else has changed the sale in the meantime, so nothing was done. "
        + "What is said above is how it is now: look again, and go on if you still want to.");
    } catch (error) {
      this.#say(changeErrorWords(error));
    }
  }

  #say(words) {
    this.#problem.hidden = words === "";
    setText(this.#problem, words);
  }

  #goToProblem() {
    this.#asked.fields.find(({ input }) => input.getAttribute("aria-invalid") === "true")?.input.focus();
  }
}

function fieldGrid(fields) {
  return element("div", { class: "field-grid" }, ...fields.map(({ node }) => node));
}
