// A reviewer's decision: about the version that was looked at, else the service says 412.

import { el, say, t } from "/surveys/dom.js";
import { ask } from "/surveys/service.js";

export function decisionForm(survey, etag, act) {
  const waiting = Object.entries(survey.sides ?? {}).filter(([, how]) => how === "waiting").map(([side]) => side);
  const side = el("select", { id: "side" }, el("option", { value: "" }, t("side_all")), ...waiting.map((code) => el("option", { value: code }, code)));
  const reasons = el("textarea", { id: "reasons", maxlength: 4000, "aria-describedby": "reasons-help" });
  const sheet = el("input", { id: "question-sheet", maxlength: 200 });
  const row = el("input", { id: "question-row", type: "number", min: 1, inputmode: "numeric" });
  const column = el("input", { id: "question-column", maxlength: 200 });
  const status = el("p", { class: "status", role: "status", "aria-live": "polite" });

  function decide(decision) {
    const text = reasons.value.trim();
    if (decision !== "accept" && !text) {
      say(status, t("reasons_needed"), "note");
      reasons.focus();
      return;
    }
    const body = { decision, reasons: text };
    if (side.value) body.country = side.value;
    if (decision === "ask" && row.value) {
      body.questions = [{ question: text.slice(0, 1000), row: Number(row.value), ...(sheet.value && { sheet: sheet.value }), ...(column.value && { column: column.value }) }];
      body.reasons = "";
    }
    const headers = { "If-Match": etag, "Content-Type": "application/json" };
    act(() => ask(`/v1/surveys/${survey.id}/decisions`, { method: "POST", body: JSON.stringify(body), headers }));
  }

  const field = (input, text) => [el("label", { for: input.id }, text), input];
  const button = (decision, kind) => el("button", { type: "button", class: kind, "data-decision": decision, onclick: () => decide(decision) }, t(decision));
  return el(
    "section",
    { "aria-label": t("decide") },
    el("h4", {}, t("decide")),
    el("form", { onsubmit: (event) => event.preventDefault() },
      ...field(side, t("side")), ...field(reasons, t("reasons")),
      ...field(sheet, `${t("question_at")}: ${t("sheet")}`), ...field(row, t("row")), ...field(column, t("column"))),
    el("p", { id: "reasons-help" }, t("reasons_help")),
    el("div", { class: "row" }, button("accept", ""), button("ask", "plain"), button("refuse", "danger")),
    status,
  );
}
