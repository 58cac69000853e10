// The card of a candidate: front and rank, hard criteria, evidence by side, criteria, what is unknown.
import {
  element, heading, list, names, node, number, object, paragraph, percent, squareKilometres, table, text, title, words,
} from './card_basics';
import { evidence, report, sharing } from './card_evidence';
import type { Properties } from './service';

const VIEW_WORDS: Record<string, string> = {
  public: 'what is published of them alone',
  exact: 'the records themselves',
};

export function candidate(p: Properties): Node[] {
  const parts = Object.entries(object(p['parts'])).map(([name, value]) => part(name, object(value)));
  const told = object(p['evidence']);
  const ranking = object(told['ranking']);
  return [
    title('Candidate transboundary reserve', text(p['name'])),
    paragraph(
      `Rank ${text(p['rank'])} of its run, Pareto front ${text(p['front'])}: first under ${percent(p['acceptability'])} of ` +
        `${number(ranking['draws'], 0)} sampled weights, among the first ${text(ranking['first'])} under ${percent(p['within_first'])}.`,
    ),
    report(p['candidate_id']),
    table([
      ['Countries', shares(object(object(told['ground'])['countries'])) || list(p['country_codes'])],
      ['Area', squareKilometres(p['area_km2'])],
      ['Boundary disagreement', `${squareKilometres(p['boundary_disagreement_km2'])} (no evidence)`],
      ['Records', VIEW_WORDS[text(p['evidence_view'])] ?? '–'],
    ]),
    ...hardCriteria(object(told['hard_criteria'])),
    ...sides(object(told['species'])),
    heading('Criteria'),
    element('div', 'parts', ...parts),
    ...unknown(object(p['parts']), told),
    ...evidence(p['evidence']),
    sharing(p),
  ].map(node);
}

function shares(countries: Properties): string {
  return Object.entries(countries)
    .map(([code, share]) => `${code} ${number(object(share)['percent'], 1)} %`)
    .join(', ');
}

function hardCriteria(checks: Properties): HTMLElement[] {
  const items = Object.entries(checks).map(([name, check]) => {
    const passed = object(check)['passed'];
    const outcome = passed === true ? 'passed' : passed === false ? 'not passed' : 'could not be tested';
    const item = element('li', passed === true ? 'passed' : 'failed', `${words(name)}: ${outcome}`);
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
  const heads = ['Species', ...codes].map((name) => {
    const head = element('th', '', name);
    head.setAttribute('scope', 'col');
    return head;
  });
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

function part(name: string, told: Properties): HTMLElement {
  const value = typeof told['value'] === 'number' ? `${number(told['value'], 2)} ${text(told['unit'])}` : 'not known';
  return element(
    'div',
    'part',
    element('span', 'part-name', words(name)),
    element('span', 'part-value', `${value} (${text(told['direction'])} is better)`),
    element('p', 'part-meaning', text(told['meaning'])),
  );
}
