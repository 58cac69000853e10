// The card: everything that was said of what was clicked, as text (never as markup from the data).
import { closeButton, element, later, list, metres, names, node, number, paragraph, squareKilometres, table, text, title, words } from './card_basics';
import { candidate, considered } from './card_candidate';
import { evidence, report, runNotes, sharing } from './card_evidence';
import { country, standing } from './card_standing';
import { survey } from './card_survey';
import { record as recordOf, type Feature, type Properties } from './service';
import { language } from './words';

const FLAG_WORDS: Record<string, string> = {
  BORDER_AMBIGUOUS: 'close to a border: either side may be right',
  COUNTRY_COORDINATE_MISMATCH: 'falls in another country than stated',
  PRESUMED_SWAPPED_COORDINATE: 'latitude and longitude may be swapped',
  RECORDED_DATE_EXCEL_SERIAL: 'date is a spreadsheet number; a date is proposed',
  GEODETIC_DATUM_ASSUMED_WGS84: 'no datum stated; WGS 84 assumed',
};

export interface Shown {
  close: () => void;
  /** Other features of the same spot, with what opens them. */
  others?: HTMLElement | undefined;
}

/** Fill and show the card. */
export function showCard(card: HTMLElement, collection: string, feature: Feature, shown: Shown): void {
  const parts: Record<string, (told: Feature) => (Node | string)[]> = {
    occurrences: (told) => occurrence(told.properties),
    protected_areas: (told) => area(told.properties),
    corridors: (told) => corridor(told.properties),
    reserve_candidates: (told) => candidate(told.properties),
    considered_ground: (told) => considered(told.properties),
    surveys: (told) => survey(told).map(node),
  };
  const made = parts[collection];
  if (!made) return;
  card.replaceChildren(closeButton(shown.close), ...(shown.others ? [shown.others] : []), ...made(feature).filter((part) => part !== ''));
  card.hidden = false;
  card.lang = collection === 'surveys' ? language : 'en'; // other cards have English words alone
  card.dataset['collection'] = collection;
}

function corridor(p: Properties): Node[] {
  return [
    title('Corridor', `${text(p['from_name'])} – ${text(p['to_name'])}`),
    ...runNotes(p),
    table([
      ['Countries', element('div', '', ...names(p['country_codes']).map((code) => element('div', '', country(code))))],
      ['Least accumulated cost', metres(p['least_cost'], 'cost-')],
      ['Straight distance', metres(p['euclidean_m'])],
      ['Length of the path', metres(p['path_length_m'])],
      ['Cost per straight metre', number(p['cost_ratio'], 2)],
      ['Width, median', metres(p['width_m'])],
      ['Width, narrowest', metres(p['narrowest_m'])],
      ['Area', squareKilometres(p['area_km2'])],
    ]),
    report(p['corridor_id']),
    paragraph('A model of where moving is cheapest under resistances that people chose; no record of any animal was asked.', 'part-meaning'),
    standing(p['corridor_id']),
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
  return p['sharing_category'] === 'open' ? record(p) : presence(p);
}

/** What stands for all records of a sensitive taxon in a square, which the map draws: why its place is coarse, and who can change it. */
function presence(p: Properties): Node[] {
  return [
    title('Presence', text(p['species'] ?? p['scientificName'])),
    paragraph(text(p['dataGeneralizations']), 'warning'),
    table([
      ['Year', text(p['year'])],
      ['Countries of the square', list(p['country_codes'])],
      ['Province', text(p['province_code'])],
      ['Half its diagonal', metres(p['coordinateUncertaintyInMeters'])],
      ['Red List', text(p['iucnRedListCategory'])],
      ['Licence', text(p['license']).replaceAll('_', ' ')],
      ['Dataset', text(p['datasetKey'])],
      ['Presence', text(p['key'])],
    ]),
    statuses(p['key']),
    flags(p['quality_flags']),
    p['informationWithheld'] ? paragraph(text(p['informationWithheld']), 'sharing') : sharing(p),
  ].map(node);
}

function record(p: Properties): Node[] {
  return [
    title('Occurrence', text(p['species'] ?? p['scientificName'])),
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
    statuses(p['key']),
    flags(p['quality_flags']),
  ].map(node);
}

const STATUSES: [column: string, label: string][] = [
  ['redList', 'Red Lists'],
  ['cites', 'CITES'],
  ['nationalProtection', 'Protected by law'],
  ['isInvasive', 'Invasive'],
  ['listedEstablishmentMeans', 'Native or introduced'],
  ['endemicTo', 'Endemic to'],
];

/** What lists say of the record's taxon where it lies. */
function statuses(key: unknown): HTMLElement {
  return later(recordOf(key).then((told) => STATUSES.map(([column, label]) => [label, text(told[column])])));
}

function flags(value: unknown): HTMLElement | string {
  const names = Array.isArray(value) ? value.map(String) : [];
  if (!names.length) return '';
  const items = names.map((name) => element('li', '', FLAG_WORDS[name] ?? words(name.toLowerCase())));
  return element('div', 'flags', element('h3', '', 'Doubts'), element('ul', '', ...items));
}
