// The card of a survey event: what was done, what was looked for, what was found, what is not told and why.
import { element, heading, list, metres, names, number, paragraph, table, text, title, words } from './card_basics';
import { country } from './card_standing';
import { designTitle, unit } from './designs';
import { el } from './dom';
import { dataset, datasetAddress, recordsAddress, type Feature, type Properties } from './service';
import { t } from './words';

const BASES: Record<string, string> = {
  told: t('as its team tells it'),
  times: t('counted from its times'),
  line: t('measured along its line'),
  area: t('measured on its outline'),
};

export function survey(feature: Feature): (Node | string)[] {
  const p = feature.properties;
  const kind = designTitle(p['design']) || text(p['samplingProtocol']);
  const method = text(p['samplingProtocol']);
  return [
    title(t('Survey event'), kind === '–' ? t('Survey') : kind),
    ofDataset(p['datasetKey']),
    feature.geometry === null ? paragraph(t('No place of this event is published.'), 'warning') : '',
    table([
      [t('Design'), designTitle(p['design']) || t('not told')],
      [t('Method'), [kind.toLowerCase(), text(p['design']).replaceAll('_', ' ')].includes(method.toLowerCase()) ? '–' : method],
      [t('Days'), days(p)],
      [t('Effort'), effort(p)],
      [t('Without observation'), typeof p['failed_days'] === 'number' && p['failed_days'] > 0 ? t('{n} days, taken off the effort', { n: number(p['failed_days'], 1) }) : '–'],
      [t('Looked for'), names(p['targetTaxonomicScope']).length ? list(p['targetTaxonomicScope']) : t('not told')],
      [t('Not found'), absence(p)],
      [t('Place'), text(p['locality'])],
      [t('Habitat'), text(p['habitat'])],
      [t('Countries'), element('div', '', ...names(p['country_codes']).flatMap((code, n) => (n ? [', ', country(code)] : [country(code)])))],
      [t('Uncertainty'), metres(p['coordinateUncertaintyInMeters'])],
      [t('Event'), text(p['eventID'])],
      [t('Part of'), text(p['parentEventID'])],
    ]),
    found(p),
    rights(p),
  ];
}

// Title and licence of the dataset, and how to cite it, once they have come.
function ofDataset(key: unknown): HTMLElement {
  if (typeof key !== 'string') return element('p', 'of-dataset', t('Its dataset is not told.'));
  const anchor = el('a', { href: datasetAddress(key) }, key);
  const place = element('p', 'of-dataset', t('Dataset: '), anchor);
  dataset(key)
    .then((told) => {
      anchor.textContent = text(told['title'] ?? key);
      const cite = (told['citation'] as Properties | undefined)?.['text'];
      const slot = place.closest('#card')?.querySelector('.survey-cite');
      if (typeof cite === 'string') slot?.append(heading(t('How to cite')), paragraph(cite, 'citation'));
    })
    .catch(() => undefined); // its key stands there already, and leads to its page
  return place;
}

function days(p: Properties): string {
  const [first, last] = [text(p['event_start']), text(p['event_end'])];
  if (first === '–') return p['year'] === null ? t('not told') : t('{year} (only the year is published)', { year: text(p['year']) });
  return last === '–' || last === first ? first : t('{first} to {last}', { first, last });
}

function effort(p: Properties): string {
  const value = p['effort_value'];
  if (typeof value !== 'number') return t('not told');
  const basis = BASES[text(p['effort_basis'])];
  return `${number(value, 2)} ${unit(text(p['effort_unit']), value)}${basis ? `, ${basis}` : ''}`;
}

function absence(p: Properties): string {
  if (p['isAbsenceReported'] === true) return t('what was looked for and is not among the records was not found, unless a sharing rule hides its places');
  return p['isAbsenceReported'] === false ? t('nothing is said of what was not found') : '–';
}

function found(p: Properties): HTMLElement {
  const [told, records] = [element('div', '', heading(t('What was found'))), p['records']];
  if (typeof records !== 'number') return told;
  const line = paragraph(records
    ? t('Published records: {records}; species: {species}. ', { records: number(records, 0), species: number(p['species'], 0) })
    : t('No record of it is published: nothing was found, or what was found is withheld.'));
  if (records && typeof p['eventID'] === 'string') {
    const event = `'${p['eventID'].replaceAll("'", "''")}'`;
    line.append(el('a', { href: recordsAddress(text(p['datasetKey']), { filter: `eventID = ${event} OR parentEventID = ${event}` }) }, t('See its records')));
  }
  told.append(line);
  return told;
}

function rights(p: Properties): HTMLElement {
  return element('div', 'survey-cite', table([
    [t('Licence'), text(p['license']) === '–' ? t('as its dataset tells') : licence(text(p['license']))],
    [t('Labels of communities'), list(p['community_labels'])],
    [t('Doubts'), names(p['quality_flags']).map((name) => t(words(name.toLowerCase()))).join('; ') || '–'],
  ]));
}

// CC_BY_4_0 as it is written: CC BY 4.0.
const licence = (name: string): string => name.replace(/_(\d)_(\d)$/, ' $1.$2').replaceAll('_', ' ');
