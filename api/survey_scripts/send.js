// Sending in: the same file sent twice is taken once.

import { chosenFile } from "/surveys/check.js";
import { language, one, say, t } from "/surveys/dom.js";
import { ask, hasKey, logIn, logOut, onceKey, setPassword, useKey } from "/surveys/service.js";
import { byAddress, closeAll, loadList, open } from "/surveys/surveys.js";

let once = onceKey();

export function startSend() {
  one("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(one("key").value);
    one("key").value = "";
    knownNow(t(hasKey() ? "key_used" : "key_gone"));
  });
  one("login-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = one("account").value.trim();
    one("login-button").disabled = true;
    try {
      await logIn(name, one("password").value);
      knownNow(t("logged_in", { name }), "good");
    } catch (refusal) {
      say(one("login-status"), refusal.message, "bad");
      if (refusal.code === "LOGIN_FAILED") one("code").open = true;
    } finally {
      one("password").value = "";
      one("login-button").disabled = false;
    }
  });
  one("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    byCode();
  });
  const openCode = () => {
    if (location.hash === "#code") one("code").open = true;
  };
  addEventListener("hashchange", openCode);
  openCode();
  one("logout-button").addEventListener("click", async () => {
    const left = logOut();
    knownNow(t("key_gone"));
    await left.catch(() => null); // it is forgotten here in any case
  });
  one("logout-button").hidden = !hasKey();
  for (const id of ["file", "dataset", "answers", "complete", "draft"]) one(id).addEventListener("change", () => (once = onceKey()));
  one("send-form").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}

/** A first password, or a new one: whose it is the code knows, so the name is typed at the login that follows. */
async function byCode() {
  one("code-button").disabled = true;
  try {
    await setPassword(one("one-time-code").value.trim(), one("new-password").value);
    one("code-form").reset();
    say(one("code-status"), "");
    one("code").open = false;
    say(one("login-status"), t("password_set"), "good");
    one("account").focus();
  } catch (refusal) {
    say(one("code-status"), refusal.message, "bad");
  } finally {
    one("code-button").disabled = false;
  }
}

/** Say who it is now, and show what concerns them. */
function knownNow(text, kind = "") {
  say(one("login-status"), text, kind);
  one("logout-button").hidden = !hasKey();
  if (hasKey()) loadList(), byAddress(true);
  else closeAll();
}

async function send() {
  const file = chosenFile();
  if (!hasKey() && one("key").value.trim()) useKey(one("key").value);
  if (!file) return say(one("send-status"), t("file_missing"), "note");
  if (!hasKey()) return one("account").focus(), say(one("send-status"), t("key_missing"), "note");
  const body = new FormData();
  body.append("file", file, file.name);
  for (const id of ["dataset", "answers", "license"]) if (one(id).value.trim()) body.append(id, one(id).value.trim());
  if (one("complete").checked) body.append("complete", "true");
  if (one("draft").checked) body.append("submit", "false");
  const button = one("send-button");
  button.disabled = true;
  say(one("send-status"), t("sending"));
  try {
    const answer = await ask(`/v1/surveys?language=${language}`, { method: "POST", body, headers: { "Idempotency-Key": once } });
    const { id } = await answer.json();
    one("key").value = "";
    say(one("send-status"), `✔ ${t("sent", { number: id })}`, "good");
    loadList();
    open(id); // looks again and again while the service works on it
  } catch (refusal) {
    say(one("send-status"), refusal.message, "bad");
  } finally {
    button.disabled = false;
  }
}
