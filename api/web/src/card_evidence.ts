// What a result stands on: parameters, sharing category, and the way to its printable report.
import { element, names, object, paragraph, plain, text, words } from './card_basics';
import { reportAddress, type Properties } from './service';

const CATEGORY_WORDS: Record<string, string> = {
  '1_degree': 'as a cell of 1°',
  '0_1_degree': 'as a cell of 0.1°',
  '0_01_degree': 'as a cell of 0.01°',
  '0_001_degree': 'as a cell of 0.001°',
};

export function evidence(value: unknown): HTMLElement[] {
  const entries = Object.entries(object(value));
  if (!entries.length) return [];
  const details = element('details', 'evidence', element('summary', '', 'Evidence and parameters'));
  details.append(tree(Object.fromEntries(entries)));
  return [details];
}

/** What the run noted of its result, word for word as the report prints it: why there is no link, and what limits the answer. */
export function runNotes(p: Properties): HTMLElement[] {
  const notes = names(object(p['evidence'])['notes']);
  if (p['functional'] === false && !notes.length) notes.push('No functional link; the run kept no reason.');
  return notes.map((note) => paragraph(note, 'warning'));
}

export function tree(value: unknown): HTMLElement {
  if (Array.isArray(value)) {
    if (value.every((v) => typeof v !== 'object' || v === null)) return element('span', '', value.map(plain).join(', ') || '–');
    return element('ul', '', ...value.map((v) => element('li', '', tree(v))));
  }
  if (typeof value === 'object' && value !== null) {
    const rows = Object.entries(value).flatMap(([k, v]) => [element('dt', '', words(k)), element('dd', '', tree(v))]);
    return element('dl', '', ...rows);
  }
  return element('span', '', plain(value));
}

/** A link to the page that can be printed. */
export function report(id: unknown): HTMLElement | string {
  if (typeof id !== 'string' || !id) return '';
  const anchor = element('a', 'report', 'Printable report');
  anchor.setAttribute('href', reportAddress(id));
  anchor.setAttribute('target', '_blank');
  anchor.setAttribute('rel', 'noopener');
  return anchor;
}

export function sharing(p: Properties): HTMLElement | string {
  const category = text(p['sharing_category']);
  if (category === '–' || category === 'open') return '';
  return paragraph(`Shared ${CATEGORY_WORDS[category] ?? category}${p['sharing_rule'] ? `, by the rule “${text(p['sharing_rule'])}”` : ''}.`, 'sharing');
}
