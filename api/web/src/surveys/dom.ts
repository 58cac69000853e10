// What the page of surveys is made of: its elements, and what it says where.
import { button, el, present, type Attributes, type Child } from '../dom';
import { called, served } from '../words';

export { button, el, present, type Child };

// What the page calls each term that a heading can mean.
export const terms: Record<string, string> = served?.terms ?? {};

// What the page calls one of the service's own names, such as the state `published`; the name itself where it has no word.
export const named = (kind: string, name: string): string => called(`${kind}_${name}`) ?? name;

export const find = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;

export const field = (id: string): HTMLInputElement => find<HTMLInputElement>(id);

// Do something instead of sending a form.
export const submitted = (form: string, done: () => void): void => find(form).addEventListener('submit', (event) => (event.preventDefault(), done()));

// A table that becomes cards on a telephone; its roles stay, though its display changes. A column that is empty is left out.
export function table(caption: string, heads: string[], rows: Child[][]): HTMLTableElement {
  const kept = heads.map((_, at) => at).filter((at) => !rows.length || rows.some((cells) => present([cells[at]]).length));
  const head = kept.map((at) => el('th', { scope: 'col', role: 'columnheader' }, heads[at]));
  const body = rows.map((cells) => {
    const inside = (at: number): Node[] => present([cells[at]]).map((one) => (one instanceof Node ? one : el('span', {}, one)));
    return el('tr', { role: 'row' }, ...kept.map((at) => el('td', { role: 'cell', 'data-label': heads[at] }, ...inside(at))));
  });
  const [above, below] = [el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...head)), el('tbody', { role: 'rowgroup' }, ...body)];
  return el('table', { class: 'cards', role: 'table' }, el('caption', {}, caption), above, below);
}

// Something that opens when its summary is clicked.
export const folded = (attributes: Attributes, summary: Child[], ...inside: Child[]): HTMLDetailsElement =>
  el('details', attributes, el('summary', {}, ...summary), ...inside);

// A place that screen readers listen to.
export const statusLine = (): HTMLParagraphElement => el('p', { class: 'status', role: 'status', 'aria-live': 'polite' });

// Say something in such a place.
export function say(where: HTMLElement, text: string, kind = ''): void {
  where.className = `status ${kind}`;
  where.textContent = text;
}

// Say why something was refused.
export const complain = (where: HTMLElement, refusal: unknown): void => say(where, refusal instanceof Error ? refusal.message : String(refusal), 'bad');

// Do something, and say in a place why it was refused; a button that begins it can be pressed again when it has ended.
export async function attempt(where: HTMLElement, work: () => Promise<unknown>, button?: HTMLButtonElement | null): Promise<void> {
  if (button) button.disabled = true;
  await work().catch((refusal: unknown) => complain(where, refusal)).finally(() => button && (button.disabled = false));
}

// What belongs together, in the order in which it came.
export function grouped<T>(every: T[], key: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of every) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return [...groups.values()];
}

// Numbers of rows as 2, 5, 7–9.
export function ranges(numbers: number[]): string {
  const runs: [number, number][] = [];
  for (const one of [...new Set(numbers)].toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last[1] === one - 1) last[1] = one;
    else runs.push([one, one]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}–${last}`)).join(', ');
}

// A moment as 2026-11-27 09:30, here: browsers lack Lao, Khmer and Burmese, and count Thai years in another era.
export function when(text: string): string {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toLocaleString('sv').slice(0, 16); // Swedish writes them so
}
