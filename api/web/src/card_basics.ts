// What every card is made of: elements whose words are text, and numbers with their units.
import { el } from './dom';
import type { Properties } from './service';
import { locale, t } from './words';

export type Row = [label: string, value: string | Node];

export function title(kind: string, name: string): HTMLElement {
  return element('header', '', element('p', 'kind', kind), element('h2', '', name));
}

export function table(rows: Row[]): HTMLElement {
  const shown = rows.filter(([, value]) => value !== '–');
  return element('dl', 'facts', ...shown.flatMap(([label, value]) => [element('dt', '', label), element('dd', '', value)]));
}

/** An element that fills itself once its rows have come. */
export function later(rows: Promise<Row[]>): HTMLElement {
  const place = element('div', 'later');
  rows
    .then((found) => place.append(table(found)))
    .catch((error: Error) => place.append(paragraph(error.message, 'warning')));
  return place;
}

export function paragraph(content: string, className = ''): HTMLElement {
  return element('p', className, content);
}

export function heading(content: string): HTMLElement {
  return element('h3', '', content);
}

export function closeButton(close: () => void): HTMLElement {
  return el('button', { class: 'close', 'aria-label': t('Close the card'), onclick: close }, '×');
}

export const element = (tag: string, className: string, ...children: (Node | string)[]): HTMLElement =>
  el(tag as keyof HTMLElementTagNameMap, { class: className || null }, ...children);

export function node(value: Node | string): Node {
  return typeof value === 'string' ? document.createTextNode(value) : value;
}

export function object(value: unknown): Properties {
  if (typeof value === 'string') {
    try {
      return object(JSON.parse(value));
    } catch {
      return {};
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Properties) : {};
}

export function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export function text(value: unknown): string {
  return value === null || value === undefined || value === '' ? '–' : String(value);
}

export function plain(value: unknown): string {
  return typeof value === 'number' ? number(value, 3) : text(value);
}

export function list(value: unknown): string {
  return Array.isArray(value) && value.length ? value.join(', ') : text(Array.isArray(value) ? null : value);
}

export function words(name: string): string {
  return name.replaceAll('_', ' ');
}

export function number(value: unknown, digits: number): string {
  return typeof value === 'number' ? value.toLocaleString(locale, { maximumFractionDigits: digits }) : '–';
}

export function percent(value: unknown): string {
  return typeof value === 'number' ? `${number(100 * value, value < 0.01 ? 2 : 1)} %` : '–';
}

export function metres(value: unknown, prefix = ''): string {
  if (typeof value !== 'number') return '–';
  if (value >= 10000) return `${number(value / 1000, 1)} ${prefix}km`;
  return `${number(value, 0)} ${prefix}m`;
}

export function squareKilometres(value: unknown): string {
  return typeof value === 'number' ? `${number(value, value < 10 ? 2 : 0)} km²` : '–';
}
