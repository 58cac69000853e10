// The card of a candidate: front and rank, hard criteria, evidence by side, criteria, what is unknown.
import {
  element, heading, list, metres, names, node, number, object, paragraph, percent, squareKilometres, table, text, title, words,
} from './card_basics';
import { evidence, report, runNotes, sharing } from './card_evidence';
import { strip } from './card_plot';
import { country, standing } from './card_standing';
import type { Properties } from './service';

const CHECKS: Record<string, string> = {
  two_sided_evidence: 'threatened species recorded on both sides',
  passable_link: 'a way that animals could take',
  beyond_band: 'more than disagreement between maps',
};

const TIERS: Record<string, string> = {
  certain: 'certain: each side has a record that surely lies there of a species that another side has, too',
  probable: 'probable: on a side no record of a shared species lies surely, but at least one of several very likely does',
  listed: 'by a checklist: on a side no record shows a shared species, but a checklist of a protected area names it',
};

const VIEW_WORDS: Record<string, string> = {
  public: 'what is published of them alone',
  exact: 'the records themselves',
};

export function candidate(p: Properties): Node[] {
  const told = object(p['evidence']);
  const ranking = object(told['ranking']);
  const run = Object.entries(object(ranking['values']));
  const others = run.filter(([rank]) => rank !== String(p['rank'])).map(([, values]) => object(values));
  const parts = Object.entries(object(p['parts'])).map(([name, value]) => part(name, object(value), others.map((one) => one[name])));
  return [
    title('Candidate transboundary reserve', text(p['name'])),
    paragraph(
      `Place ${text(p['rank'])} of ${number(run.length, 0)} in its run, front ${text(p['front'])} (Pareto): ` +
        (p['front'] === 1 ? 'no other' : 'another') +
        ' candidate is at least as good in every criterion and better in one. ' +
        `Weighed in ${number(ranking['draws'], 0)} ways drawn by chance, it comes first in ${percent(p['acceptability'])} of them, ` +
        `among the first ${text(ranking['first'])} in ${percent(p['within_first'])}.`,
    ),
    ...runNotes(p),
    report(p['candidate_id']),
    table([
      ['Countries', shares(object(object(told['ground'])['countries'])) ?? list(p['country_codes'])],
      ['Area', squareKilometres(p['area_km2'])],
      ['Boundary disagreement', `${squareKilometres(p['boundary_disagreement_km2'])} (no evidence)`],
      ['Evidence', TIERS[text(p['evidence_tier'])] ?? '–'],
      ['Records', VIEW_WORDS[text(p['evidence_view'])] ?? '–'],
      ['Certain from', asked(told)],
    ]),
    ...hardCriteria(object(told['hard_criteria'])),
    ...sides(object(told['species'])),
    ...lifts(told),
    heading('Criteria'),
    element('div', 'parts', ...parts),
    ...unknown(object(p['parts']), told),
    standing(p['candidate_id']),
    ...evidence(p['evidence']),
    sharing(p),
  ].map(node);
}

/** Ground that was looked at: the one reason why it is no candidate, and what would change that. */
export function considered(p: Properties): Node[] {
  const told = object(p['evidence']);
  return [
    title('Ground that was looked at', text(p['name'])),
    paragraph(p['reason'] ? `No candidate: ${text(p['reason'])}.` : 'It passes every hard criterion; the candidate has a card of its own.'),
    report(p['considered_id']),
    table([
      ['Countries', list(p['country_codes'])],
      ['Evidence', TIERS[text(p['evidence_tier'])] ?? 'neither certain nor probable on every side'],
      ['Records', VIEW_WORDS[text(p['evidence_view'])] ?? '–'],
      ['Certain from', asked(told)],
    ]),
    ...hardCriteria(object(told['hard_criteria'])),
    ...lifts(told),
    ...evidence(p['evidence']),
    sharing(p),
  ].map(node);
}

/** What a record needs to be certain on a side, and several to be probable. */
function asked(told: Properties): string {
  const certainty = object(object(told['counted'])['parameters'])['side_share'] ?? told['certainty'];
  return `${number(certainty, 4)} of the uncertainty on a side, ${metres(object(told['boundaries'])['band_m'])} or more from the border`;
}

function lifts(told: Properties): HTMLElement[] {
  const found = Array.isArray(told['lifts']) ? told['lifts'].map((one) => text(object(one)['words'])) : [];
  return found.length ? [heading('What would make the evidence surer'), element('ul', 'checks', ...found.map((one) => element('li', '', one)))] : [];
}

function shares(countries: Properties): Node | null {
  const entries = Object.entries(countries);
  if (!entries.length) return null;
  const lines = entries.map(([code, share]) => element('div', '', country(code), ` ${number(object(share)['percent'], 1)} %`));
  return element('div', '', ...lines);
}

function hardCriteria(checks: Properties): HTMLElement[] {
  const items = Object.entries(checks).map(([name, check]) => {
    const passed = object(check)['passed'];
    const outcome = passed === true ? 'passed' : passed === false ? 'not passed' : 'could not be tested';
    const item = element('li', passed === true ? 'passed' : 'failed', `${CHECKS[name] ?? words(name)}: ${outcome}`);
    item.title = text(object(check)['meaning']);
    return item;
  });
  return items.length ? [heading('Hard criteria'), element('ul', 'checks', ...items)] : [];
}

/** Records that count, by species and side, and where there is none the chance that others lie there; species on two sides first. */
function sides(told: Properties): HTMLElement[] {
  const byCountry = object(told['by_country']);
  const codes = Object.keys(byCountry);
  if (!codes.length) return [];
  const uncertain = object(told['uncertain']);
  const certain = names(told['shared']);
  const listed = object(told['listed']);
  const byList = names(told['shared_by_list']);
  const shared = new Set([...certain, ...names(told['probably_shared']), ...byList]);
  const cells = object(told['at_cells']);
  const count = (code: string, species: string): string => {
    const chance = object(object(uncertain[code])[species])['chance'];
    const records = object(byCountry[code])[species];
    const sources = names(object(listed[code])[species]);
    const shown = records === undefined && typeof chance === 'number' ? `chance ${number(Math.min(chance, 0.999), 3)}` : String(records ?? 0);
    return sources.length ? `${shown}; checklist: ${sources.join(', ')}` : shown;
  };
  const found = new Set(codes.flatMap((code) => [...Object.keys(object(byCountry[code])), ...Object.keys(object(uncertain[code])), ...Object.keys(object(listed[code]))]));
  const species = [...found].sort((a, b) => Number(shared.has(b)) - Number(shared.has(a)) || a.localeCompare(b));
  const rows = species.map((name) => {
    const head = element('th', '', name + (name in cells ? ' *' : ''));
    head.setAttribute('scope', 'row');
    return element('tr', shared.has(name) ? 'shared' : '', head, ...codes.map((code) => element('td', '', count(code, name))));
  });
  const heads = [element('th', '', 'Species'), ...codes.map((code) => country(code, 'th'))];
  for (const head of heads) head.setAttribute('scope', 'col');
  const body = element('table', 'sides', element('thead', '', element('tr', '', ...heads)), element('tbody', '', ...rows));
  const summary = element('summary', '', `${certain.length} threatened species certain on two sides, ${shared.size - certain.length - byList.length} more probable, ${byList.length} by a checklist, ${species.length - shared.size} on one at most`);
  const details = element('details', 'evidence', summary, body);
  if (Object.keys(cells).length) {
    details.append(paragraph('* told at the scale of the cell that is published of its records.', 'part-meaning'));
  }
  return [heading('Records that count, by side'), details];
}

function unknown(parts: Properties, told: Properties): HTMLElement[] {
  const items = Object.entries(parts)
    .filter(([, value]) => typeof object(value)['value'] !== 'number')
    .map(([name]) => `${words(name)}: not known, counted as worse than every known value`);
  const tasks = object(told['species'])['one_sided'];
  for (const task of Array.isArray(tasks) ? tasks.map(object) : []) {
    items.push(`${text(task['species'])}: recorded in ${list(task['recorded_in'])}, to be looked for in ${list(task['survey_in'])}`);
  }
  return items.length ? [heading('Unknown'), element('ul', 'checks', ...items.map((item) => element('li', '', item)))] : [];
}

function part(name: string, told: Properties, others: unknown[]): HTMLElement {
  const direction = told['direction'] ? ` (${text(told['direction'])} is better)` : '';
  return element(
    'div',
    'part',
    element('span', 'part-name', words(name)),
    element('span', 'part-value', `${valued(told['value'], text(told['unit']))}${direction}`),
    strip(words(name), told['value'], others, told['direction']),
    element('p', 'part-meaning', text(told['meaning'])),
  );
}

/** A value with its unit; a share is told in percent. */
function valued(value: unknown, unit: string): string {
  if (typeof value !== 'number') return 'not known';
  return unit.startsWith('share ') ? `${percent(value)} ${unit.slice('share '.length)}` : `${number(value, 2)} ${unit}`;
}
