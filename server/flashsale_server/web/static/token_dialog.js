// Asking a person for a token, in a dialog of its own. Whoever asks while it is open gets the same answer.

import { element } from "./dom.js";

const ABOUT = "This shop is not open to everybody. Whoever invited you has given you a token; it is kept until this tab is closed.";

let asking = null;

/** Resolves to what the person gives, or to null when they close the dialog. */
export function askForToken(isWrong) {
  asking ??= ask(isWrong).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(isWrong) {
  const { promise, resolve } = promised();
  const input = element("input", {
    id: "token", type: "password", autocomplete: "off", required: true, spellcheck: false, "aria-describedby": "token-about",
  });
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": "token-title" },
    element("form", { class: "stack", method: "dialog", onsubmit: (event) => {
      event.preventDefault();
      dialog.close(input.value.trim());
    } },
      element("h2", { id: "token-title" }, isWrong ? "This token does not open anything" : "A token, please"),
      element("p", { id: "token-about", class: "soft" },
        isWrong ? "The shop does not know the token, or it is over. Give another one."
          : document.querySelector('meta[name="token-about"]')?.content ?? ABOUT),
      element("div", { class: "field" }, element("label", { for: "token" }, "Token"), input),
      element("div", { class: "row" },
        element("button", { class: "button", type: "submit" }, "Go on"),
        element("button", { class: "button quiet", type: "button", onclick: () => dialog.close("") }, "Not now")),
    ));
  dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue || null);
  });
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}

function promised() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
