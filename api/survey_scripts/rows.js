// What is decided about: a survey's rows as they would be published, by event and on a small map; each side's reviewers see their own.

import { called, el, language, say, t, table, terms } from "/surveys/dom.js";
import { drawing } from "/surveys/drawing.js";
import { ask } from "/surveys/service.js";

const AT_ONCE = 100;
const CHANGES = ["new", "changed", "unchanged", "gone"];

/** The rows of a survey; `about(words)` begins a question, where the reader may ask one. */
export function rowsView(survey, about = null) {
  const status = el("p", { class: "status", role: "status", "aria-live": "polite" });
  const counts = el("ul", { class: "counts" });
  const events = el("div", {});
  const map = el("div", {});
  const shown = el("div", {});
  const legend = el("div", {});
  const change = el("select", { id: "rows-change" }, el("option", { value: "" }, t("all")), ...CHANGES.map((kind) => el("option", { value: kind }, called("kind", kind))));
  const more = el("button", { type: "button", class: "plain", hidden: true, onclick: () => load() }, t("more"));
  const whole = el("button", { type: "button", class: "plain", hidden: true, onclick: () => of(null) }, t("rows_all"));
  let event = null;
  let rows = [];
  let flags = {};
  let round = 0;

  change.addEventListener("input", () => load(true));

  function of(chosen) {
    event = chosen;
    whole.hidden = chosen === null;
    load(true);
  }

  async function load(anew = false) {
    const mine = ++round;
    if (anew) rows = [];
    const query = new URLSearchParams({ language, limit: AT_ONCE, offset: rows.length });
    if (change.value) query.set("change", change.value);
    if (event !== null) query.set("event", event);
    try {
      const told = await (await ask(`/v1/surveys/${survey.id}/rows?${query}`)).json();
      if (mine !== round) return;
      rows = [...rows, ...told.results];
      flags = { ...flags, ...told.flags };
      counts.replaceChildren(...Object.entries(told.counts).map(([side, of_side]) => el("li", {}, t("rows_counts", { side, ...of_side }))));
      say(status, told.count ? t("rows_shown", { shown: rows.length, count: told.count }) : t("rows_none"));
      more.hidden = rows.length >= told.count;
      draw();
    } catch (refusal) {
      say(status, refusal.message, "bad");
    }
  }

  function draw() {
    const common = Object.keys(flags).filter((flag) => rows.length > 1 && rows.every((row) => row.quality_flags?.includes(flag)));
    const own = new Set(rows.flatMap((row) => row.quality_flags ?? []).filter((flag) => !common.includes(flag)));
    const told = (names) => names.map((name) => el("li", {}, flags[name] ?? name, " ", el("small", {}, name)));
    legend.replaceChildren(...(common.length ? [el("p", {}, t("doubts_all")), el("ul", {}, ...told(common))] : []));
    map.replaceChildren(...drawing(rows, t("rows_map")));
    shown.replaceChildren(...(rows.length ? [records(rows, flags, own, about)] : []));
  }

  async function loadEvents() {
    try {
      const query = new URLSearchParams({ table: "events", language, limit: 500 });
      const told = await (await ask(`/v1/surveys/${survey.id}/rows?${query}`)).json();
      if (told.results.length) events.replaceChildren(eventTable(told, of));
    } catch (refusal) {
      say(status, refusal.message, "bad");
    }
  }

  loadEvents();
  load();
  return el("section", { id: "rows", "aria-label": t("rows_title") },
    el("h4", {}, t("rows_title")), el("p", {}, t("rows_help")), counts, events, map,
    el("div", { class: "filters" }, el("label", { for: "rows-change" }, t("change"), change), whole),
    status, legend, shown, more);
}

function records(rows, flags, own, about) {
  const heads = [t("change"), terms.occurrenceID, terms.scientificName, terms.individualCount, terms.eventDate, terms.eventID, t("place"), t("sides"), t("doubts"), ...(about ? [""] : [])];
  return table(t("rows_title"), heads, rows.map((row) => [
    el("span", { class: `badge ${row.change}` }, called("kind", row.change)),
    row.occurrenceID,
    value(row, "scientificName", el("em", {}, row.scientificName ?? "")),
    value(row, "individualCount", [row.individualCount ?? row.organismQuantity, row.occurrenceStatus === "ABSENT" ? row.occurrenceStatus : null].filter((part) => part !== null && part !== undefined).join(" ")),
    value(row, "eventDate", row.eventDate ?? row.year),
    row.eventID, place(row), row.sides.join(", "), doubts(row, flags, own),
    ...(about ? [el("button", { type: "button", class: "plain small ask", onclick: () => about(`${named(row)}: `) }, t("ask_row"))] : []),
  ]));
}

/** What would be published, above what is published now where that is another. */
function value(row, name, told) {
  const shown = told instanceof Node ? told : told === undefined || told === null || told === "" ? t("cell_empty") : String(told);
  if (!(row.before && Object.hasOwn(row.before, name))) return shown === t("cell_empty") ? null : shown;
  return el("div", {}, shown, el("br"), el("small", {}, `${t("before")}: ${row.before[name] ?? t("cell_empty")}`));
}

function place(row) {
  const told = [row.countryCode, row.locality].filter(Boolean).join(", ");
  const is = where(row);
  const was = row.before && ("decimalLatitude" in row.before || "decimalLongitude" in row.before)
    ? `${t("before")}: ${row.before.decimalLatitude ?? row.decimalLatitude ?? ""}, ${row.before.decimalLongitude ?? row.decimalLongitude ?? ""}` : null;
  return el("div", {}, is, told ? el("br") : null, told || null, was ? el("br") : null, was ? el("small", {}, was) : null);
}

function where(row) {
  if (row.cell_west !== undefined) return `${t("cell")} ${row.cell_south}–${row.cell_north}, ${row.cell_west}–${row.cell_east}`;
  return row.decimalLatitude === undefined ? t("cell_kept_back") : `${row.decimalLatitude}, ${row.decimalLongitude}`;
}

function doubts(row, flags, own) {
  const of_row = (row.quality_flags ?? []).filter((flag) => own.has(flag));
  const why = row.informationWithheld;
  if (!of_row.length && !why) return null;
  return el("div", {}, why ? el("p", {}, why) : null, ...of_row.map((flag) => el("p", {}, flags[flag] ?? flag, " ", el("small", {}, flag))));
}

/** A row by what is published of it, since its number in the file could tell more. */
function named(row) {
  return [row.occurrenceID, row.scientificName, row.eventDate ?? row.year, row.occurrenceID ? null : where(row)].filter(Boolean).join(", ");
}

function eventTable(told, of) {
  const heads = [terms.eventID, terms.samplingProtocol, terms.eventDate, t("effort"), t("days_without"), terms.targetTaxonomicScope, t("occurrences"), t("species_count"), t("place"), t("doubts")];
  const span = (e) => [...new Set([e.event_start, e.event_end].filter(Boolean))].join(" – ") || e.year;
  return table(t("events"), heads, told.results.map((e) => [
    e.eventID ? el("button", { type: "button", class: "plain small", "aria-label": `${t("event_rows")}: ${e.eventID}`, onclick: () => of(e.eventID) }, e.eventID) : t("cell_kept_back"),
    e.design ? called("design", e.design) : e.samplingProtocol,
    span(e),
    e.effort_value === undefined ? null : `${e.effort_value} ${e.effort_unit ? called("unit", e.effort_unit) : ""}`,
    e.failed_days, (e.targetTaxonomicScope ?? []).join(", "), e.records, e.species,
    [e.locality, (e.country_codes ?? []).join(", "), e.sharing_category === "open" ? null : `${t("cell")} ${box(e)}`].filter(Boolean).join(" · "),
    (e.quality_flags ?? []).length ? el("div", {}, ...e.quality_flags.map((flag) => el("p", {}, told.flags[flag] ?? flag, " ", el("small", {}, flag)))) : null,
  ]));
}

function box(e) {
  return e.west === undefined ? "" : `${e.south}–${e.north}, ${e.west}–${e.east}`;
}
