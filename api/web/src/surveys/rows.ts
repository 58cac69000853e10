// What is decided about: a survey's rows as they would be published, by species and by event; reviewers see their side's.
import { language, t } from '../words';
import { attempt, button, el, find, folded, grouped, named, present, say, statusLine, table, terms, type Child } from './dom';
import { KINDS } from './difference';
import { mapOf } from './map';
import { askJson } from './session';

type Texts<Terms extends string> = Partial<Record<Terms, string>>;
type Numbers<Terms extends string> = Partial<Record<Terms, number>>;

// A published record: terms that are empty are left out.
export type Row = Texts<'occurrenceID' | 'eventID' | 'eventDate' | 'scientificName' | 'organismQuantity' | 'occurrenceStatus' | 'countryCode' | 'locality'
  | 'informationWithheld'>
  & Numbers<'year' | 'individualCount' | 'decimalLatitude' | 'decimalLongitude' | 'cell_west' | 'cell_east' | 'cell_south' | 'cell_north'>
  & { change: string; sides: string[]; before?: Record<string, string | number | null>; quality_flags?: string[] };
type EventRow = Texts<'eventID' | 'design' | 'samplingProtocol' | 'event_start' | 'event_end' | 'effort_unit' | 'locality' | 'sharing_category'>
  & Numbers<'year' | 'effort_value' | 'failed_days' | 'records' | 'species' | 'west' | 'east' | 'south' | 'north'>
  & { targetTaxonomicScope?: string[]; country_codes?: string[]; quality_flags?: string[] };
interface Answer<T> { counts: Record<string, Record<string, number>>; count: number; results: T[]; flags: Record<string, string> }
type Ask = ((words: string) => void) | null;

const [AT_ONCE, HIDDEN] = [500, { class: 'plain', hidden: true }];
const FEW = 20; // rows that change, up to which their species are open from the start

// The rows of a survey; `about(words)` begins a question, where the reader may ask one.
export function rowsView(survey: number, about: Ask): HTMLElement {
  const [status, counts, more, whole] = [statusLine(), el('ul', { class: 'counts' }), button(t('more'), () => void load(), HIDDEN), button(t('rows_all'), () => anew(null), HIDDEN)];
  const [map, events, legend, shown] = [el('div'), el('div'), el('div'), el('div', { class: 'every-species' })];
  const option = (kind: string): HTMLElement => el('option', { value: kind }, named('kind', kind));
  const change = el('select', { id: 'rows-change' }, el('option', { value: '' }, t('all')), ...KINDS.map(option));
  const ask = <T>(asked: Record<string, string>): Promise<Answer<T>> =>
    askJson(`/v1/surveys/${survey}/rows?${new URLSearchParams({ language, limit: String(AT_ONCE), ...asked })}`);
  let [event, rows, flags, round]: [string | null, Row[], Record<string, string>, number] = [null, [], {}, 0];

  const load = (): Promise<void> => attempt(status, async () => {
    const mine = ++round;
    const of = { ...(change.value && { change: change.value }), ...(event !== null && { event }) };
    const answer = await ask<Row>({ offset: String(rows.length), ...of });
    if (mine !== round) return;
    [rows, flags] = [[...rows, ...answer.results], { ...flags, ...answer.flags }];
    counts.replaceChildren(...Object.entries(answer.counts).map(([side, of]) => el('li', {}, sideCounts(side, of))));
    say(status, answer.count ? t('rows_shown', { shown: rows.length, count: answer.count }) : t('rows_none'));
    more.hidden = rows.length >= answer.count;
    draw();
  });
  const draw = (): void => {
    const doubted = rows.filter((row) => row.quality_flags?.length); // a row that stands for others has none
    const common = Object.keys(flags).filter((flag) => doubted.length > 1 && doubted.every((row) => row.quality_flags!.includes(flag)));
    const items = common.map((flag) => el('li', {}, flags[flag]));
    legend.replaceChildren(...(common.length ? [el('p', {}, t('doubts_all')), el('ul', {}, ...items)] : []));
    map.replaceChildren(...present([mapOf(rows)]));
    shown.replaceChildren(...speciesOf(rows, new Set(common), flags, about));
  };
  const anew = (chosen: string | null): void => {
    [event, rows, whole.hidden] = [chosen, [], chosen === null];
    void load();
  };
  const loadEvents = async (): Promise<void> => {
    const answer = await ask<EventRow>({ table: 'events' });
    if (answer.results.length) events.replaceChildren(folded({}, [`${named('table', 'events')} (${answer.count})`], eventTable(answer, anew)));
  };

  change.addEventListener('input', () => anew(event));
  void attempt(status, loadEvents);
  void load();
  return el('section', { id: 'rows', 'aria-label': t('rows_title') },
    map, el('h4', {}, t('rows_title')), el('p', {}, t('rows_help')), counts, events,
    el('div', { class: 'filters' }, el('label', { for: 'rows-change' }, t('change'), change), whole),
    status, legend, shown, more);
}

// The counts of a side; what waits is said where something does.
const sideCounts = (side: string, counts: Record<string, number>): string =>
  t('rows_counts', { side, ...counts }).replace(/\[([^\]]*)\]/g, (_, words: string) => (counts['waiting'] ? words : ''));

// The rows by species, those with a change first: how many, what becomes of them, when; the rows on a click.
function speciesOf(rows: Row[], common: Set<string>, flags: Record<string, string>, about: Ask): HTMLElement[] {
  const doubts = (row: Row): string[] => (row.quality_flags ?? []).filter((flag) => !common.has(flag));
  const changes = (every: Row[]): number => Number(every.some((row) => row.change !== 'unchanged'));
  const few = rows.filter((row) => row.change !== 'unchanged').length <= FEW;
  const name = (every: Row[]): string => every[0]!.scientificName ?? '';
  const species = grouped(rows, (row) => row.scientificName ?? '').toSorted((a, b) => changes(b) - changes(a) || name(a).localeCompare(name(b)));
  return species.map((every) => {
    const kinds = grouped(every, (row) => row.change).map((of) => badge(of[0]!.change, ` ${of.length}`));
    const days = every.map((row) => String(row.eventDate ?? row.year ?? '').slice(0, 10)).filter(Boolean).toSorted();
    const doubted = every.filter((row) => doubts(row).length).length;
    const cells = every.filter((row) => row.cell_west !== undefined).length;
    const facts = [[...new Set([days[0], days.at(-1)])].filter(Boolean).join(' – '), cells && `${t('cell')}: ${cells}`,
      doubted && `${t('doubts')}: ${doubted}`].filter(Boolean);
    const summary: Child[] = [el('em', {}, name(every) || t('cell_kept_back')), ' ', ...kinds.flatMap((one) => [one, ' ']), facts.join(' · ')];
    const ordered = every.toSorted((a, b) => changes([b]) - changes([a]));
    const open = few && (changes(every) > 0 || rows.length <= FEW);
    return folded({ class: 'species', open }, summary, recordTable(ordered, doubts, flags, about));
  });
}

const badge = (change: string, count = ''): HTMLElement => el('span', { class: `badge ${change}` }, named('kind', change) + count);

function recordTable(rows: Row[], doubts: (row: Row) => string[], flags: Record<string, string>, about: Ask): HTMLElement {
  const heads = [t('change'), terms['occurrenceID'], terms['individualCount'], terms['eventDate'], terms['eventID'], t('place'), t('sides'), t('doubts'), ''];
  const ofSeveral = new Set(rows.map((row) => row.sides.join())).size > 1;
  return table(t('rows_title'), heads.map(String), rows.map((row) => [
    el('span', {}, badge(row.change), ...changed(row, 'scientificName', '')),
    row.occurrenceID,
    changedCell(row, 'individualCount', count(row)),
    changedCell(row, 'eventDate', row.eventDate ?? row.year),
    row.eventID, place(row), ofSeveral && row.sides.join(', '), reasons(row.informationWithheld, doubts(row), flags),
    about && button(t('ask_row'), () => about(`${called(row)}: `), { class: 'plain small ask' }),
  ]));
}

const count = (row: Row): string => present([row.individualCount ?? row.organismQuantity, row.occurrenceStatus === 'ABSENT' && 'ABSENT']).join(' ');

// What would be published, above what is published now where that is another.
function changedCell(row: Row, term: string, value: string | number | undefined): Child {
  const before = changed(row, term, t('difference_empty'));
  return before.length ? el('div', {}, value || t('difference_empty'), ...before) : value;
}

function changed(row: Row, term: string, empty: string): Child[] {
  if (!row.before || !Object.hasOwn(row.before, term)) return [];
  return [el('br'), el('small', {}, `${t('before')}: ${row.before[term] ?? empty}`)];
}

function place(row: Row): HTMLElement {
  const pair = ['decimalLatitude', 'decimalLongitude'] as const;
  const edges = pair.map((term) => row.before?.[term] ?? row[term] ?? '').join(', ');
  const before = pair.some((term) => row.before && term in row.before) ? [el('br'), el('small', {}, `${t('before')}: ${edges}`)] : [];
  return el('div', {}, [where(row), row.countryCode, row.locality].filter(Boolean).join(', '), ...before);
}

function where(row: Row): string {
  if (row.cell_west !== undefined) return `${t('cell')} ${row.cell_south}–${row.cell_north}, ${row.cell_west}–${row.cell_east}`;
  return row.decimalLatitude === undefined ? t('cell_kept_back') : `${row.decimalLatitude}, ${row.decimalLongitude}`;
}

function reasons(withheld: string | undefined, doubts: string[], flags: Record<string, string>): Child {
  const items = present([withheld, ...doubts.map((flag) => flags[flag] ?? flag)]).map((words) => el('p', {}, words));
  return items.length ? el('div', {}, ...items) : null;
}

// A row by what is published of it, since its number in the file could tell more.
const called = (row: Row): string =>
  [row.occurrenceID, row.scientificName, row.eventDate ?? row.year, row.occurrenceID ? null : where(row)].filter(Boolean).join(', ');

function eventTable(answer: Answer<EventRow>, chosen: (event: string) => void): HTMLElement {
  const heads = [terms['eventID'], terms['samplingProtocol'], terms['eventDate'], t('effort'), t('days_without'), terms['targetTaxonomicScope'],
    named('table', 'occurrences'), t('species_count'), t('place'), t('doubts')];
  const open = (id: string): HTMLElement => button(id, () => chosen(id), { class: 'plain small', 'aria-label': `${t('event_rows')}: ${id}` });
  return table(named('table', 'events'), heads.map(String), answer.results.map((one) => [
    one.eventID ? open(one.eventID) : t('cell_kept_back'),
    one.design ? named('design', one.design) : one.samplingProtocol,
    [...new Set([one.event_start, one.event_end].filter(Boolean))].join(' – ') || one.year,
    one.effort_value !== undefined && `${one.effort_value} ${one.effort_unit ? named('unit', one.effort_unit) : ''}`,
    one.failed_days, (one.targetTaxonomicScope ?? []).join(', '), one.records, one.species,
    [one.locality, (one.country_codes ?? []).join(', '), one.sharing_category !== 'open' && one.west !== undefined
      && `${t('cell')} ${one.south}–${one.north}, ${one.west}–${one.east}`].filter(Boolean).join(' · '),
    reasons(undefined, one.quality_flags ?? [], answer.flags),
  ]));
}

// Begin a question with words that name a row.
export function askAbout(words: string): void {
  const asked = find<HTMLTextAreaElement>('reasons');
  asked.value = [asked.value.trim(), words].filter(Boolean).join('\n');
  asked.focus();
}
