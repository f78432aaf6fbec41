// Buying, so that it never happens twice: an attempt has one request id from its first try to its last.
// When an answer is lost, the same request is sent again and says so, until the server has told what
// became of it.

import { call, salePath } from "./api.js";
import { sleep, withJitter } from "./clock.js";
import { errorWords, reasonWords } from "./words.js";

const PATIENCE_MS = 120_000;
const WAITS_MS = [500, 1_000, 2_000, 4_000];

/** A request id that nobody else has. */
export function newRequestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Ask until it is known what an attempt came to, or for two minutes; `change` takes what changes about it.
 * Whoever asks for an attempt that was made before says `isLost`.
 */
export async function settle(saleId, attempt, change, isLost = false) {
  const { requestId, userId, quantity } = attempt;
  const givesUpAt = performance.now() + PATIENCE_MS;
  for (let failures = 0; ; failures += 1) {
    try {
      const body = { requestId, userId, quantity, ...(isLost ? { retry: true } : {}) };
      const response = await call("POST", `${salePath(saleId)}/purchase`, body);
      change({
        state: "answered",
        response,
        purchase: response.purchase ?? null,
        problem: null,
        isAsking: false,
      });
      return;
    } catch (error) {
      if (!isLost && !losesAnswer(error)) {
        change({ state: "refused", problem: problemOf(error), isAsking: false });
        return;
      }
      isLost = true; // and it stays so: a later refusal says nothing of the first copy
      const isAsking = !error.isFinal && performance.now() < givesUpAt;
      change({ state: "lost", problem: problemOf(error), isAsking });
      if (!isAsking) return;
      await sleep(waitMs(error, failures));
    }
  }
}

/** Whether what was asked may have been done in spite of this error. */
function losesAnswer(error) {
  if (error.name !== "ApiError") return true;
  return (
    error.reason === "OUTCOME_UNKNOWN" || (error.httpStatus >= 500 && ["", "INTERNAL"].includes(error.reason))
  );
}

function problemOf(error) {
  const seconds = error.retryAfterSeconds ?? null;
  const retryAt = seconds === null ? null : Date.now() + seconds * 1000;
  return { words: reasonWords(error), spoken: errorWords(error), retryAt };
}

function waitMs(error, failures) {
  const ms = withJitter(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)]);
  return Math.max(ms, (error.retryAfterSeconds ?? 0) * 1000);
}
