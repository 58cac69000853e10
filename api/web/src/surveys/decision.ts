// A reviewer's decision for their own side, about the version that was looked at, else the service says 412; and the team's answer.
import { t } from '../words';
import { el, folded, named, say, statusLine } from './dom';
import { ask, asJson } from './session';
import type { Survey } from './survey';

type Act = (work: () => Promise<unknown>) => Promise<void>;

const labelled = (input: HTMLElement, text: string): HTMLElement[] => [el('label', { for: input.id }, text), input];
const unsent = (event: Event): void => event.preventDefault();

/** What a reviewer sends; `askAbout` begins a question in it. */
export function decisionForm(survey: Survey, etag: string, act: Act): HTMLElement {
  const [yours, sides] = [survey.yours ?? [], survey.sides ?? {}];
  const others = Object.keys(sides).filter((side) => !yours.includes(side));
  const waiting = yours.filter((side) => sides[side] === 'waiting');
  const options = (waiting.length ? waiting : yours).map((code) => el('option', { value: code }, code));
  const side = el('select', { id: 'side' }, el('option', { value: '' }, t('side_all')), ...options);
  const reasons = el('textarea', { id: 'reasons', maxlength: 4000, 'aria-describedby': 'reasons-help' });
  const sheet = el('input', { id: 'question-sheet', maxlength: 200 });
  const row = el('input', { id: 'question-row', type: 'number', min: 1, inputmode: 'numeric' });
  const column = el('input', { id: 'question-column', maxlength: 200 });
  const status = statusLine();

  const decide = (decision: string): void => {
    const text = reasons.value.trim();
    if (decision !== 'accept' && !text) {
      say(status, t('reasons_needed'), 'note');
      return reasons.focus();
    }
    const cell = { row: Number(row.value), ...(sheet.value && { sheet: sheet.value }), ...(column.value && { column: column.value }) };
    const atCell = decision === 'ask' && row.value;
    const words = atCell ? { reasons: '', questions: [{ question: text.slice(0, 1000), ...cell }] } : { reasons: text };
    const body = { decision, ...words, ...(side.value && { country: side.value }) };
    void act(() => ask(`/v1/surveys/${survey.id}/decisions`, asJson(body, { 'If-Match': etag })));
  };
  const button = (decision: string, kind: string): HTMLElement =>
    el('button', { type: 'button', class: kind, 'data-decision': decision, onclick: () => decide(decision) }, t(decision));
  return el('section', { 'aria-label': t('decide') },
    el('h4', {}, t('decide')),
    yours.length === 1 && el('p', { id: 'your-side' }, t('side_yours', { side: yours[0]! })),
    ...others.map((code) => el('p', { class: 'other-side' }, `${t('side_with_node', { side: code })} (${named('side', sides[code]!)})`)),
    others.length ? el('p', { id: 'refusal-holds' }, t('side_refusal_holds')) : null,
    el('form', { onsubmit: unsent }, ...(yours.length > 1 ? labelled(side, t('side')) : []), ...labelled(reasons, t('reasons'))),
    el('p', { id: 'reasons-help' }, t('reasons_help')),
    folded({}, [t('question_at')], el('form', { onsubmit: unsent },
      ...labelled(sheet, t('sheet')), ...labelled(row, t('row')), ...labelled(column, t('column')))),
    el('div', { class: 'row' }, button('accept', ''), button('ask', 'plain'), button('refuse', 'danger')),
    status);
}

/** What the team answers in words. */
export function answerForm(survey: Survey, etag: string, act: Act): HTMLElement {
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
    el('p', {}, el('button', { type: 'button', id: 'answer-send', onclick: send }, t('answer_send'))),
    status);
}

/** A button that tells what it does and asks once before it does it. */
export function askedOnce([what, help, yes]: [string, string, string], done: () => Promise<void>, kind = 'plain'): HTMLElement {
  const first = el('button', { type: 'button', class: kind, onclick: () => open(true) }, what);
  const sure = el('button', { type: 'button', class: kind === 'danger' ? 'danger' : '', onclick: () => void done() }, yes);
  const leave = el('button', { type: 'button', class: 'plain', onclick: () => open(false) }, t('leave'));
  const question = el('div', { class: 'note question', hidden: true }, el('p', {}, help), el('div', { class: 'row' }, sure, leave));
  const open = (asked: boolean): void => {
    [first.hidden, question.hidden] = [asked, !asked];
    (asked ? sure : first).focus();
  };
  return el('div', { class: 'once' }, first, question);
}
