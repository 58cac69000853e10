// The check: nothing is kept by the service, and no key is needed.
import { language, t } from '../words';
import { attempt, button, el, field, find, say, statusLine, submitted, terms } from './dom';
import { countsOf, reportView, type Report } from './findings';
import { ask, save } from './session';


// Proposals that are accepted, here until the file is sent, and from then on for its dataset.
const accepted = new Set<string>();
const titles = new Map<string, string>(); // of the codes that a check named: what is accepted is in no later one

export const chosenFile = (): File | null => field('file').files?.[0] ?? null;

export function startCheck(): void {
  submitted('check-form', () => void check());
  field('file').addEventListener('change', () => {
    find('report').replaceChildren();
    say(find('check-status'), '');
  });
}

async function check(): Promise<void> {
  const [file, status] = [chosenFile(), find('check-status')];
  if (!file) return say(status, t('file_missing'), 'note');
  say(status, t('checking'));
  find('report').replaceChildren();
  await attempt(status, async () => {
    const report = (await (await sendToCheck(file, 'json')).json()) as Report;
    say(status, t(report.ok ? 'said_ok' : 'said_blocked', countsOf(report)), 'heard');
    for (const one of report.problems) titles.set(one.code, one.message);
    find('report').append(acceptedView(), reportView(report, accept), downloads(file, report));
  }, find<HTMLButtonElement>('check-button'));
}

function accept(what: string): void {
  accepted.add(what);
  void check().then(() => document.getElementById('accepted')?.focus()); // the button that was pressed is gone
}

// What was accepted, in words: what a heading means, else of which text, or of all, which doubt is settled.
function inWords(what: string): string {
  const [code, text] = what.split(/=(.*)/s) as [string, string?];
  if (code.startsWith('heading.')) return `${code.slice(8)} → ${text ? (terms[text] ?? text) : t('of_none')}`;
  return [titles.get(code) ?? code, text].filter(Boolean).join(': ');
}

// What was accepted, each with the way back.
function acceptedView(): HTMLElement | string {
  if (!accepted.size) return '';
  const takeBack = (what: string): HTMLElement => {
    const done = (): void => void (accepted.delete(what) && check());
    return el('li', {}, inWords(what), ' ', button(t('withdraw'), done, { class: 'plain small', 'aria-label': `${t('withdraw')}: ${inWords(what)}` }));
  };
  return el('div', { class: 'note', id: 'accepted', tabindex: -1 }, t('accepted_now'), el('ul', {}, ...[...accepted].map(takeBack)));
}

// A form with the file, its dataset and its part: what was decided about its headings is used, and the other parts are known.
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
  const download = (format: string, text: string, name: string): HTMLElement => {
    const load = async (): Promise<void> => {
      save(await (await sendToCheck(file, format)).blob(), name);
      say(status, t('saved', { name }));
    };
    const made = button(text, () => void attempt(status, load, made), { class: 'plain' });
    return made;
  };
  const buttons = [download('xlsx', t('get_marked'), `${stem}_marked.xlsx`), download('csv', t('get_csv'), `${stem}_problems.csv`)];
  return el('div', {}, el('div', { class: 'row' }, ...buttons), status);
}
