// A small map of published places: points, and cells of coarse ones, with the degrees at its edges; drawn here, asked of nobody.
import { el } from './dom';
import type { Row } from './rows';

const [WIDTH, HEIGHT, EDGE] = [600, 300, 44];
const STEPS = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005];
type At = (x: number, y: number) => [number, number];

function svg(tag: string, attributes: Record<string, string | number>, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** The map of rows; nothing where none has a place. */
export function drawing(rows: Row[], title: string): HTMLElement | null {
  const cells = rows.filter((row) => row.cell_west !== undefined);
  const points = rows.filter((row) => row.cell_west === undefined && row.decimalLatitude !== undefined && row.decimalLongitude !== undefined);
  const xs = [...cells.flatMap((row) => [row.cell_west!, row.cell_east!]), ...points.map((row) => row.decimalLongitude!)];
  const ys = [...cells.flatMap((row) => [row.cell_south!, row.cell_north!]), ...points.map((row) => row.decimalLatitude!)];
  if (!xs.length) return null;
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const [x0, y0] = [(west + east) / 2, (south + north) / 2];
  const flat = Math.cos((y0 * Math.PI) / 180); // degrees of longitude are shorter
  const degrees = Math.max(((east - west) * flat) / (WIDTH - 2 * EDGE), (north - south) / (HEIGHT - 2 * EDGE), 0.02 / (HEIGHT - 2 * EDGE));
  const at: At = (x, y) => [WIDTH / 2 + ((x - x0) * flat) / degrees, HEIGHT / 2 - (y - y0) / degrees];
  const label = `${title} (${points.length + cells.length})`;
  const half = [((WIDTH / 2) * degrees) / flat, (HEIGHT / 2) * degrees] as const;
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label, class: 'drawing' },
    svg('title', {}, title),
    svg('rect', { x: 0, y: 0, width: WIDTH, height: HEIGHT, class: 'ground' }),
    ...degreeLines(at, [x0 - half[0], x0 + half[0]], [y0 - half[1], y0 + half[1]]),
    ...cells.map((row) => cell(row, at)), ...points.map((row) => point(row, at)));
  return el('figure', {}, picture, el('figcaption', {}, title));
}

function cell(row: Row, at: At): SVGElement {
  const [left, top] = at(row.cell_west!, row.cell_north!);
  const [right, bottom] = at(row.cell_east!, row.cell_south!);
  const words = svg('title', {}, `${row.scientificName ?? ''} ${row.year ?? ''}`);
  return svg('rect', { x: left, y: top, width: right - left, height: bottom - top, class: 'cell' }, words);
}

function point(row: Row, at: At): SVGElement {
  const [x, y] = at(row.decimalLongitude!, row.decimalLatitude!);
  return svg('circle', { cx: x, cy: y, r: 5, class: `point ${row.change}` }, svg('title', {}, `${row.scientificName ?? ''} ${row.eventDate ?? ''}`));
}

function degreeLines(at: At, [west, east]: [number, number], [south, north]: [number, number]): SVGElement[] {
  const step = STEPS.find((one) => (east - west) / one >= 3) ?? STEPS.at(-1)!;
  const each = (from: number, to: number): number[] =>
    Array.from({ length: Math.max(0, Math.floor(to / step) - Math.ceil(from / step) + 1) }, (_, n) => (Math.ceil(from / step) + n) * step);
  const words = (value: number): string => `${Number(value.toFixed(3))}°`;
  const meridians = each(west, east).flatMap((x) => {
    const [left] = at(x, south);
    return [svg('line', { x1: left, x2: left, y1: 0, y2: HEIGHT, class: 'grid' }), svg('text', { x: left + 3, y: HEIGHT - 5 }, words(x))];
  });
  const parallels = each(south, north).flatMap((y) => {
    const [, top] = at(west, y);
    return [svg('line', { x1: 0, x2: WIDTH, y1: top, y2: top, class: 'grid' }), svg('text', { x: 3, y: top - 3 }, words(y))];
  });
  return [...meridians, ...parallels];
}
