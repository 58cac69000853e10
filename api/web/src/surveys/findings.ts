// What a check found, by kind: what must be mended first, each kind opened on a click, equal rows in one line.
import { language, served, t } from '../words';
import { button, el, folded, grouped, present, ranges, table, terms, type Child } from './dom';

// `proposal` stands in the place of the cell where it is accepted.
interface Problem extends Notice {
  file: string; sheet: string | null; row: number | null; column: string | null; value: string | null; blocking: boolean; proposal?: string | null;
}
interface Notice { code: string; message: string; expected: string | null }
export interface Report {
  ok: boolean; blocking: number; warnings: number; rows: number; note?: string; problems: Problem[]; notices?: Notice[];
}

const MOST_LINES = 200;
const FEW = 5; // lines of a kind that must be mended, up to which it is open from the start

// What is accepted: all proposals of a code, or those of a cell's text as `CODE=value`.
type Accept = ((what: string) => void) | null;

// Kinds that somebody opened: they stay open when the file is checked again.
const opened = new Set<string>();

// The report as elements; one that the service keeps tells no values. Where it may, each proposal can be accepted.
export function reportView(report: Report, accept: Accept = null): HTMLElement {
  const [settled, open] = [report.problems.filter(isSettled), report.problems.filter((one) => !isSettled(one))];
  const counts = countsOf(report);
  const verdict = report.ok ? `✔ ${t(counts.warnings ? 'ok_warnings' : 'ok', counts)}` : `✖ ${t('blocked', counts)}`;
  const kinds = (of: Problem[]): HTMLElement[] => grouped(of, (one) => `${one.blocking} ${one.code}`).map((every) => kindOfProblem(every, accept));
  return el('div', {},
    el('p', { class: report.ok ? 'good' : 'bad' }, `${verdict} ${t('rows_read', { count: report.rows })}`),
    report.note && report.problems.length ? el('p', { class: 'note' }, report.note) : null,
    ...kinds(open.toSorted((a, b) => Number(b.blocking) - Number(a.blocking))),
    worthKnowing(report.notices ?? [], kinds(settled)));
}

// What the check settled itself, and says how: nothing is to be done.
const isSettled = (one: Problem): boolean => !one.blocking && (served?.settled ?? []).includes(one.code);

// How many rows have something to mend, or to look at.
export const countsOf = ({ blocking, warnings }: Report): Record<string, number> => ({ blocking, warnings });

function kindOfProblem(problems: Problem[], accept: Accept): HTMLElement {
  const { blocking, code } = problems[0]!;
  const lines = grouped(problems, (one) => JSON.stringify([one.file, one.sheet, one.column, one.value, one.message, one.expected]));
  const badge = !isSettled(problems[0]!)
    && el('span', { class: `badge ${blocking ? 'blocking' : 'warning'}` }, blocking ? `✖ ${t('blocking')}` : `⚠ ${t('warning')}`);
  const open = (blocking && lines.length <= FEW) || opened.has(code);
  const kept = (event: Event): void => void ((event.target as HTMLDetailsElement).open ? opened.add(code) : opened.delete(code));
  const proposals = problems.filter((one) => one.proposal).length;
  const all = accept && proposals > 0 && button(t('accept_all', { count: proposals }), () => accept(code), { class: 'small', 'data-accept': code });
  const summary = [badge, ' ', el('strong', {}, together(problems)), ' ', el('span', {}, extent(problems))];
  return folded({ class: 'finding', 'data-code': code, open, ontoggle: kept }, [...summary, ' ', all], linesOf(lines, accept));
}

// What several of a kind say: the first, with … where others say it of something else.
const together = (every: Notice[]): string => every[0]!.message + (every.some((one) => one.message !== every[0]!.message) ? ' …' : '');

// How much a kind is: "12 values in 40 rows", or the place of a single one.
function extent(problems: Problem[]): string {
  const [only] = problems;
  if (problems.length === 1) return [only!.sheet, only!.row && `${t('row')} ${only!.row}`, only!.column].filter(Boolean).join(' · ');
  const values = new Set(problems.map((one) => one.value).filter(Boolean)).size;
  return values > 1 ? t('values_in_rows', { values, rows: problems.length }) : t('in_rows', { rows: problems.length });
}

function linesOf(lines: Problem[][], accept: Accept): HTMLElement {
  const every = lines.map((line) => line[0]!);
  const differ = (of: (one: Problem) => string | null): boolean => new Set(every.map(of)).size > 1;
  const right = every[0]!.expected;
  const heads = [t('file_column'), t('value'), t('sheet'), t('row'), t('column'), t('wrong'), t('right'), t('proposal')];
  const cells = lines.slice(0, MOST_LINES).map((line): Child[] => {
    const one = line[0]!;
    const rows = ranges(line.map((problem) => problem.row).filter((row) => row !== null));
    return [
      differ((other) => other.file) && one.file, one.value && el('span', { class: 'value' }, one.value), one.sheet, rows, one.column,
      differ((other) => other.message) && one.message, differ((other) => other.expected) && one.expected,
      proposed(one, accept),
    ];
  });
  return el('div', {},
    right && !differ((one) => one.expected) ? el('p', {}, `${t('right')}: ${right}`) : null,
    table(t('problems'), heads, cells),
    lines.length > MOST_LINES ? el('p', {}, t('and_more', { count: lines.length - MOST_LINES })) : null);
}

function proposed(one: Problem, accept: Accept): HTMLElement | null {
  const what = `${one.code}=${one.value}`;
  const meant = one.proposal && one.code.startsWith('HEADING_') ? (terms[one.proposal] ?? one.proposal) : one.proposal;
  const words = `${t('accept')}: ${one.value} → ${meant}`;
  const done = one.proposal && accept && one.value
    && button(t('accept'), () => accept(what), { class: 'plain small', 'aria-label': words, 'data-accept': what });
  const parts = present([meant && `→ ${meant} `, done, accept && one.code.startsWith('HEADING_') && one.value && meaning(one.value, accept)]);
  return parts.length ? el('div', {}, ...parts) : null;
}

// What a heading means, as somebody decides it: any term, or none.
function meaning(heading: string, accept: NonNullable<Accept>): HTMLElement {
  const known = Object.entries(terms).filter(([term, words]) => words !== term || language === 'en').toSorted(([, a], [, b]) => a.localeCompare(b));
  const named = known.map(([term, words]) => el('option', { value: term }, words === term ? term : `${words} (${term})`));
  const made = el('select', { 'aria-label': `${t('means')}: ${heading}`, onchange: () => accept(`heading.${heading}=${made.value}`) },
    el('option', { value: '-', disabled: true, selected: true }, t('undecided')), el('option', { value: '' }, t('of_none')), ...named);
  return made;
}

// What is no fault and worth knowing, such as a name that makes its station coarse; folded away.
function worthKnowing(notices: Notice[], settled: HTMLElement[]): Child {
  if (!notices.length && !settled.length) return null;
  const item = (one: Notice): HTMLElement => el('li', {}, one.message, el('br'), el('small', {}, one.expected));
  const kinds = grouped(notices, (one) => one.code).map((every) => {
    if (every.length <= FEW) return el('ul', {}, ...every.map(item));
    return folded({ class: 'finding' }, [`${together(every)} (${every.length})`], el('ul', {}, ...every.map(item)));
  });
  return folded({ class: 'notices' }, [`ℹ ${t('notices', { count: notices.length + settled.length })}`], ...kinds, ...settled);
}
