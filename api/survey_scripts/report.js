// What a check found: what must be mended first, filters, and a hundred at a time.

import { el, t, table } from "/surveys/dom.js";

const AT_ONCE = 100;

/** The report as elements; a report that is kept by the service tells no values. */
export function reportView(report, { name = "report" } = {}) {
  const problems = [...report.problems].sort((a, b) => Number(b.blocking) - Number(a.blocking));
  const values = problems.some((one) => one.value);
  const rights = problems.some((one) => one.expected);
  const rows = t("rows_read", { count: report.rows });
  const box = el("div", {});
  if (report.ok) box.append(el("p", { class: "good" }, `✔ ${t(problems.length ? "ok_warnings" : "ok", { warnings: report.warnings })} ${rows}`));
  else box.append(el("p", { class: "bad" }, `✖ ${t("blocked", { blocking: report.blocking, warnings: report.warnings })} ${rows}`));
  const notices = worthKnowing(report.notices ?? [], !problems.length);
  if (!problems.length) {
    box.append(notices);
    return box;
  }
  if (report.note) box.append(el("p", { class: "note" }, report.note));

  const kind = select(`${name}-kind`, [["", t("all")], ["blocking", t("blocking")], ["warning", t("warning")]]);
  const counts = new Map();
  for (const one of problems) counts.set(one.code, (counts.get(one.code) ?? 0) + 1);
  const code = select(`${name}-code`, [["", t("all")], ...[...counts].sort().map(([c, n]) => [c, `${c} (${n})`])]);
  const row = el("input", { id: `${name}-row`, type: "number", min: 1, inputmode: "numeric" });
  const count = el("p", { role: "status", "aria-live": "polite", class: "count" });
  const shown = el("div", {});
  const more = el("button", { type: "button", class: "plain" }, t("more"));
  let upTo = AT_ONCE;

  function draw() {
    const found = problems.filter(
      (one) =>
        (!kind.value || one.blocking === (kind.value === "blocking")) &&
        (!code.value || one.code === code.value) &&
        (!row.value || one.row === Number(row.value)),
    );
    count.textContent = t("shown", { shown: Math.min(upTo, found.length), count: found.length });
    more.hidden = found.length <= upTo;
    shown.replaceChildren(found.length ? listed(found.slice(0, upTo), values, rights) : "");
  }
  for (const field of [kind, code, row]) field.addEventListener("input", () => ((upTo = AT_ONCE), draw()));
  more.addEventListener("click", () => ((upTo += AT_ONCE), draw()));
  box.append(
    el("div", { class: "filters", role: "group", "aria-label": t("filters") }, labelled(t("severity"), kind), labelled(t("code"), code), labelled(t("row"), row)),
    count,
    shown,
    more,
    notices, // what must be mended stands first
  );
  draw();
  return box;
}

/** Notices, folded away where there are faults to read first. */
function worthKnowing(notices, open) {
  if (!notices.length) return "";
  const summary = el("summary", {}, `ℹ ${t("notices", { count: notices.length })}`);
  return el("details", { class: "notices", open }, summary, el("ul", {}, ...notices.map(notice)));
}

/** What is no fault and worth knowing, such as a name that makes its station coarse. */
function notice(one) {
  return el("li", {}, one.message, el("br"), el("small", {}, one.expected));
}

function listed(problems, values, rights) {
  const files = new Set(problems.map((one) => one.file)).size > 1;
  const heads = [t("severity"), ...(files ? [t("file_column")] : []), t("sheet"), t("row"), t("column"), ...(values ? [t("value")] : []), t("wrong"), ...(rights ? [t("right")] : [])];
  const rows = problems.map((one) => [
    el("span", { class: `badge ${one.blocking ? "blocking" : "warning"}` }, one.blocking ? `✖ ${t("blocking")}` : `⚠ ${t("warning")}`),
    ...(files ? [one.file] : []),
    one.sheet,
    one.row,
    one.column,
    ...(values ? [one.value ? el("span", { class: "value" }, one.value) : null] : []),
    el("div", {}, one.message ?? one.code, el("br"), el("small", {}, one.code)),
    ...(rights ? [one.expected] : []),
  ]);
  return table(t("problems"), heads, rows);
}

function select(id, choices) {
  return el("select", { id }, ...choices.map(([value, text]) => el("option", { value }, text)));
}

function labelled(text, field) {
  return el("label", { for: field.id }, text, field);
}
