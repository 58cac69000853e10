// A reviewer's decision for their own side: about the version that was looked at, else the service says 412; and the team's answer.

import { called, el, one, say, t } from "/surveys/dom.js";
import { ask } from "/surveys/service.js";

const field = (input, text) => [el("label", { for: input.id }, text), input];

function heard() {
  return el("p", { class: "status", role: "status", "aria-live": "polite" });
}

/** What a reviewer sends; begun by `askAbout`. */
export function decisionForm(survey, etag, act) {
  const yours = survey.yours ?? [];
  const others = Object.keys(survey.sides ?? {}).filter((side) => !yours.includes(side));
  const waiting = yours.filter((side) => survey.sides[side] === "waiting");
  const side = el("select", { id: "side" }, el("option", { value: "" }, t("side_all")), ...(waiting.length ? waiting : yours).map((code) => el("option", { value: code }, code)));
  const reasons = el("textarea", { id: "reasons", maxlength: 4000, "aria-describedby": "reasons-help" });
  const sheet = el("input", { id: "question-sheet", maxlength: 200 });
  const row = el("input", { id: "question-row", type: "number", min: 1, inputmode: "numeric" });
  const column = el("input", { id: "question-column", maxlength: 200 });
  const status = heard();

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

  const button = (decision, kind) => el("button", { type: "button", class: kind, "data-decision": decision, onclick: () => decide(decision) }, t(decision));
  return el(
    "section",
    { "aria-label": t("decide") },
    el("h4", {}, t("decide")),
    yours.length === 1 ? el("p", { id: "your-side" }, t("side_yours", { side: yours[0] })) : null,
    ...others.map((code) => el("p", { class: "other-side" }, `${t("side_with_node", { side: code })} (${called("side", survey.sides[code])})`)),
    others.length ? el("p", { id: "refusal-holds" }, t("side_refusal_holds")) : null,
    el("form", { onsubmit: (event) => event.preventDefault() },
      ...(yours.length > 1 ? field(side, t("side")) : []), ...field(reasons, t("reasons")),
      ...field(sheet, `${t("question_at")}: ${t("sheet")}`), ...field(row, t("row")), ...field(column, t("column"))),
    el("p", { id: "reasons-help" }, t("reasons_help")),
    el("div", { class: "row" }, button("accept", ""), button("ask", "plain"), button("refuse", "danger")),
    status,
  );
}

/** Begin a question with words that name a row. */
export function askAbout(words) {
  const reasons = one("reasons");
  reasons.value = [reasons.value.trim(), words].filter(Boolean).join("\n");
  reasons.focus();
}

/** What the team sends back: words here, or a mended file above. */
export function answerForm(survey, etag, act) {
  const words = el("textarea", { id: "answer-words", maxlength: 4000, "aria-describedby": "answer-help" });
  const status = heard();
  const send = () => {
    const text = words.value.trim();
    if (!text) return words.focus(), say(status, t("answer_needed"), "note");
    const headers = { "If-Match": etag, "Content-Type": "application/json" };
    act(() => ask(`/v1/surveys/${survey.id}/answers`, { method: "POST", body: JSON.stringify({ answer: text }), headers }));
  };
  return el("section", { "aria-label": t("your_answer") },
    el("form", { onsubmit: (event) => event.preventDefault() }, ...field(words, t("your_answer"))),
    el("p", { id: "answer-help" }, t("answer_help")),
    el("p", {}, el("button", { type: "button", id: "answer-send", onclick: send }, t("answer_send"))),
    status);
}
