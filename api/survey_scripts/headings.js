// What the headings mean: asked of the service, decided by whoever knows the sheet, kept for the dataset.

import { chosenFile } from "/surveys/check.js";
import { el, language, one, say, t, table, terms } from "/surveys/dom.js";
import { ask, hasKey } from "/surveys/service.js";

const NONE = "-";

export function startHeadings() {
  one("headings-button").addEventListener("click", look);
  one("file").addEventListener("change", () => {
    one("headings").replaceChildren();
    say(one("headings-status"), "");
  });
}

async function look() {
  const file = chosenFile();
  if (!file) return say(one("headings-status"), t("file_missing"), "note");
  const body = new FormData();
  body.append("file", file, file.name);
  const dataset = one("dataset").value.trim();
  if (dataset) body.append("dataset", dataset);
  try {
    const told = await (await ask(`/v1/surveys/headings?language=${language}`, { method: "POST", body })).json();
    const open = told.sheets.flatMap((sheet) => sheet.headings.filter((h) => !h.certain).map((h) => ({ ...h, sheet: sheet.sheet })));
    say(one("headings-status"), t(open.length ? "headings_help" : "headings_certain"), open.length ? "note" : "good");
    one("headings").replaceChildren(...(open.length ? [form(open)] : []));
  } catch (refusal) {
    say(one("headings-status"), refusal.message, "bad");
  }
}

function form(headings) {
  const once = [...new Map(headings.map((h) => [h.heading, h])).values()];
  const selects = once.map((h) => [h.heading, choices(h)]);
  const rows = once.map((h, at) => [h.heading, h.sheet, h.why, selects[at][1]]);
  const keep = el("button", { type: "button", onclick: () => kept(selects) }, t("headings_keep"));
  return el("div", {}, table(t("headings_ask"), [t("heading"), t("sheet"), t("wrong"), t("means")], rows), keep);
}

function choices(h) {
  const likely = [h.term, ...h.others].filter(Boolean);
  const option = (term) => el("option", { value: term }, terms[term] && terms[term] !== term ? `${terms[term]} (${term})` : term);
  const others = Object.keys(terms).filter((term) => !likely.includes(term));
  return el(
    "select",
    { "aria-label": `${t("means")}: ${h.heading}` },
    el("option", { value: "" }, t("undecided")),
    ...(likely.length ? [el("optgroup", { label: t("likely") }, ...likely.map(option))] : []),
    el("option", { value: NONE }, t("of_none")),
    el("optgroup", { label: t("every_term") }, ...others.map(option)),
  );
}

async function kept(selects) {
  if (!hasKey()) return say(one("headings-status"), t("key_missing"), "note");
  const decided = selects.filter(([, select]) => select.value).map(([heading, select]) => [heading, select.value === NONE ? "" : select.value]);
  const dataset = one("dataset").value.trim();
  const query = dataset ? `?dataset=${encodeURIComponent(dataset)}` : "";
  const body = JSON.stringify({ mapping: Object.fromEntries(decided) });
  try {
    const answer = await ask(`/v1/surveys/mappings${query}`, { method: "PUT", body, headers: { "Content-Type": "application/json" } });
    const told = await answer.json();
    one("dataset").value = told.dataset; // the next check then knows whose headings they are
    one("headings").replaceChildren();
    say(one("headings-status"), `✔ ${t("headings_kept", { dataset: told.dataset })}`, "good");
  } catch (refusal) {
    say(one("headings-status"), refusal.message, "bad");
  }
}
