// A file that is chosen: its check, which keeps nothing and needs no key, and sending it as a part of a dataset.
import { language, served, t } from '../words';
import { attempt, button, el, field, find, say, statusLine, submitted, terms } from './dom';
import { countsOf, reportView, type Report } from './findings';
import { ask, askJson, hasKey, save } from './session';
import type { VersionList } from './survey';

// Proposals that are accepted, here until the file is sent, and from then on for its dataset.
const accepted = new Set<string>();
const titles = new Map<string, string>(); // of the codes that a check named: what is accepted is in no later one

const chosenFile = (): File | null => field('file').files?.[0] ?? null;

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
async function formOf(file: File): Promise<FormData> {
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

const sendToCheck = async (file: File, format: string): Promise<Response> =>
  ask(`/v1/surveys?dry_run=true&language=${language}&format=${format}`, { method: 'POST', body: await formOf(file) });

function downloads(file: File, report: Report): HTMLElement | string {
  if (!report.problems.length) return '';
  const [status, stem] = [statusLine(), file.name.replace(/\.[^.]*$/, '')];
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

let versions: VersionList['results'] = [];

// Wire the form: a file is checked first, so that its sender sees what it changes before anybody else does; `sent` is called with the number of what was sent.
export function startSend(sent: (number: number) => void): void {
  find('license').append(...(served?.licences ?? []).map((one) => el('option', {}, one)));
  field('file').addEventListener('change', tellFile);
  field('dataset').addEventListener('change', () => void loadParts());
  field('part').addEventListener('input', tellPart);
  submitted('send-form', () => void send(sent));
}

// Offer the datasets that somebody sends to, and their parts; nothing to nobody.
export async function offerDatasets(): Promise<void> {
  // Emptied before the service is asked: what somebody types while it answers stays.
  field('dataset').value = field('part').value = '';
  const own = hasKey() ? await askJson<{ name: string; roles: { role: string; dataset?: string }[] }>('/v1/account').catch(() => null) : null;
  const datasets = (own?.roles ?? []).flatMap(({ role, dataset }) => (role === 'uploader' && dataset ? [dataset] : []));
  if (own && !find('login-status').textContent) say(find('login-status'), t('logged_in', { name: own.name }));
  find('datasets').replaceChildren(...datasets.map((value) => el('option', { value })));
  if (datasets.length === 1) field('dataset').value ||= datasets[0]!;
  await loadParts();
}

// Ask for the parts that the dataset has.
export async function loadParts(): Promise<void> {
  const dataset = field('dataset').value.trim();
  const found = hasKey() && dataset ? await versionsOf(dataset).catch(() => null) : null; // none yet, or none of theirs
  if (field('dataset').value.trim() !== dataset) return;
  versions = found?.results ?? [];
  find('parts').replaceChildren(...[...new Set(versions.map((one) => one.part))].map((value) => el('option', { value })));
  tellPart();
}

// Begin a new version of a part: its file is chosen next.
export function sendAgain(dataset: string, part: string): void {
  [field('dataset').value, field('part').value] = [dataset, part];
  void loadParts();
  find('check-title').scrollIntoView();
  field('file').focus();
}

function tellFile(): void {
  const file = chosenFile();
  find('chosen').textContent = file?.name ?? t('file_missing');
  field('part').placeholder = partName();
  tellPart();
}

// The part that is typed, else as the service calls it.
const partName = (): string => field('part').value.trim() || (chosenFile()?.name ?? '').replace(/(?<=.)\.[^.]*$/, '');

// Say that what is sent takes the place of what is there.
function tellPart(): void {
  const last = versions.findLast((one) => one.part === partName());
  const place = find('part-status');
  place.hidden = !last?.file;
  place.textContent = last?.file ? t('part_again', { part: last.part, version: last.part_version ?? 0 }) : '';
}

async function send(sent: (number: number) => void): Promise<void> {
  const [file, status] = [chosenFile(), find('send-status')];
  if (!file) return say(status, t('file_missing'), 'note');
  if (!hasKey()) return field('account').focus(), say(status, t('key_missing'), 'note');
  say(status, t('sending'));
  await attempt(status, async () => {
    const body = await formOf(file);
    body.append('submit', 'false');
    // The service knows a file that it has already: the same one sent twice is taken once.
    const { id } = await askJson<{ id: number }>(`/v1/surveys?language=${language}`, { method: 'POST', body });
    say(status, `✔ ${t('sent', { number: id })}`, 'good');
    sent(id);
  }, find<HTMLButtonElement>('send-button'));
}

// The versions of the parts of a dataset, as far as they concern whoever asks.
export const versionsOf = (dataset: string): Promise<VersionList> =>
  askJson(`/v1/surveys/versions/${dataset.split('/').map(encodeURIComponent).join('/')}?language=${language}`);
