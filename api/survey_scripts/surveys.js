// Surveys on their way: the list, and the one that is open with its report, difference, history and what can be done.

import { differenceView } from "/surveys/difference.js";
import { called, el, language, one, say, t, table } from "/surveys/dom.js";
import { reportView } from "/surveys/report.js";
import { answerForm, askAbout, decisionForm } from "/surveys/review.js";
import { rowsView } from "/surveys/rows.js";
import { ask, hasKey } from "/surveys/service.js";
import { versionsView } from "/surveys/versions.js";

const AGAIN_MS = 2_000;
const MOST_TIMES = 150;
let watched = 0;
let turn = 0; // of the last look: an earlier one that still waits says nothing any more

export function startSurveys() {
  one("list-button").addEventListener("click", loadList);
  addEventListener("hashchange", () => byAddress());
  byAddress();
  if (hasKey()) loadList();
}

/** Open the survey that the address names; again, where another key looks at it. */
export function byAddress(again = false) {
  const match = /^#survey-(\d{1,15})$/.exec(location.hash);
  if (match && hasKey() && (again || Number(match[1]) !== watched)) open(Number(match[1]));
}

export async function loadList() {
  if (!hasKey()) return say(one("list-status"), t("key_missing"), "note");
  try {
    const { results } = await (await ask("/v1/surveys")).json();
    const waits = results.filter((s) => s.waits_for_you);
    const others = results.filter((s) => !waits.includes(s));
    say(one("list-status"), t(results.length ? "list_count" : "list_none", { count: results.length, waiting: waits.length }));
    offerAnswers(results);
    one("list").replaceChildren(...(waits.length ? [rows(t("waiting_for_you"), waits)] : []), ...(others.length ? [rows(t("your_surveys"), others)] : []));
  } catch (refusal) {
    say(one("list-status"), refusal.message, "bad");
  }
}

/** Offer the surveys that a file may be a new version of: those that were asked about or refused, and published ones. */
function offerAnswers(surveys) {
  const [select, taken] = [one("answers"), new Set(surveys.filter((s) => ["committed", "published"].includes(s.state)).map((s) => s.answers))];
  const chosen = select.value;
  const mine = surveys.filter((s) => s.mine && !taken.has(s.id) && ["asked", "refused", "committed", "published"].includes(s.state));
  select.replaceChildren(select.options[0], ...mine.map((s) => el("option", { value: s.id }, `${s.id} · ${s.file} · ${s.dataset} · ${called("state", s.stage)}`)));
  chooseAnswers(chosen);
}

/** Choose one, though the list does not have it. */
function chooseAnswers(number) {
  const select = one("answers");
  if (number && ![...select.options].some((option) => option.value === String(number))) select.append(el("option", { value: number }, String(number)));
  select.value = number;
}

function rows(caption, surveys) {
  const heads = [t("number"), t("state"), t("dataset"), t("file_column"), t("changed_at")];
  return table(caption, heads, surveys.map((s) => [
    el("a", { href: `#survey-${s.id}`, onclick: () => s.id === watched && open(s.id) }, t("open", { number: s.id })),
    called("state", s.stage), s.dataset, s.file, when(s.changed),
  ]));
}

/** Take away what only a key shows. */
export function closeAll() {
  watched = 0;
  turn++;
  one("list").replaceChildren();
  one("answers").replaceChildren(one("answers").options[0]);
  one("survey").replaceChildren();
  one("survey").hidden = true;
}

/** Show a survey, and look again while the service works on it. */
export async function open(number, note = "") {
  watched = number;
  const mine = ++turn;
  if (location.hash !== `#survey-${number}`) location.hash = `survey-${number}`;
  const told = await look(number, note, mine);
  if (told) one("survey").focus();
  for (let times = 0, now = told; now && works(now) && times < MOST_TIMES; times++) {
    await new Promise((done) => setTimeout(done, AGAIN_MS));
    if (turn !== mine) return;
    const before = seen(now);
    try {
      const answer = await ask(`/v1/surveys/${number}?language=${language}`);
      now = await answer.json();
      if (turn !== mine) return;
      if (seen(now) !== before) show(now, answer.headers.get("etag"), note), loadList();
    } catch (refusal) {
      say(one("list-status"), refusal.message, "bad");
      if (refusal.status) return;
    }
  }
}

async function look(number, note, mine) {
  try {
    const answer = await ask(`/v1/surveys/${number}?language=${language}`);
    const told = await answer.json();
    if (turn !== mine) return null;
    show(told, answer.headers.get("etag"), note);
    return told;
  } catch (refusal) {
    if (turn !== mine) return null;
    one("survey").hidden = true;
    say(one("list-status"), refusal.message, "bad");
    return null;
  }
}

/** What makes it worth showing anew. */
function seen(s) {
  return `${s.version} ${s.state} ${Boolean(s.report)} ${Boolean(s.left_alone)}`;
}

function works(s) {
  const undoing = s.state === "withdrawn" && s.dataset_version !== undefined && s.difference !== undefined; // which goes then
  return (s.state === "draft" && !s.report) || undoing || ["accepted", "committing", "committed"].includes(s.state);
}

function show(s, etag, note) {
  const sides = Object.entries(s.sides ?? {}).map(([side, how]) => `${side}: ${called("side", how)}`).join("; ");
  const facts = [
    [t("state"), el("strong", { id: "survey-state", "data-state": s.state }, called("state", s.stage) + (works(s) && !s.left_alone ? ` · ${t("working")}` : ""))],
    [t("dataset"), s.dataset], [t("file_column"), s.file], [t("sides"), sides], [t("answers"), s.answers], [t("answered_by"), s.answered_by],
    [t("dataset_version"), s.dataset_version], [t("on_map"), s.left_alone ? null : s.on_map?.message], [t("next"), s.on_map || s.question || s.left_alone ? null : s.next],
  ].filter(([, value]) => value !== undefined && value !== null && value !== "");
  const box = one("survey");
  const parts = [
    el("h3", {}, t("survey_number", { number: s.id })),
    note ? el("p", { class: "note", role: "alert" }, note) : null,
    s.left_alone ? el("p", { class: "note", id: "left-alone", role: "alert" }, s.next) : null,
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value instanceof Node ? value : String(value))])),
    s.state === "published" ? el("p", { class: "good" }, `✔ ${t("published_help")} `, el("a", { href: `/v1/dataset/${encodeURIComponent(s.dataset)}?f=html` }, t("see_dataset")),
      " · ", el("a", { id: "see-map", href: `/?dataset=${encodeURIComponent(s.dataset)}&language=${language}` }, t("see_map"))) : null,
    ...(s.waits ?? []).map((message) => el("p", { class: "note waits" }, message)),
    conversation(s),
    s.rows ? rowsView(s, s.yours?.length ? askAbout : null) : null,
    s.difference ? el("h4", {}, t("difference")) : null,
    s.difference ? differenceView(s.difference) : null,
    actions(s, etag), // what has to be known before a decision stands before it
    s.report ? el("h4", {}, t("report")) : null,
    s.report ? reportView(s.report, { name: "kept" }) : null,
    el("h4", {}, t("history")),
    table(t("history"), [t("changed_at"), t("what"), t("who"), t("sides"), t("reasons")], (s.history ?? []).map((h) => [when(h.date), [called("state", h.action), h.survey && t("of_survey", { number: h.survey })].filter(Boolean).join(" · "), called("role", h.role), h.country, h.note])),
    s.dataset_version ? versionsView(s, (number) => (open(number), loadList())) : null,
  ];
  box.replaceChildren(...parts.filter(Boolean));
  box.hidden = false;
}

/** What was asked, by which node and when, and what was answered. */
function conversation(s) {
  const spoken = (s.history ?? []).filter((h) => ["asked", "refused", "answered"].includes(h.action) && (h.note || h.questions));
  if (!spoken.length) return null;
  const where = (q) => [q.sheet, q.row && `${t("row")} ${q.row}`, q.column].filter(Boolean).join(" · ");
  const who = (h) => [h.country, called("role", h.role), h.survey && t("of_survey", { number: h.survey }), when(h.date), called("state", h.action)].filter(Boolean).join(" · ");
  const asked = (h) => el("ul", {}, ...(h.questions ?? []).map((q) => el("li", {}, [where(q), q.question].filter(Boolean).join(": "))));
  const said = spoken.map((h) => el("li", { "data-action": h.action }, el("small", {}, who(h)), h.note ? el("p", { class: "said" }, h.note) : null, h.questions ? asked(h) : null));
  return el("div", { class: "note", id: "conversation" }, el("strong", {}, t("questions")), el("ol", {}, ...said));
}

function actions(s, etag) {
  const status = el("p", { class: "status", role: "status", "aria-live": "polite" });
  const act = async (work) => {
    try {
      await work();
      loadList();
      await open(s.id);
    } catch (refusal) {
      if (refusal.status === 412) return open(s.id, t("refused_412"));
      say(status, refusal.message, "bad");
    }
  };
  const box = el("div", {});
  if (s.mine && s.question) {
    const answer = (renamed) => () => act(() => ask(`/v1/surveys/${s.id}/submit?renamed=${renamed}&language=${language}`, { method: "POST", headers: { "If-Match": etag } }));
    box.append(...s.question.answers.flatMap((one) => [el("button", { type: "button", "data-answer": one, onclick: answer(one) }, t(`renamed_${one}`)), " "]));
  } else if (s.mine && s.state === "draft" && s.report) {
    const submit = () => act(() => ask(`/v1/surveys/${s.id}/submit`, { method: "POST", headers: { "If-Match": etag } }));
    box.append(el("button", { type: "button", onclick: submit }, t("submit")), " ");
  }
  if (s.mine && !["withdrawn", "refused", "replaced", "committing"].includes(s.state)) box.append(withdrawal(s, act, status));
  if (s.mine && ["asked", "refused", "committed", "published"].includes(s.state) && !s.answered_by) {
    const answer = () => {
      chooseAnswers(s.id);
      one("answers").dispatchEvent(new Event("change"));
      one("file").focus();
    };
    if (s.state === "asked") box.append(answerForm(s, etag, act));
    box.append(" ", el("button", { type: "button", class: "plain", onclick: answer }, t("answer_it")));
  }
  if (s.yours?.length) box.append(decisionForm(s, etag, act));
  box.append(status);
  return box;
}

/** Withdraw: what that does is told first, then it is asked once; of what is not published nothing has to be counted. */
function withdrawal(s, act, status) {
  const address = `/v1/surveys/${s.id}?language=${language}`;
  const told = el("p", { id: "withdrawal", class: "note", hidden: true });
  const take = (confirm) => act(() => ask(confirm === undefined ? address : `${address}&confirm=${confirm}`, { method: "DELETE" }));
  const sure = el("button", { type: "button", class: "danger", hidden: true }, t("withdraw_sure"));
  const keep = el("button", { type: "button", class: "plain", hidden: true, onclick: () => state("first") }, t("withdraw_not"));
  const first = el("button", { type: "button", class: "danger" }, t("withdraw"));
  const state = (now) => {
    [first.hidden, sure.hidden, keep.hidden] = [now !== "first", now !== "asked", now !== "asked"];
    if (now === "first") told.hidden = true;
    if (now === "asked") sure.focus();
  };
  const question = (plan) => {
    told.textContent = plan.message;
    told.hidden = false;
    sure.onclick = () => take(plan.confirm);
    state("asked");
  };
  first.onclick = async () => {
    if (s.dataset_version === undefined) return (sure.onclick = () => take()), state("asked");
    const mine = turn;
    say(status, t("working"));
    first.hidden = true;
    try {
      let plan = (await (await ask(`${address}&dry_run=true`, { method: "DELETE" })).json()).withdrawal;
      for (let times = 0; plan?.state === "counting" && times < MOST_TIMES; times++) {
        say(status, plan.message);
        await new Promise((done) => setTimeout(done, AGAIN_MS / 2));
        if (turn !== mine) return; // another survey is open by now
        plan = (await (await ask(address)).json()).withdrawal;
      }
      if (plan?.state === "told") return say(status, ""), question(plan);
      say(status, plan?.message ?? "", "bad");
    } catch (refusal) {
      say(status, refusal.message, "bad");
    }
    state("first");
  };
  if (s.withdrawal?.refused) question(s.withdrawal); // it was agreed to, and is another thing by now
  return el("div", {}, told, first, sure, " ", keep);
}

/** A moment as 2026-11-27 09:30, here: browsers lack Lao, Khmer and Burmese, and count Thai years in another era. */
function when(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
