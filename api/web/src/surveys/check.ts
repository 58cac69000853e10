// The check: nothing is kept by the service, and no key is needed. What uncertain headings mean is decided here, too.
import { language, t } from '../words';
import { attempt, el, field, find, say, statusLine, submitted, table, terms } from './dom';
import { reportView, type Report } from './findings';
import { ask, askJson, asJson, hasKey, save } from './session';

interface Heading { heading: string; sheet: string; certain: boolean; term: string | null; others: string[]; why: string }

const NO_TERM = '-';
/** Proposals that are accepted, here until the file is sent, and from then on for its dataset. */
const accepted = new Set<string>();

export const chosenFile = (): File | null => field('file').files?.[0] ?? null;

export function startCheck(): void {
  submitted('check-form', () => void check());
  find('headings-button').addEventListener('click', () => void lookAtHeadings());
  field('file').addEventListener('change', () => {
    for (const id of ['report', 'headings']) find(id).replaceChildren();
    for (const id of ['check-status', 'headings-status']) say(find(id), '');
  });
}

async function check(): Promise<void> {
  const [file, status] = [chosenFile(), find('check-status')];
  if (!file) return say(status, t('file_missing'), 'note');
  say(status, t('checking'));
  find('report').replaceChildren();
  await attempt(status, async () => {
    const report = (await (await sendToCheck(file, 'json')).json()) as Report;
    say(status, t(report.ok ? 'said_ok' : 'said_blocked', { blocking: report.blocking, warnings: report.warnings }), 'heard');
    find('report').append(acceptedView(), reportView(report, accept), downloads(file, report));
  }, find<HTMLButtonElement>('check-button'));
}

function accept(what: string): void {
  accepted.add(what);
  void check().then(() => document.getElementById('accepted')?.focus()); // the button that was pressed is gone
}

/** What was accepted, each with the way back. */
function acceptedView(): HTMLElement | string {
  if (!accepted.size) return '';
  const takeBack = (what: string): HTMLElement => {
    const words = `${t('withdraw')}: ${what}`;
    const done = (): void => void (accepted.delete(what) && check());
    return el('li', {}, what, ' ', el('button', { type: 'button', class: 'plain small', 'aria-label': words, onclick: done }, t('withdraw')));
  };
  return el('div', { class: 'note', id: 'accepted', tabindex: -1 }, t('accepted_now'), el('ul', {}, ...[...accepted].map(takeBack)));
}

/** A form with the file, its dataset and its part: what was decided about its headings is used, and the other parts are known. */
export async function formOf(file: File): Promise<FormData> {
  const form = new FormData();
  // A browser gives no file away that was changed after it was chosen.
  await file.slice(0, 1).arrayBuffer().catch(() => {
    throw new Error(t('file_changed'));
  });
  form.append('file', file, file.name);
  for (const id of ['dataset', 'part', 'license']) if (field(id).value.trim()) form.append(id, field(id).value.trim());
  if (accepted.size) form.append('accept', [...accepted].join('\n'));
  return form;
}

async function sendToCheck(file: File, format: string): Promise<Response> {
  return ask(`/v1/surveys?dry_run=true&language=${language}&format=${format}`, { method: 'POST', body: await formOf(file) });
}

function downloads(file: File, report: Report): HTMLElement | string {
  if (!report.problems.length) return '';
  const status = statusLine();
  const stem = file.name.replace(/\.[^.]*$/, '');
  const button = (format: string, text: string, name: string): HTMLElement => {
    const load = async (): Promise<void> => {
      save(await (await sendToCheck(file, format)).blob(), name);
      say(status, t('saved', { name }));
    };
    const made = el('button', { type: 'button', class: 'plain', onclick: () => void attempt(status, load, made) }, text);
    return made;
  };
  const buttons = [button('xlsx', t('get_marked'), `${stem}_marked.xlsx`), button('csv', t('get_csv'), `${stem}_problems.csv`)];
  return el('div', {}, el('div', { class: 'row' }, ...buttons), status);
}

async function lookAtHeadings(): Promise<void> {
  const [file, status] = [chosenFile(), find('headings-status')];
  if (!file) return say(status, t('file_missing'), 'note');
  await attempt(status, async () => {
    const path = `/v1/surveys/headings?language=${language}`;
    const found = await askJson<{ sheets: { sheet: string; headings: Heading[] }[] }>(path, { method: 'POST', body: await formOf(file) });
    const open = found.sheets.flatMap(({ sheet, headings }) => headings.filter((one) => !one.certain).map((one) => ({ ...one, sheet })));
    say(status, t(open.length ? 'headings_help' : 'headings_certain'), open.length ? 'note' : 'good');
    find('headings').replaceChildren(...(open.length ? [headingForm(open)] : []));
  });
}

function headingForm(headings: Heading[]): HTMLElement {
  const once = [...new Map(headings.map((one) => [one.heading, one])).values()];
  const selects = new Map(once.map((one) => [one.heading, choices(one)]));
  const rows = once.map((one) => [one.heading, one.sheet, one.why, selects.get(one.heading)]);
  const keep = el('button', { type: 'button', onclick: () => void keepHeadings(selects) }, t('headings_keep'));
  return el('div', {}, table(t('headings_ask'), [t('heading'), t('sheet'), t('wrong'), t('means')], rows), keep);
}

function choices(one: Heading): HTMLSelectElement {
  const likely = [one.term, ...one.others].filter((term) => term !== null && term !== '') as string[];
  const option = (term: string): HTMLElement => el('option', { value: term }, terms[term] && terms[term] !== term ? `${terms[term]} (${term})` : term);
  const others = Object.keys(terms).filter((term) => !likely.includes(term));
  return el('select', { 'aria-label': `${t('means')}: ${one.heading}` },
    el('option', { value: '' }, t('undecided')),
    likely.length ? el('optgroup', { label: t('likely') }, ...likely.map(option)) : null,
    el('option', { value: NO_TERM }, t('of_none')),
    el('optgroup', { label: t('every_term') }, ...others.map(option)));
}

async function keepHeadings(selects: Map<string, HTMLSelectElement>): Promise<void> {
  const status = find('headings-status');
  if (!hasKey()) return say(status, t('key_missing'), 'note');
  const decided = [...selects].filter(([, select]) => select.value).map(([heading, { value }]) => [heading, value === NO_TERM ? '' : value]);
  const dataset = field('dataset').value.trim();
  const path = `/v1/surveys/mappings${dataset ? `?dataset=${encodeURIComponent(dataset)}` : ''}`;
  await attempt(status, async () => {
    const kept = await askJson<{ dataset: string }>(path, { ...asJson({ mapping: Object.fromEntries(decided) }), method: 'PUT' });
    field('dataset').value = kept.dataset; // the next check then knows whose headings they are
    find('headings').replaceChildren();
    say(status, `✔ ${t('headings_kept', { dataset: kept.dataset })}`, 'good');
  });
}
