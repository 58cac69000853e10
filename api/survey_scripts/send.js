// Sending in: the same file sent twice is taken once.

import { chosenFile } from "/surveys/check.js";
import { language, one, say, t } from "/surveys/dom.js";
import { ask, hasKey, onceKey, useKey } from "/surveys/service.js";
import { loadList, open } from "/surveys/surveys.js";

let once = onceKey();

export function startSend() {
  one("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(one("key").value);
    one("key").value = "";
    say(one("send-status"), t(hasKey() ? "key_used" : "key_gone"));
    if (hasKey()) loadList();
    else one("list").replaceChildren();
  });
  for (const id of ["file", "dataset", "answers", "complete", "draft"]) one(id).addEventListener("change", () => (once = onceKey()));
  one("send-form").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}

async function send() {
  const file = chosenFile();
  if (!hasKey() && one("key").value.trim()) useKey(one("key").value);
  if (!file) return say(one("send-status"), t("file_missing"), "note");
  if (!hasKey()) return say(one("send-status"), t("key_missing"), "note");
  const body = new FormData();
  body.append("file", file, file.name);
  for (const id of ["dataset", "answers"]) if (one(id).value.trim()) body.append(id, one(id).value.trim());
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
    await open(id);
    loadList();
  } catch (refusal) {
    say(one("send-status"), refusal.message, "bad");
  } finally {
    button.disabled = false;
  }
}
