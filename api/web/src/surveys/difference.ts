// What a version of a part changes: counts, then rows and cells on a click; values only where they tell no place and no taxon.
import { t } from '../words';
import { el, folded, named, table, terms, type Child } from './dom';

interface Cell { sheet: string; row: number; column: string; before: string | null; after: string | null; shown: boolean }
interface TableDifference {
  counts: Record<string, number>; changed: Cell[]; changed_cells: Record<string, number>; new: { sheet: string; row: number }[];
  gone: { was_sheet: string | null; was_row: number | null; identifier?: string | null }[];
}
export interface Difference { notes?: { code: string; message: string }[]; occurrences?: TableDifference; events?: TableDifference }

export const KINDS = ['new', 'changed', 'gone', 'unchanged'];
const TABLES = ['occurrences', 'events'] as const;
const MOST = 200;

export function differenceView(difference: Difference): HTMLElement {
  const tables = TABLES.flatMap((name) => (Object.values(difference[name]?.counts ?? {}).some(Boolean) ? [[named('table', name), difference[name]!] as const] : []));
  const counts = tables.map(([name, one]) => [name, ...KINDS.map((kind) => one.counts[kind] ?? 0)]);
  return el('section', { class: 'difference', 'aria-label': t('difference') },
    el('h4', {}, t('difference')),
    table(t('difference'), ['', ...KINDS.map((kind) => named('kind', kind))], counts),
    ...(difference.notes ?? []).map((note) => el('p', { class: 'note', 'data-code': note.code }, note.message)),
    ...tables.flatMap(([name, one]) => [cells(name, one), ...whole(name, one)]));
}

// How many rows a version made new, changed or removed, in one line.
export function inOneLine(counts: Record<string, Record<string, number>>): string {
  const of = (kinds: Record<string, number>): string =>
    KINDS.filter((kind) => kind !== 'unchanged' && kinds[kind]).map((kind) => `${named('kind', kind)} ${kinds[kind]}`).join(', ');
  return TABLES.filter((name) => of(counts[name] ?? {})).map((name) => `${named('table', name)}: ${of(counts[name] ?? {})}`).join('; ');
}

function cells(name: string, difference: TableDifference): Child {
  const columns = Object.entries(difference.changed_cells);
  if (!columns.length) return null;
  const told = columns.map(([column, count]) => `${terms[column] ?? column} (${count})`).join(', ');
  const value = (cell: Cell, which: 'before' | 'after'): string => (cell.shown ? (cell[which] ?? t('difference_empty')) : t('cell_kept_back'));
  const rows = difference.changed.map((cell) => [cell.sheet, cell.row, terms[cell.column] ?? cell.column, value(cell, 'before'), value(cell, 'after')]);
  const heads = [t('sheet'), t('row'), t('column'), t('before'), t('after')];
  return list('changed', `${name}, ${t('changed_fields')}: ${told}`, heads, rows, columns.reduce((sum, [, count]) => sum + count, 0));
}

// Rows that are new, and those that are in the file no more: where they stood in the version before.
function whole(name: string, { counts, gone, new: added }: TableDifference): Child[] {
  const title = (kind: string): string => `${name}: ${named('kind', kind)} (${counts[kind]})`;
  const went = gone.map((one) => [one.identifier ?? t('cell_kept_back'), one.was_sheet, one.was_row]);
  return [
    list('gone', title('gone'), [t('identifiers'), t('sheet'), t('row_before')], went, counts['gone'] ?? 0),
    list('new', title('new'), [t('sheet'), t('row')], added.map((one) => [one.sheet, one.row]), counts['new'] ?? 0),
  ];
}

function list(kind: string, title: string, heads: string[], rows: Child[][], all: number): Child {
  if (!rows.length) return null;
  const shown = rows.slice(0, MOST);
  const more = all > shown.length ? el('p', {}, t('and_more', { count: all - shown.length })) : null;
  return folded({ 'data-kind': kind }, [title], table(title, heads, shown), more);
}
