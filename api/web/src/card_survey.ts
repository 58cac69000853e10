// The card of a survey event: what was done, what was looked for, what was found, what is not told and why.
import { element, heading, list, metres, names, number, paragraph, table, text, title, words } from './card_basics';
import { country } from './card_standing';
import { designTitle, unit } from './designs';
import { dataset, datasetAddress, recordsAddress, type Box, type Feature, type Properties } from './service';

const SQUARES: Record<string, string> = {
  '1_degree': 'a square of 1° (about 110 km)',
  '0_1_degree': 'a square of 0.1° (about 11 km)',
  '0_01_degree': 'a square of 0.01° (about 1 km)',
  '0_001_degree': 'a square of 0.001° (about 100 m)',
};
const BASES: Record<string, string> = {
  told: 'as its team tells it',
  times: 'counted from its times',
  line: 'measured along its line',
  area: 'measured on its outline',
};

export function survey(feature: Feature, inView: Box): (Node | string)[] {
  const p = feature.properties;
  const kind = designTitle(p['design']) || text(p['samplingProtocol']);
  const method = text(p['samplingProtocol']);
  return [
    title('Survey event', kind === '–' ? 'Survey' : kind),
    ofDataset(p['datasetKey']),
    coarse(feature),
    table([
      ['Design', designTitle(p['design']) || 'not told'],
      ['Method', method.toLowerCase() === kind.toLowerCase() ? '–' : method],
      ['Days', days(p)],
      ['Effort', effort(p)],
      ['Without observation', typeof p['failed_days'] === 'number' && p['failed_days'] > 0 ? `${number(p['failed_days'], 1)} days, taken off the effort` : '–'],
      ['Looked for', names(p['targetTaxonomicScope']).length ? list(p['targetTaxonomicScope']) : 'not told'],
      ['Not found', absence(p)],
      ['Place', text(p['locality'])],
      ['Habitat', text(p['habitat'])],
      ['Countries', element('div', '', ...names(p['country_codes']).flatMap((code, n) => (n ? [', ', country(code)] : [country(code)])))],
      ['Uncertainty', metres(p['coordinateUncertaintyInMeters'])],
      ['Event', text(p['eventID'])],
      ['Part of', text(p['parentEventID'])],
    ]),
    found(p, inView),
    rights(p),
  ];
}

/** Title and licence of the dataset, and how to cite it, once they have come. */
function ofDataset(key: unknown): HTMLElement {
  const place = element('p', 'of-dataset', 'Dataset: ');
  if (typeof key !== 'string') return element('p', 'of-dataset', 'Its dataset is not told.');
  const anchor = link(datasetAddress(key), key);
  place.append(anchor);
  dataset(key)
    .then((told) => {
      anchor.textContent = text(told['title'] ?? key);
      const cite = (told['citation'] as Properties | undefined)?.['text'];
      const slot = place.closest('#card')?.querySelector('.survey-cite');
      if (typeof cite === 'string') slot?.append(heading('How to cite'), paragraph(cite, 'citation'));
    })
    .catch(() => undefined); // its key stands there already, and leads to its page
  return place;
}

function coarse(feature: Feature): HTMLElement | string {
  const p = feature.properties;
  const nowhere = feature.geometry === null;
  if (p['sharing_category'] === 'open') {
    return nowhere ? paragraph('No place of this event is published.', 'warning') : '';
  }
  const place = nowhere ? 'No place is told' : `The place is told as ${SQUARES[text(p['sharing_category'])] ?? 'a coarse one'}`;
  const told = element(
    'div',
    'warning',
    paragraph(
      `${place}, because a sensitive species was recorded at this station, or a rule asks it. Its days, site and ` +
        'numbers of records are left out, and its effort is rounded, since they would tell the place to whoever knows the survey.',
    ),
  );
  const reasons = [p['dataGeneralizations'], p['informationWithheld']].filter((reason) => typeof reason === 'string' && reason);
  if (reasons.length) {
    told.append(element('details', '', element('summary', '', 'The rule and its reason'), ...reasons.map((reason) => paragraph(text(reason)))));
  }
  return told;
}

function days(p: Properties): string {
  const [first, last] = [text(p['event_start']), text(p['event_end'])];
  if (first === '–') return p['year'] === null ? 'not told' : `${text(p['year'])} (only the year is published)`;
  return last === '–' || last === first ? first : `${first} to ${last}`;
}

function effort(p: Properties): string {
  const value = p['effort_value'];
  if (typeof value !== 'number') return 'not told';
  const basis = BASES[text(p['effort_basis'])];
  const rounded = p['sharing_category'] === 'open' ? '' : 'about ';
  return `${rounded}${number(value, 2)} ${unit(text(p['effort_unit']), value)}${basis ? `, ${basis}` : ''}`;
}

function absence(p: Properties): string {
  if (p['isAbsenceReported'] === true) return 'what was looked for and is not among the records was not found, unless a sharing rule hides its places';
  return p['isAbsenceReported'] === false ? 'nothing is said of what was not found' : '–';
}

function found(p: Properties, inView: Box): HTMLElement {
  const key = text(p['datasetKey']);
  const told = element('div', '', heading('What was found'));
  if (typeof p['records'] === 'number') {
    const records = p['records'];
    const sum = records
      ? `${number(records, 0)} published ${records === 1 ? 'record' : 'records'} of ${number(p['species'], 0)} species. `
      : 'No record of it is published: nothing was found, or what was found is withheld.';
    const line = paragraph(sum);
    if (records && typeof p['eventID'] === 'string') {
      const event = `'${p['eventID'].replaceAll("'", "''")}'`;
      line.append(link(recordsAddress(key, { filter: `eventID = ${event} OR parentEventID = ${event}` }), 'See its records'));
    }
    told.append(line);
    return told;
  }
  const line = paragraph('Which records are its own is not told: that would tell the place. ');
  line.append(link(recordsAddress(key, { bbox: inView.join(',') }), 'See the records of its dataset in this part of the map'));
  told.append(line);
  return told;
}

function rights(p: Properties): HTMLElement {
  return element(
    'div',
    'survey-cite',
    table([
      ['Licence', text(p['license']) === '–' ? 'as its dataset tells' : licence(text(p['license']))],
      ['Labels of communities', list(p['community_labels'])],
      ['Doubts', names(p['quality_flags']).map((name) => words(name.toLowerCase())).join('; ') || '–'],
    ]),
  );
}

/** CC_BY_4_0 as it is written: CC BY 4.0. */
function licence(name: string): string {
  return name.replace(/_(\d)_(\d)$/, ' $1.$2').replaceAll('_', ' ');
}

function link(address: string, words_: string): HTMLElement {
  const anchor = element('a', '', words_);
  anchor.setAttribute('href', address);
  return anchor;
}
