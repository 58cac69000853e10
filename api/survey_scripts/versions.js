// The versions of a dataset that surveys made, and the return to one of them: a new survey with the old content.

import { called, el, language, say, t, table } from "/surveys/dom.js";
import { ask, onceKey } from "/surveys/service.js";

const IN_THE_DATASET = ["committed", "published"];
const TOLD = ["new", "changed", "renamed", "gone"];

/** The versions of a survey's dataset, asked for when somebody looks; `opened(number)` shows the survey of a return. */
export function versionsView(survey, opened) {
  const status = el("p", { class: "status", role: "status", "aria-live": "polite" });
  const shown = el("div", {});
  const address = `/v1/surveys/versions/${survey.dataset.split("/").map(encodeURIComponent).join("/")}?language=${language}`;

  async function load() {
    try {
      const told = await (await ask(address)).json();
      const last = told.results.findLast((one) => IN_THE_DATASET.includes(one.state));
      const heads = [t("version"), t("number"), t("state"), t("difference"), ...(told.may_return ? [""] : [])];
      shown.replaceChildren(table(t("versions"), heads, told.results.map((one) => [
        one.version, one.submission, called("state", one.state), changes(one.changes),
        ...(told.may_return ? [one !== last && IN_THE_DATASET.includes(one.state) ? back(one.version) : null] : []),
      ])));
    } catch (refusal) {
      say(status, refusal.message, "bad");
    }
  }

  /** What a return does is told first; then it is asked once more. */
  function back(version) {
    const once = onceKey();
    const help = el("p", { class: "note", hidden: true }, t("return_help", { version }));
    const sure = el("button", { type: "button", hidden: true, onclick: send }, t("return_sure", { version }));
    const first = el("button", { type: "button", class: "plain small", onclick: () => ([help.hidden, sure.hidden, first.hidden] = [false, false, true]) && sure.focus() }, t("return_to", { version }));
    async function send() {
      sure.disabled = true;
      try {
        const headers = { "Idempotency-Key": once, "Content-Type": "application/json" };
        const answer = await ask(address, { method: "POST", body: JSON.stringify({ version }), headers });
        opened((await answer.json()).id);
      } catch (refusal) {
        say(status, refusal.message, "bad");
        sure.disabled = false;
      }
    }
    return el("div", {}, first, help, sure);
  }

  return el("details", { id: "versions", ontoggle: (event) => event.target.open && load() }, el("summary", {}, t("versions")), shown, status);
}

function changes(told) {
  const of = (kind) => TOLD.filter((how) => told[kind]?.[how]).map((how) => `${called("kind", how)} ${told[kind][how]}`).join(", ");
  return ["occurrences", "events"].filter((kind) => told && of(kind)).map((kind) => `${t(kind)}: ${of(kind)}`).join("; ");
}
