// A reviewer's decision for their own side, about the version that was looked at, else the service says 412; and the team's answer.
import { t } from '../words';
import { button, el, named, say, statusLine } from './dom';
import { ask, asJson } from './session';
import type { Survey } from './survey';

type Act = (work: () => Promise<unknown>) => Promise<void>;

const labelled = (input: HTMLElement, text: string): HTMLElement[] => [el('label', { for: input.id }, text), input];
const unsent = (event: Event): void => event.preventDefault();

// What a reviewer sends; `askAbout` begins a question in it.
export function decisionForm(survey: Survey, etag: string, act: Act): HTMLElement {
  const [yours, sides] = [survey.yours ?? [], survey.sides ?? {}];
  const others = Object.keys(sides).filter((side) => !yours.includes(side));
  const waiting = yours.filter((side) => sides[side] === 'waiting');
  const options = (waiting.length ? waiting : yours).map((code) => el('option', { value: code }, code));
  const side = el('select', { id: 'side' }, el('option', { value: '' }, t('side_all')), ...options);
  const reasons = el('textarea', { id: 'reasons', maxlength: 4000, 'aria-describedby': 'reasons-help' });
  const status = statusLine();

  const decide = (decision: string): void => {
    const text = reasons.value.trim();
    if (decision !== 'accept' && !text) {
      say(status, t('reasons_needed'), 'note');
      return reasons.focus();
    }
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
    el('p', {}, button(t('answer_send'), send, { id: 'answer-send' })),
    status);
}

// A button that tells what it does and asks once before it does it.
export function askedOnce([what, help, yes]: [string, string, string], done: () => Promise<void>, kind = 'plain'): HTMLElement {
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
