// Surveys on their way: the list, and the one that is open: where it stands, what it changes, what can be done.
import { datasetAddress } from '../service';
import { language, t } from '../words';
import { differenceView, inOneLine, type Difference } from './difference';
import { attempt, button, complain, el, field, find, folded, grouped, named, present, say, statusLine, table, when, type Child } from './dom';
import { loadParts, sendAgain, versionsOf } from './file';
import { countsOf, reportView, type Report } from './findings';
import { askAbout, rowsView } from './rows';
import { ask, asJson, askJson, hasKey, Refused, save } from './session';

interface Happened { action: string; survey?: number; role: string; country?: string; note?: string; date: string }
// `stage` is as `state`; of a draft whether it is being checked. A version that removes its part has no `file`.
export interface Summary {
  id: number; state: string; stage: string; version: number; changed: string; dataset: string; part: string; part_version?: number;
  replaced_by?: number; file?: string; sides?: Record<string, string>; mine: boolean; waits_for_you: boolean;
}
export interface Survey extends Summary {
  next?: string; left_alone?: boolean; report?: Report; difference?: Difference; waits?: string[]; yours?: string[]; rows: boolean;
  history: Happened[];
}
type Act = (work: () => Promise<unknown>) => Promise<void>;
type Version = Summary & { changes: Record<string, Record<string, number>> };
export interface VersionList { results: Version[]; may_return: boolean }

const [SOON_MS, LATER_MS] = [2_000, 15_000]; // until the next look: while the service works, and while people do
const MOST_LISTED = 5; // of the list; the others are there on a click
const WAITING = ['draft', 'submitted', 'asked', 'accepted'];
let watched = 0;
let turn = 0; // of the last look: an earlier one that still waits says nothing any more

export function startSurveys(): void {
  addEventListener('hashchange', () => byAddress());
  byAddress();
  if (hasKey()) void loadList();
}

// Open the survey that the address names; again, where another key looks at it.
export function byAddress(again = false): void {
  const match = /^#survey-(\d{1,15})$/.exec(location.hash);
  if (match && hasKey() && (again || Number(match[1]) !== watched)) void open(Number(match[1]));
}

export async function loadList(): Promise<void> {
  const status = find('list-status');
  if (!hasKey()) return say(status, t('key_missing'), 'note');
  await attempt(status, async () => {
    const { results } = await askJson<{ results: Summary[] }>('/v1/surveys');
    const [waiting, others] = [results.filter((one) => one.waits_for_you), results.filter((one) => !one.waits_for_you)];
    say(status, t(results.length ? 'list_count' : 'list_none', { count: results.length, waiting: waiting.length }));
    find('list').replaceChildren(...present([listed(t('waiting_for_you'), waiting), listed(t('your_surveys'), others)]));
    void loadParts();
  });
}

function listed(caption: string, surveys: Summary[]): HTMLElement | null {
  if (!surveys.length) return null;
  const heads = [t('number'), t('state'), t('dataset'), t('part'), t('version'), t('changed_at')];
  const link = (one: Summary): HTMLElement =>
    el('a', { href: `#survey-${one.id}`, onclick: () => one.id === watched && void open(one.id) }, t('open', { number: one.id }));
  const rows = surveys.map((one) => [link(one), named('state', one.stage), one.dataset, one.part, one.part_version, when(one.changed)]);
  const rest = rows.slice(MOST_LISTED);
  const others = rest.length ? folded({}, [t('and_more', { count: rest.length })], table(caption, heads, rest)) : null;
  return el('div', {}, table(caption, heads, rows.slice(0, MOST_LISTED)), others);
}

// Take away what only a key shows.
export function closeAll(): void {
  watched = 0;
  turn++;
  for (const id of ['list', 'survey']) find(id).replaceChildren();
  say(find('list-status'), '');
  find('survey').hidden = true;
}

// Show a survey, and look again as long as it is open: what stands there is true while others decide.
export async function open(number: number, note = ''): Promise<void> {
  watched = number;
  const mine = ++turn;
  if (location.hash !== `#survey-${number}`) location.hash = `survey-${number}`;
  for (let [last, wait] = ['', LATER_MS]; turn === mine; ) {
    try {
      const answer = await ask(`/v1/surveys/${number}?language=${language}`);
      const survey = (await answer.json()) as Survey;
      if (turn !== mine) return;
      wait = works(survey) ? SOON_MS : LATER_MS;
      if (seen(survey) !== last) {
        show(survey, answer.headers.get('etag') ?? '', last ? '' : note);
        if (!last) find('survey').focus();
        void loadList();
      }
      last = seen(survey);
    } catch (refusal) {
      if (turn !== mine) return;
      if (!last) find('survey').hidden = true;
      complain(find('list-status'), refusal);
      if (!last || (refusal instanceof Refused && refusal.status)) return;
    }
    await new Promise((done) => setTimeout(done, wait));
  }
}

// What makes it worth showing anew.
const seen = (survey: Survey): string => `${survey.version} ${survey.state} ${Boolean(survey.report)} ${Boolean(survey.left_alone)}`;

const works = (survey: Survey): boolean => survey.stage === 'checking' || ['accepted', 'committing', 'committed'].includes(survey.state);

function show(survey: Survey, etag: string, note: string): void {
  const blocked = survey.report?.ok === false;
  const report = survey.report && survey.file !== undefined ? reportView(survey.report) : null;
  const rows = survey.rows ? rowsView(survey.id, survey.yours?.length ? askAbout : null) : null;
  const done = actions(survey, etag);
  const parts: Child[] = [
    el('h3', { id: 'survey-title' }, `${t('survey_number', { number: survey.id })}: ${survey.part}`),
    note && el('p', { class: 'note', role: 'alert' }, note),
    stateLine(survey),
    facts(survey),
    ...(survey.waits ?? []).map((message) => el('p', { class: 'note waits' }, message)),
    blocked && report,
    history(survey),
    survey.difference && differenceView(survey.difference),
    ...(survey.mine ? [done, rows] : [rows, done]), // what has to be known before a decision stands before it
    !blocked && report && folded({ class: 'kept-report' }, [`${t('report')}: ${t('said_ok', countsOf(survey.report!))}`], report),
    survey.part_version !== undefined && versionsView(survey, (number) => void open(number)),
  ];
  const box = find('survey');
  const typed = [...box.querySelectorAll<HTMLTextAreaElement>('textarea')].map((one) => [one.id, one.value] as const);
  box.replaceChildren(...present(parts));
  for (const [id, text] of typed) if (document.getElementById(id)) field(id).value = text;
  box.hidden = false;
}

// Where it stands: its state, and in one sentence what that means and what comes next.
function stateLine(survey: Survey): HTMLElement {
  const working = works(survey) && survey.stage !== 'checking' && !survey.left_alone ? ` · ${t('working')}` : '';
  const state = el('strong', { id: 'survey-state', 'data-state': survey.state }, named('state', survey.stage) + working);
  const kind = survey.left_alone ? 'note' : survey.state === 'published' ? 'good' : survey.state === 'refused' ? 'bad' : 'known';
  const key = encodeURIComponent(survey.dataset);
  const [results, shown] = [`/v1/surveys/results/${key}`, survey.state === 'published'];
  const of: [string, string, string][] = [
    ['see-map', `/?dataset=${key}&language=${language}`, t('see_map')], ['see-dataset', datasetAddress(survey.dataset), t('see_dataset')],
    ['see-results', `${results}?language=${language}`, t('see_results')], ['see-pdf', `${results}.pdf?language=${language}`, t('see_pdf')],
  ];
  const links = shown ? of.flatMap(([id, href, words]) => [' · ', el('a', { id, href }, words)]) : [];
  const next = survey.replaced_by && el('a', { id: 'see-next', href: `#survey-${survey.replaced_by}` }, t('open', { number: survey.replaced_by }));
  return el('p', { class: kind, id: 'survey-now', role: survey.left_alone ? 'alert' : null }, state, survey.next && ` · ${survey.next}`, ...links,
    ...(shown && survey.mine ? [' · ', exactResults(results, survey.dataset)] : []), ...(next ? [' · ', next] : []));
}

// The team's own results: asked for with its key, so no address can be followed.
function exactResults(results: string, dataset: string): HTMLElement {
  const load = async (): Promise<void> => save(await (await ask(`${results}?language=${language}&exact=true`)).blob(), `${dataset}.html`);
  return button(t('get_exact'), () => void attempt(find('list-status'), load), { id: 'get-exact', class: 'plain small' });
}

function facts(survey: Survey): HTMLElement {
  const sides = Object.entries(survey.sides ?? {}).map(([side, how]) => `${side}: ${named('side', how)}`).join('; ');
  const told = { dataset: survey.dataset, part: survey.part, version: survey.part_version, file_column: survey.file, sides };
  return el('dl', {}, ...Object.entries(told).map(([name, value]) => value && el('div', {}, el('dt', {}, t(name)), el('dd', {}, value))));
}

// What happened, as what and by which node, with what was asked and answered; open where somebody said something.
function history(survey: Survey): HTMLElement {
  const step = (one: Happened): string =>
    [named('state', one.action), one.country, named('role', one.role), one.survey && t('of_survey', { number: one.survey }), when(one.date)]
      .filter(Boolean).join(' · ');
  const steps = survey.history.map((one) =>
    el('li', { 'data-action': one.action }, el('small', {}, step(one)), one.note && el('p', { class: 'said' }, one.note)));
  return folded({ class: 'note', id: 'conversation', open: survey.history.some((one) => one.note) }, [t('history')], el('ol', {}, ...steps));
}

function actions(survey: Survey, etag: string): HTMLElement {
  const status = statusLine();
  // Do it, then show the survey that came of it: another one where its part was removed.
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      const answer = await work();
      const number = answer instanceof Response ? ((await answer.json()) as { id?: number }).id : undefined;
      void open(number ?? survey.id);
    } catch (refusal) {
      if (refusal instanceof Refused && refusal.status === 412) void open(survey.id, t('refused_412'));
      else complain(status, refusal);
    }
  };
  const path = `/v1/surveys/${survey.id}`;
  const submit = (): void => void act(() => ask(`${path}/submit?language=${language}`, { method: 'POST', headers: { 'If-Match': etag } }));
  const take = (): Promise<void> => act(() => ask(`${path}?language=${language}`, { method: 'DELETE' }));
  const { mine, state, file, replaced_by: next } = survey;
  const current = ['committed', 'published'].includes(state) && !next && file !== undefined;
  const again = button(t('new_version'), () => sendAgain(survey.dataset, survey.part), { id: 'again', class: 'plain' });
  return el('div', { class: 'actions' },
    mine && state === 'draft' && survey.report?.ok && button(t('submit'), submit, { id: 'submit' }),
    mine && state === 'asked' && answerForm(survey, etag, act),
    survey.yours?.length ? decisionForm(survey, etag, act) : null,
    mine && !next && survey.stage !== 'checking' && state !== 'committing' && again,
    mine && WAITING.includes(state) && file !== undefined && askedOnce([t('withdraw'), t('withdraw_help'), t('withdraw_sure')], take, 'danger'),
    mine && current && askedOnce([t('remove'), t('remove_help'), t('remove_sure')], take, 'danger'),
    status);
}

// A reviewer's decision for their own side, about the version that was looked at, else the service says 412; and the team's answer.
const labelled = (input: HTMLElement, text: string): HTMLElement[] => [el('label', { for: input.id }, text), input];
const unsent = (event: Event): void => event.preventDefault();

// What a reviewer sends; `askAbout` begins a question in it.
function decisionForm(survey: Survey, etag: string, act: Act): HTMLElement {
  const [yours, sides] = [survey.yours ?? [], survey.sides ?? {}];
  const others = Object.keys(sides).filter((side) => !yours.includes(side));
  const waiting = yours.filter((side) => sides[side] === 'waiting');
  const options = (waiting.length ? waiting : yours).map((code) => el('option', { value: code }, code));
  const side = el('select', { id: 'side' }, el('option', { value: '' }, t('side_all')), ...options);
  const reasons = el('textarea', { id: 'reasons', maxlength: 4000, 'aria-describedby': 'reasons-help' });
  const status = statusLine();

  const decide = (decision: string): void => {
    const text = reasons.value.trim();
    if (decision !== 'accept' && !text) return reasons.focus(), say(status, t('reasons_needed'), 'note');
    const body = { decision, reasons: text, ...(side.value && { country: side.value }) };
    void act(() => ask(`/v1/surveys/${survey.id}/decisions`, asJson(body, { 'If-Match': etag })));
  };
  const choice = (decision: string, kind: string): HTMLElement => button(t(decision), () => decide(decision), { class: kind, 'data-decision': decision });
  return el('section', { 'aria-label': t('decide') },
    el('h4', {}, t('decide')),
    yours.length === 1 && el('p', { id: 'your-side' }, t('side_yours', { side: yours[0]! })),
    ...others.map((code) => el('p', { class: 'other-side' }, `${t('side_with_node', { side: code })} (${named('side', sides[code]!)})`)),
    others.length ? el('p', { id: 'refusal-holds' }, t('side_refusal_holds')) : null,
    el('form', { onsubmit: unsent }, ...(yours.length > 1 ? labelled(side, t('side')) : []), ...labelled(reasons, t('reasons'))),
    el('p', { id: 'reasons-help' }, t('reasons_help')),
    el('div', { class: 'row' }, choice('accept', ''), choice('ask', 'plain'), choice('refuse', 'danger')),
    status);
}

// What the team answers in words.
function answerForm(survey: Survey, etag: string, act: Act): HTMLElement {
  const words = el('textarea', { id: 'answer-words', maxlength: 4000, 'aria-describedby': 'answer-help' });
  const status = statusLine();
  const send = (): void => {
    const answer = words.value.trim();
    if (!answer) return words.focus(), say(status, t('answer_needed'), 'note');
    void act(() => ask(`/v1/surveys/${survey.id}/answers`, asJson({ answer }, { 'If-Match': etag })));
  };
  return el('section', { 'aria-label': t('your_answer') },
    el('form', { onsubmit: unsent }, ...labelled(words, t('your_answer'))),
    el('p', { id: 'answer-help' }, t('answer_help')),
    el('p', {}, button(t('answer_send'), send, { id: 'answer-send' })),
    status);
}

// A button that tells what it does and asks once before it does it.
function askedOnce([what, help, yes]: [string, string, string], done: () => Promise<void>, kind = 'plain'): HTMLElement {
  const first = button(what, () => open(true), { class: kind });
  const sure = button(yes, () => void done(), { class: kind === 'danger' ? 'danger' : '' });
  const leave = button(t('leave'), () => open(false), { class: 'plain' });
  const question = el('div', { class: 'note question', hidden: true }, el('p', {}, help), el('div', { class: 'row' }, sure, leave));
  const open = (asked: boolean): void => {
    [first.hidden, question.hidden] = [asked, !asked];
    (asked ? sure : first).focus();
  };
  return el('div', { class: 'once' }, first, question);
}

// The versions of a survey's dataset, asked for when somebody looks; `opened(number)` shows the survey of a restored one.
function versionsView(survey: Survey, opened: (number: number) => void): HTMLElement {
  const [status, shown] = [statusLine(), el('div')];
  const load = async (): Promise<void> => {
    const found = await versionsOf(survey.dataset);
    const parts = grouped(found.results, (one) => one.part).toSorted((a, b) => Number(b[0]!.part === survey.part) - Number(a[0]!.part === survey.part));
    shown.replaceChildren(...parts.map((every) => partTable(every, found.may_return)));
  };
  const partTable = (every: Version[], mayReturn: boolean): HTMLElement => {
    const heads = [t('version'), t('changed_at'), t('state'), t('difference'), t('number'), ''];
    return table(`${t('part')}: ${every[0]!.part}`, heads, every.toReversed().map((one) => [
      one.part_version, when(one.changed), named('state', one.stage), inOneLine(one.changes),
      el('a', { href: `#survey-${one.id}` }, t('open', { number: one.id })),
      mayReturn && one.file && one !== every.at(-1) && restore(one),
    ]));
  };
  const restore = ({ part_version: version = 0, id }: Version): HTMLElement => {
    const words: [string, string, string] = [t('restore', { version }), t('restore_help', { version }), t('restore_sure', { version })];
    return askedOnce(words, () => attempt(status, async () => {
      opened((await askJson<{ id: number }>(`/v1/surveys/${id}/restore?language=${language}`, { method: 'POST' })).id);
    }));
  };
  const loadOnce = (event: Event): void => void ((event.target as HTMLDetailsElement).open && attempt(status, load));
  return folded({ id: 'versions', ontoggle: loadOnce }, [t('versions')], shown, status);
}
