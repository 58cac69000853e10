// The card of a candidate: front and rank, hard criteria, evidence by side, criteria, what is unknown.
import {
  element, heading, list, names, node, number, object, paragraph, percent, squareKilometres, table, text, title, words,
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
      ['Records', VIEW_WORDS[text(p['evidence_view'])] ?? '–'],
    ]),
    ...hardCriteria(object(told['hard_criteria'])),
    ...sides(object(told['species'])),
    heading('Criteria'),
    element('div', 'parts', ...parts),
    ...unknown(object(p['parts']), told),
    standing(p['candidate_id']),
    ...evidence(p['evidence']),
    sharing(p),
  ].map(node);
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

/** Records that count, by species and side; species on two sides first. */
function sides(told: Properties): HTMLElement[] {
  const byCountry = object(told['by_country']);
  const codes = Object.keys(byCountry);
  if (!codes.length) return [];
  const shared = new Set(names(told['shared']));
  const cells = object(told['at_cells']);
  const count = (code: string, species: string): number => Number(object(byCountry[code])[species] ?? 0);
  const found = new Set(codes.flatMap((code) => Object.keys(object(byCountry[code]))));
  const species = [...found].sort((a, b) => Number(shared.has(b)) - Number(shared.has(a)) || a.localeCompare(b));
  const rows = species.map((name) => {
    const head = element('th', '', name + (name in cells ? ' *' : ''));
    head.setAttribute('scope', 'row');
    return element('tr', shared.has(name) ? 'shared' : '', head, ...codes.map((code) => element('td', '', String(count(code, name)))));
  });
  const heads = [element('th', '', 'Species'), ...codes.map((code) => country(code, 'th'))];
  for (const head of heads) head.setAttribute('scope', 'col');
  const body = element('table', 'sides', element('thead', '', element('tr', '', ...heads)), element('tbody', '', ...rows));
  const summary = element('summary', '', `${shared.size} threatened species on two sides, ${species.length - shared.size} on one`);
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
