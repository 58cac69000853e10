// The card: everything that was said of what was clicked, as text (never as markup from the data).
import type { Feature, Properties } from './service';

type Row = [label: string, value: string];

const FLAG_WORDS: Record<string, string> = {
  BORDER_AMBIGUOUS: 'close to a border: either side may be right',
  COUNTRY_COORDINATE_MISMATCH: 'falls in another country than stated',
  PRESUMED_SWAPPED_COORDINATE: 'latitude and longitude may be swapped',
  RECORDED_DATE_EXCEL_SERIAL: 'date is a spreadsheet number; a date is proposed',
  GEODETIC_DATUM_ASSUMED_WGS84: 'no datum stated; WGS 84 assumed',
};

const CATEGORY_WORDS: Record<string, string> = {
  '1_degree': 'as a cell of 1°',
  '0_1_degree': 'as a cell of 0.1°',
  '0_01_degree': 'as a cell of 0.01°',
  '0_001_degree': 'as a cell of 0.001°',
};

/** Fill and show the card. */
export function showCard(card: HTMLElement, collection: string, feature: Feature, close: () => void): void {
  const parts = {
    occurrences: occurrence,
    protected_areas: area,
    corridors: corridor,
    reserve_candidates: candidate,
  }[collection];
  if (!parts) return;
  card.replaceChildren(closeButton(close), ...parts(feature.properties));
  card.hidden = false;
  card.dataset['collection'] = collection;
}

function corridor(p: Properties): Node[] {
  const functional = p['functional'] !== false;
  return [
    title('Corridor', `${text(p['from_name'])} – ${text(p['to_name'])}`),
    functional ? '' : paragraph('No functional link was found under the cost limit of this run.', 'warning'),
    table([
      ['Countries', list(p['country_codes'])],
      ['Least accumulated cost', metres(p['least_cost'], 'cost-')],
      ['Straight distance', metres(p['euclidean_m'])],
      ['Length of the path', metres(p['path_length_m'])],
      ['Cost per straight metre', number(p['cost_ratio'], 2)],
      ['Width, median', metres(p['width_m'])],
      ['Width, narrowest', metres(p['narrowest_m'])],
      ['Area', squareKilometres(p['area_km2'])],
    ]),
    ...evidence(p['evidence']),
    sharing(p),
  ].map(node);
}

function candidate(p: Properties): Node[] {
  const parts = Object.entries(object(p['parts'])).map(([name, value]) => part(name, object(value)));
  const ranking = object(object(p['evidence'])['ranking']);
  return [
    title('Candidate transboundary reserve', text(p['name'])),
    paragraph(
      `Rank ${text(p['rank'])} of its run, Pareto front ${text(p['front'])}: first under ${percent(p['acceptability'])} of ` +
        `${number(ranking['draws'], 0)} sampled weights, among the first ${text(ranking['first'])} under ${percent(p['within_first'])}.`,
    ),
    table([
      ['Countries', list(p['country_codes'])],
      ['Area', squareKilometres(p['area_km2'])],
      ['Boundary disagreement', `${squareKilometres(p['boundary_disagreement_km2'])} (no evidence)`],
    ]),
    element('div', 'parts', ...parts),
    ...evidence(p['evidence']),
    sharing(p),
  ].map(node);
}

function area(p: Properties): Node[] {
  return [
    title('Protected area', text(p['name'] ?? p['original_name'])),
    table([
      ['Name in its language', text(p['original_name'])],
      ['Designation', text(p['designation'])],
      ['IUCN category', text(p['iucn_category'])],
      ['Status', [text(p['status']), text(p['status_year'])].filter((t) => t !== '–').join(', ') || '–'],
      ['Countries stated', list(p['country_codes'])],
      ['Area reported', squareKilometres(p['reported_area_km2'])],
      ['Area of this polygon', squareKilometres(p['computed_area_km2'])],
      ['Beyond its countries', squareKilometres(p['spill_km2'])],
      ['… outside the border band', squareKilometres(p['spill_outside_band_km2'])],
    ]),
    flags(p['quality_flags']),
  ].map(node);
}

function occurrence(p: Properties): Node[] {
  const generalised = p['sharing_category'] !== 'open';
  return [
    title('Occurrence', text(p['species'] ?? p['scientificName'])),
    generalised ? paragraph(text(p['dataGeneralizations']), 'warning') : '',
    table([
      ['Name as recorded', text(p['scientificName'])],
      ['Date', text(p['eventDate'] ?? p['year'])],
      ['Country', text(p['countryCode'])],
      ['Province', text(p['province_code'])],
      ['Uncertainty of the place', metres(p['coordinateUncertaintyInMeters'])],
      ['Basis', text(p['basisOfRecord']).toLowerCase().replaceAll('_', ' ')],
      ['Individuals', text(p['individualCount'])],
      ['Red List', text(p['iucnRedListCategory'])],
      ['Licence', text(p['license']).replaceAll('_', ' ')],
      ['Dataset', text(p['datasetKey'])],
      ['Record', text(p['key'])],
    ]),
    flags(p['quality_flags']),
    sharing(p),
  ].map(node);
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

function evidence(value: unknown): HTMLElement[] {
  const entries = Object.entries(object(value));
  if (!entries.length) return [];
  const details = element('details', 'evidence', element('summary', '', 'Evidence and parameters'));
  details.append(tree(Object.fromEntries(entries)));
  return [details];
}

function tree(value: unknown): HTMLElement {
  if (Array.isArray(value)) {
    if (value.every((v) => typeof v !== 'object' || v === null)) return element('span', '', value.map(plain).join(', ') || '–');
    return element('ul', '', ...value.map((v) => element('li', '', tree(v))));
  }
  if (typeof value === 'object' && value !== null) {
    const rows = Object.entries(value).flatMap(([k, v]) => [element('dt', '', words(k)), element('dd', '', tree(v))]);
    return element('dl', '', ...rows);
  }
  return element('span', '', plain(value));
}

function flags(value: unknown): HTMLElement | string {
  const names = Array.isArray(value) ? value.map(String) : [];
  if (!names.length) return '';
  const items = names.map((name) => element('li', '', FLAG_WORDS[name] ?? words(name.toLowerCase())));
  return element('div', 'flags', element('h3', '', 'Doubts'), element('ul', '', ...items));
}

function sharing(p: Properties): HTMLElement | string {
  const category = text(p['sharing_category']);
  if (category === '–' || category === 'open') return '';
  return paragraph(`Shared ${CATEGORY_WORDS[category] ?? category}${p['sharing_rule'] ? `, by the rule “${text(p['sharing_rule'])}”` : ''}.`, 'sharing');
}

function title(kind: string, name: string): HTMLElement {
  return element('header', '', element('p', 'kind', kind), element('h2', '', name));
}

function table(rows: Row[]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== '–');
  return element('dl', 'facts', ...shown.flatMap(([label, value]) => [element('dt', '', label), element('dd', '', value)]));
}

function paragraph(content: string, className = ''): HTMLElement {
  return element('p', className, content);
}

function closeButton(close: () => void): HTMLElement {
  const button = element('button', 'close', '×');
  button.setAttribute('aria-label', 'Close the card');
  button.addEventListener('click', close);
  return button;
}

function element(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== ''));
  return made;
}

function node(value: Node | string): Node {
  return typeof value === 'string' ? document.createTextNode(value) : value;
}

function object(value: unknown): Properties {
  if (typeof value === 'string') {
    try {
      return object(JSON.parse(value));
    } catch {
      return {};
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Properties) : {};
}

function text(value: unknown): string {
  return value === null || value === undefined || value === '' ? '–' : String(value);
}

function plain(value: unknown): string {
  return typeof value === 'number' ? number(value, 3) : text(value);
}

function list(value: unknown): string {
  return Array.isArray(value) && value.length ? value.join(', ') : text(Array.isArray(value) ? null : value);
}

function words(name: string): string {
  return name.replaceAll('_', ' ');
}

function number(value: unknown, digits: number): string {
  return typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: digits }) : '–';
}

function percent(value: unknown): string {
  return typeof value === 'number' ? `${number(100 * value, 1)} %` : '–';
}

function metres(value: unknown, prefix = ''): string {
  if (typeof value !== 'number') return '–';
  if (value >= 10000) return `${number(value / 1000, 1)} ${prefix}km`;
  return `${number(value, 0)} ${prefix}m`;
}

function squareKilometres(value: unknown): string {
  return typeof value === 'number' ? `${number(value, value < 10 ? 2 : 0)} km²` : '–';
}
