// What an upload would change: what has to be known of it, counts, and cells; values only where they tell no place and no taxon.

import { called, el, t, table, terms } from "/surveys/dom.js";

const KINDS = ["new", "changed", "renamed", "gone", "unchanged"];
const MOST = 200;

export function differenceView(told) {
  const kinds = ["occurrences", "events"].filter((name) => told[name]);
  const counts = table(t("difference"), ["", ...KINDS.map((kind) => called("kind", kind))], kinds.map((name) => [t(name), ...KINDS.map((kind) => told[name].counts[kind] ?? 0)]));
  const [gone, lacking] = [kinds.some((name) => told[name].counts.gone), kinds.some((name) => told[name].lacking)];
  return el(
    "div",
    { class: "difference" },
    ...(told.notes ?? []).map((note) => el("p", { class: "note", "data-code": note.code }, note.message)),
    counts,
    gone ? el("p", {}, t("gone_go")) : null,
    lacking ? el("p", {}, t("gone_stay")) : null,
    ...kinds.flatMap((name) => [...fields(told[name], t(name)), ...places(told[name], t(name))]),
  );
}

function fields(told, name) {
  const parts = [];
  const columns = Object.entries(told.changed_cells ?? {});
  if (columns.length) parts.push(el("p", {}, `${name}, ${t("changed_fields")}: ${columns.map(([column, count]) => `${terms[column] ?? column} (${count})`).join(", ")}`));
  const cells = (told.changed ?? []).slice(0, MOST);
  if (cells.length) {
    const rows = cells.map((cell) => [cell.sheet, cell.row, terms[cell.column] ?? cell.column, value(cell, "before"), value(cell, "after")]);
    const heads = [t("sheet"), t("row"), t("column"), t("before"), t("after")];
    const more = columns.reduce((sum, [, count]) => sum + count, 0) - cells.length;
    parts.push(el("details", {}, el("summary", {}, `${name}: ${t("changed_fields")}`), table(t("changed_fields"), heads, rows), more > 0 ? el("p", {}, t("and_more", { count: more })) : null));
  }
  return parts;
}

/** Where rows stand that are new, renamed or gone: of one that is in the file no more, in the file that told it. */
function places(told, name) {
  const view = (kind, heads, cells) => {
    const listed = told[kind] ?? [];
    if (!listed.length) return [];
    const more = told.counts[kind] - Math.min(listed.length, MOST);
    const title = `${name}: ${called("kind", kind)} (${told.counts[kind]})`;
    return [el("details", { "data-kind": kind }, el("summary", {}, title), table(title, heads, listed.slice(0, MOST).map(cells)), more > 0 ? el("p", {}, t("and_more", { count: more })) : null)];
  };
  return [
    ...view("new", [t("sheet"), t("row")], (one) => [one.sheet, one.row]),
    ...view("renamed", [t("sheet"), t("row"), t("row_before"), t("identifiers")], (one) => [one.sheet, one.row, one.was_row, (one.renamed ?? "own").split(" and ").map((which) => called("identifier", which)).join(", ")]),
    ...view("gone", [t("identifiers"), t("file_column"), t("sheet"), t("row_before")], (one) => [one.before ?? t("cell_kept_back"), one.survey ? t("survey_number", { number: one.survey }) : null, one.was_sheet, one.was_row]),
  ];
}

function value(cell, which) {
  if (!cell.shown) return t("cell_kept_back");
  return cell[which] ?? t("cell_empty");
}
