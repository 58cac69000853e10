// The rows of a survey on a map: a dot for each place, a square for each cell, behind them the edges of the countries.
import { shape } from '../card_plot';
import { t } from '../words';
import { el, grouped } from './dom';
import type { Row } from './rows';
import { askJson } from './session';

type Box = [west: number, south: number, east: number, north: number];
type Rings = [number, number][][];
interface Country { properties: { name: string; level: string }; geometry: { type: string; coordinates: Rings | Rings[] } }

const [WIDTH, LEAST_DEGREES, MARGIN] = [600, 0.05, 0.12];

// The map of rows that show a place; nothing where none does.
export function mapOf(rows: Row[]): HTMLElement | null {
  const boxOf = ({ decimalLongitude: x, decimalLatitude: y, ...row }: Row): Box =>
    [row.cell_west ?? x, row.cell_south ?? y, row.cell_east ?? x, row.cell_north ?? y] as Box;
  const places = grouped(rows.filter((row) => boxOf(row).every((edge) => edge !== undefined)), (row) => boxOf(row).join());
  if (!places.length) return null;
  const boxes = places.map((every) => boxOf(every[0]!));
  const ends = (at: number): number => (at < 2 ? Math.min : Math.max)(...boxes.map((box) => box[at]!));
  const margin = Math.max(ends(2) - ends(0), ends(3) - ends(1), LEAST_DEGREES) * MARGIN;
  const [west, south, east, north] = [ends(0) - margin, ends(1) - margin, ends(2) + margin, ends(3) + margin];
  const scale = WIDTH / (east - west);
  const up = scale / Math.cos(((south + north) / 2) * (Math.PI / 180));
  const [x, y] = [(degrees: number): number => (degrees - west) * scale, (degrees: number): number => (north - degrees) * up];
  const drawn = shape('svg', { viewBox: `0 0 ${WIDTH} ${y(south)}`, role: 'img', 'aria-label': `${t('place')}: ${places.length}` });
  const titled = (one: SVGElement, words: string): SVGElement => (one.appendChild(shape('title', {})).append(words), one);
  const signs = places.map((every, n) => {
    const [left, low, right, high] = boxes[n]!;
    const size = { x: x(left), y: y(high), width: x(right) - x(left), height: y(low) - y(high) };
    const sign = left === right ? shape('circle', { cx: x(left), cy: y(low), r: 5 }) : shape('rect', size);
    return titled(sign, [...new Set(every.map((row) => row.scientificName))].filter(Boolean).join(', '));
  });
  drawn.append(...signs.toSorted((a, b) => b.tagName.localeCompare(a.tagName))); // dots above squares
  const path = (rings: Rings): string => rings.map((ring) => `M${ring.map(([lon, lat]) => `${x(lon).toFixed(1)} ${y(lat).toFixed(1)}`).join('L')}Z`).join('');
  void askJson<{ features: Country[] }>(`/ogc/collections/boundaries/items?f=json&bbox=${[west, south, east, north].join()}&filter=level='country'`)
    .then(({ features }) => drawn.prepend(...features.map(({ properties, geometry }) => {
      const parts = (geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates) as Rings[];
      return titled(shape('path', { d: parts.map(path).join('') }), properties.name);
    })), () => null); // a map without edges is one, too
  return el('figure', { class: 'map' }, drawn);
}
