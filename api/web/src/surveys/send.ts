// Sending a part of a dataset: checked first, so that its sender sees what it changes before anybody else does.
import { language, served, t } from '../words';
import { chosenFile, formOf } from './check';
import { attempt, el, field, find, say, submitted } from './dom';
import { askJson, hasKey } from './session';
import { versionsOf, type VersionList } from './versions';

let versions: VersionList['results'] = [];

// Wire the form; `sent` is called with the number of what was sent.
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
