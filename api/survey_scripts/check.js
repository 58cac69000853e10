// The check: nothing is kept by the service, and no key is needed.

import { el, language, one, say, t } from "/surveys/dom.js";
import { reportView } from "/surveys/report.js";
import { ask, save } from "/surveys/service.js";

export function chosenFile() {
  return one("file").files[0] ?? null;
}

export function startCheck() {
  one("check-form").addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  one("file").addEventListener("change", () => {
    one("report").replaceChildren();
    say(one("check-status"), "");
  });
}

async function check() {
  const file = chosenFile();
  if (!file) return say(one("check-status"), t("file_missing"), "note");
  const button = one("check-button");
  button.disabled = true;
  say(one("check-status"), t("checking"));
  one("report").replaceChildren();
  try {
    const report = await (await sent(file, "json")).json();
    say(one("check-status"), t(report.ok ? "said_ok" : "said_blocked", { blocking: report.blocking, warnings: report.warnings }), "heard");
    one("report").append(reportView(report), downloads(file, report));
  } catch (refusal) {
    say(one("check-status"), refusal.message, "bad");
  } finally {
    button.disabled = false;
  }
}

function sent(file, form) {
  const body = new FormData();
  body.append("file", file, file.name);
  const dataset = one("dataset").value.trim();
  if (dataset) body.append("dataset", dataset); // what was decided about its headings is used
  if (one("license").value) body.append("license", one("license").value);
  return ask(`/v1/surveys?dry_run=true&language=${language}&format=${form}`, { method: "POST", body });
}

function downloads(file, report) {
  const status = el("p", { class: "status", role: "status", "aria-live": "polite" });
  const button = (form, text, name) =>
    el("button", {
      type: "button",
      class: "plain",
      onclick: async (event) => {
        event.target.disabled = true;
        try {
          save(await (await sent(file, form)).blob(), name);
          say(status, t("saved", { name }));
        } catch (refusal) {
          say(status, refusal.message, "bad");
        } finally {
          event.target.disabled = false;
        }
      },
    }, text);
  const stem = file.name.replace(/\.[^.]*$/, "");
  const found = report.problems.length > 0;
  const row = el("div", { class: "row" }, found ? button("xlsx", t("get_marked"), `${stem}_marked.xlsx`) : null, found ? button("csv", t("get_csv"), `${stem}_problems.csv`) : null);
  return el("div", {}, row, status);
}
