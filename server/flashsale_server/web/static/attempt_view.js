// An attempt in plain words: what was tried, what it came to, and what to do next.

import { whileTicking } from "./clock.js";
import { element, setText } from "./dom.js";
import { purchaseWords } from "./purchase_view.js";
import { formatTime, inSeconds, isOwned, plural } from "./words.js";
import { escaped, written } from "./written.js";

/** What an attempt came to: {headline, text, isYours}. */
export function attemptWords(attempt) {
  const { state, response, purchase, problem, quantity, userId } = attempt;
  if (state === "asking")
    return { headline: "Asking…", text: `${plural(quantity, "unit")} for ${written(userId)}.`, isYours: false };
  if (state === "lost") {
    return {
      headline: "The answer was lost",
      isYours: false,
      text: attempt.isAsking
        ? "Asking again with the same request, which buys at most once."
        : `${problem?.words ?? "The page was closed."} Ask again to learn whether it was bought; it is never bought twice.`,
    };
  }
  if (state === "refused") return { headline: "Nothing was bought", text: problem.words, isYours: false };
  return decided(response, purchase, quantity);
}

function decided(response, purchase, quantity) {
  const replayed = response.replayed ? " The answer to your first try was lost; this is it." : "";
  switch (response.outcome) {
    case "OUTCOME_PURCHASED":
    case "OUTCOME_HELD":
      return { ...owned(purchase), text: `${purchaseWords(purchase)}${replayed}` };
    case "OUTCOME_SOLD_OUT":
      return refusal("Sold out", "Somebody else was quicker; nothing is left.");
    case "OUTCOME_INSUFFICIENT_STOCK":
      return refusal(
        "Not enough left",
        `You asked for ${quantity}, and ${response.availableStock} ${response.availableStock === 1 ? "is" : "are"} left. Nothing was bought.`,
      );
    case "OUTCOME_ALREADY_PURCHASED":
      return refusal("You have yours already", "This sale has one unit for each user.");
    case "OUTCOME_USER_LIMIT_REACHED":
      return refusal(
        "Over the limit",
        "With this you would have more than one user may. Nothing was bought.",
      );
    case "OUTCOME_NOT_STARTED":
      return refusal("Not open yet", `It opens at ${formatTime(response.startTime)}. Nothing was bought.`);
    case "OUTCOME_PAUSED":
      return refusal("Paused", "The shop has paused the sale. Nothing was bought.");
    case "OUTCOME_ENDED":
      return refusal("The sale is over", "Nothing was bought.");
    default:
      return refusal("Not bought", "The shop said something that this page does not know.");
  }
}

function owned(purchase) {
  const headlines = {
    PURCHASE_STATE_CONFIRMED: "You got it",
    PURCHASE_STATE_HELD: "It is held for you",
    PURCHASE_STATE_RELEASED: purchase.endedHere ? "Given back" : "The hold is over",
    PURCHASE_STATE_CANCELLED: "Cancelled by the shop",
  };
  return { headline: headlines[purchase.state] ?? "Decided", isYours: isOwned(purchase) };
}

function refusal(headline, text) {
  return { headline, text, isYours: false };
}

/** The latest attempt, with all that is to be known of it. `askAgain` is called by its button. */
export function latestAttempt(attempt, views, askAgain) {
  const { headline, text, isYours } = attemptWords(attempt);
  return element(
    "div",
    { class: "verdict stack", "data-yours": String(isYours), "data-state": attempt.state },
    element(
      "div",
      {},
      element("h3", {}, headline),
      element("p", {}, text),
      attempt.problem?.retryAt && attempt.state === "refused" ? waiting(attempt.problem.retryAt) : null,
    ),
    attempt.purchase ? views.view(attempt.purchase) : null,
    againButton(attempt, askAgain),
  );
}

/** An attempt as a line among others; what can be done about the latest one is shown with it, elsewhere. */
export function attemptLine(attempt, isLatest, views, askAgain) {
  const { headline, text, isYours } = attemptWords(attempt);
  return element(
    "li",
    { class: "attempt", "data-yours": String(isYours) },
    element("span", { class: "dot" + (isYours ? " on" : "") }),
    element(
      "div",
      {},
      element(
        "p",
        { class: "attempt-head" },
        element("strong", {}, headline),
        " ",
        element("span", { class: "soft small" }, formatTime(attempt.madeAt)),
      ),
      element(
        "p",
        { class: "soft small" },
        `${plural(attempt.quantity, "unit")} for ${written(attempt.userId)}`,
        ...(isYours
          ? [" · number ", element("bdi", { class: "mono" }, escaped(attempt.purchase.purchaseId))]
          : [` · ${text}`]),
      ),
      isLatest || !attempt.purchase ? null : views.hold(attempt.purchase),
      isLatest ? null : againButton(attempt, askAgain),
    ),
  );
}

function againButton(attempt, askAgain) {
  if (attempt.state !== "lost" || attempt.isAsking) return null;
  return element(
    "button",
    {
      class: "button quiet",
      type: "button",
      "data-key": `again ${attempt.requestId}`,
      onclick: () => askAgain(attempt),
    },
    "Ask again",
  );
}

/** How long there is to wait, second by second. */
function waiting(retryAt) {
  const said = element("p", { class: "small soft", role: "timer" });
  let wasShown = false;
  whileTicking(() => {
    if (wasShown && !said.isConnected) return false;
    wasShown ||= said.isConnected;
    const seconds = (retryAt - Date.now()) / 1000;
    setText(said, seconds > 0 ? `Try again ${inSeconds(seconds)}.` : "You can try again now.");
    return seconds > 0;
  });
  return said;
}
