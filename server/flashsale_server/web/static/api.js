// Calls of the HTTP API: JSON there and back, errors as google.rpc.Status, and a bearer token where the server asks
// for one. The token is kept for this tab alone.

import { keep, recall } from "./storage.js";
import { askForToken } from "./token_dialog.js";

const TOKEN = "flash-sale.token";
const TIMEOUT_MS = 20_000;

/** The server has answered with an error. */
export class ApiError extends Error {
  constructor(httpStatus, status, retryAfterSeconds) {
    super(status.message || `the server answered ${httpStatus}`);
    this.name = "ApiError";
    this.httpStatus = httpStatus;
    const details = status.details ?? [];
    const named = (type) => details.find((detail) => detail["@type"]?.endsWith(type));
    /** A reason of the contract's ErrorReason, such as "QUEUE_FULL"; empty when the answer is not of this server. */
    this.reason = named("google.rpc.ErrorInfo")?.reason ?? "";
    /** When it makes sense to ask again; null when waiting does not help. */
    this.retryAfterSeconds = secondsOf(named("google.rpc.RetryInfo")?.retryDelay) ?? retryAfterSeconds;
    /** What is wrong with which field: [{field, description}]. */
    this.violations = named("google.rpc.BadRequest")?.fieldViolations ?? [];
  }

  /** Whether there is no token, or one that does not allow this. */
  get wantsToken() {
    return [401, 403].includes(this.httpStatus);
  }

  /** Whether asking again, just so, would be answered in the same way. */
  get isFinal() {
    return this.httpStatus >= 400 && this.httpStatus < 500 && ![408, 429, 499].includes(this.httpStatus);
  }
}

/** There was no answer: the server cannot be reached, or took too long. What was asked may have been done. */
export class Unanswered extends Error {
  constructor(cause) {
    super("the server did not answer", { cause });
    this.name = "Unanswered";
  }
}

/**
 * Call the API; resolves to the answer's JSON.
 * @throws {ApiError} the server has refused it.
 * @throws {Unanswered} there was no answer.
 */
export async function call(method, path, body) {
  const response = await open(path, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    timeoutMs: TIMEOUT_MS,
  });
  try {
    return await response.json();
  } catch (error) {
    throw new Unanswered(error);
  }
}

/**
 * Ask for `path`; resolves to a response that is no error. A person is asked for a token when the server wants one.
 * @throws {ApiError} the server has refused it.
 * @throws {Unanswered} there was no answer.
 */
export async function open(path, { timeoutMs, signal, ...options } = {}) {
  for (;;) {
    const token = recall("session", TOKEN);
    const response = await ask(path, options, token, signal ?? AbortSignal.timeout(timeoutMs));
    if (response.ok) return response;
    const error = await errorOf(response);
    if (response.status !== 401) throw error;
    if (recall("session", TOKEN) === token && !(await changeToken(token !== null))) throw error;
  }
}

/** Ask the person for a token and keep it; resolves to whether there is one. `isWrong`: the one that was kept. */
export async function changeToken(isWrong = false) {
  const token = await askForToken(isWrong);
  if (token !== null) keep("session", TOKEN, token);
  return token !== null;
}

/** Whether a token is kept. */
export function hasToken() {
  return recall("session", TOKEN) !== null;
}

/** Keep the token no longer. */
export function forgetToken() {
  keep("session", TOKEN, null);
}

async function ask(path, options, token, signal) {
  const headers = new Headers(options.headers);
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  try {
    return await fetch(path, { ...options, headers, signal, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    throw new Unanswered(error);
  }
}

async function errorOf(response) {
  let status = {};
  try {
    status = await response.json();
  } catch {
    // Something between here and the server has answered in its own words.
  }
  const seconds = Number.parseFloat(response.headers.get("retry-after") ?? "");
  return new ApiError(response.status, status ?? {}, Number.isFinite(seconds) ? seconds : null);
}

/** The path of a sale. */
export function salePath(saleId) {
  return `/v1/sales/${encodeURIComponent(saleId)}`;
}

/** The path of what a user has bought in a sale. */
export function purchasesPath(saleId, userId) {
  return `${salePath(saleId)}/purchase/${encodeURIComponent(userId)}`;
}

/** The seconds of a google.protobuf.Duration, such as "1.5s". */
export function secondsOf(duration) {
  const seconds = Number.parseFloat(duration ?? "");
  return Number.isFinite(seconds) ? seconds : null;
}
