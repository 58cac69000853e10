// What the page asks of the service. The key stays in this tab alone, and goes into a header, never into an address.

import { language, t } from "/surveys/dom.js";

const KEPT = "biodata-key";
const NEXT = "biodata-next"; // a login's second token: exchanged once for the next pair
let key = sessionStorage.getItem(KEPT) ?? "";
let next = sessionStorage.getItem(NEXT) ?? "";
let exchange = null; // one at a time: a token that is shown twice ends the login

export function useKey(typed, second = "") {
  key = typed.trim();
  next = second;
  for (const [name, value] of [[KEPT, key], [NEXT, next]]) {
    if (value) sessionStorage.setItem(name, value);
    else sessionStorage.removeItem(name);
  }
}

/** Log in with name and password; neither is kept. */
export async function logIn(name, password) {
  const pair = await (await post("/v1/login", { name, password })).json();
  useKey(pair.access_token, pair.refresh_token);
}

/** Set a password by a code that is good once; neither is kept. */
export async function setPassword(code, password) {
  await post("/v1/login/code", { code, password });
}

/** Forget who it is; a login ends at the service, too. */
export async function logOut() {
  const ended = next;
  useKey("");
  if (ended) await post("/v1/login/end", { refresh_token: ended });
}

function post(path, body) {
  return ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, known: false });
}

async function renew() {
  try {
    const pair = await (await post("/v1/login/refresh", { refresh_token: next })).json();
    useKey(pair.access_token, pair.refresh_token);
  } catch (refusal) {
    if (refusal.status === 401) useKey("");
  }
}

export function hasKey() {
  return key !== "";
}

/** A refusal, in words that can be shown. */
export class Refused extends Error {
  constructor(status, code, message, expected = "") {
    super(message);
    this.expected = expected;
    this.status = status;
    this.code = code;
  }
}

/** Ask the service; a refusal or a cut line is a `Refused`. */
export async function ask(path, { method = "GET", body, headers = {}, known = true, again = false } = {}) {
  const sent = { "Accept-Language": language, ...headers }; // refusals are told in the page's language
  if (known && key) sent.Authorization = `Bearer ${key}`;
  let answer;
  try {
    answer = await fetch(path, { method, body, headers: sent, credentials: "omit", cache: "no-store" });
  } catch {
    throw new Refused(0, "", t("offline"));
  }
  if (answer.status === 401 && known && next && !again) {
    exchange ??= renew().finally(() => (exchange = null));
    await exchange;
    return ask(path, { method, body, headers, known, again: true });
  }
  if (!answer.ok) throw await refused(answer);
  return answer;
}

async function refused(answer) {
  let told = {};
  try {
    told = await answer.json();
  } catch {
    // A proxy's page: its status is all there is to tell.
  }
  if (told.code === "LOGIN_FAILED") return new Refused(answer.status, told.code, t("login_wrong"));
  const own = { 401: "refused_401", 403: "refused_403", 404: "refused_404", 412: "refused_412", 413: "refused_413", 429: "refused_429", 507: "refused_507" }[answer.status];
  const detail = [told.detail, told.expected && `→ ${told.expected}`].filter(Boolean).join(" ");
  if (["PASSWORD_INVALID", "CODE_INVALID"].includes(told.code)) return new Refused(answer.status, told.code, detail, told.expected);
  const parts = [own ? t(own) : t("refused_other", { status: answer.status }), detail && `(${detail})`];
  return new Refused(answer.status, told.code ?? "", parts.filter(Boolean).join(" "), told.expected);
}

/** A key that makes sending the same thing twice the same thing once. */
export function onceKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Hand a file to the person. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
