// How surveys are drawn: numbers where there are many, else what is published of each, told apart by form and in one dark ink.
import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl';
import { effortText, INK, signOf } from './designs';

const from = { source: 'surveys', 'source-layer': 'surveys' } as const;
const one: ExpressionSpecification = ['!', ['has', 'count']];
const whole: ExpressionSpecification = ['==', ['get', 'whole'], true];
const coarse: ExpressionSpecification = ['!=', ['get', 'sharing_category'], 'open'];
const of = (...kinds: string[]): ExpressionSpecification => ['in', ['geometry-type'], ['literal', kinds.flatMap((k) => [k, `Multi${k}`])]];
const all = (...parts: ExpressionSpecification[]): FilterSpecification => ['all', ...parts] as FilterSpecification;
const size = (small: number, large: number): ExpressionSpecification => ['interpolate', ['linear'], ['zoom'], 8, small, 12, large];

export const surveyLayers: LayerSpecification[] = [
  // A coarse place: the whole square, since any point of it may be the one.
  { id: 'surveys-cells', type: 'fill', ...from, filter: all(one, of('Polygon'), coarse), paint: { 'fill-color': INK, 'fill-opacity': 0.05 } },
  {
    id: 'surveys-cells-line',
    type: 'line',
    ...from,
    filter: all(one, of('Polygon'), coarse),
    paint: { 'line-color': INK, 'line-width': 1.4, 'line-dasharray': [4, 2] },
  },
  {
    id: 'surveys-wholes',
    type: 'line',
    ...from,
    filter: all(one, of('Polygon', 'LineString'), whole),
    paint: { 'line-color': INK, 'line-width': 1, 'line-opacity': 0.6, 'line-dasharray': [1, 2] },
  },
  {
    id: 'surveys-areas',
    type: 'fill',
    ...from,
    filter: all(one, of('Polygon'), ['!', coarse], ['!', whole]),
    paint: { 'fill-color': '#ffffff', 'fill-opacity': 0.3 },
  },
  {
    id: 'surveys-edges',
    type: 'line',
    ...from,
    filter: all(one, of('Polygon'), ['!', coarse], ['!', whole]),
    paint: { 'line-color': INK, 'line-width': 1.4 },
  },
  {
    id: 'surveys-ways-edge',
    type: 'line',
    ...from,
    filter: all(one, of('LineString'), ['!', whole]),
    layout: { 'line-cap': 'round' },
    paint: { 'line-color': '#ffffff', 'line-width': size(4, 6) },
  },
  {
    id: 'surveys-ways',
    type: 'line',
    ...from,
    filter: all(one, of('LineString'), ['!', whole], ['!=', ['get', 'design'], 'sign_transect']),
    paint: { 'line-color': INK, 'line-width': size(2, 3) },
  },
  {
    id: 'surveys-signs',
    type: 'line',
    ...from,
    filter: all(one, of('LineString'), ['!', whole], ['==', ['get', 'design'], 'sign_transect']),
    paint: { 'line-color': INK, 'line-width': size(2, 3), 'line-dasharray': [2, 1] },
  },
  {
    id: 'surveys-many',
    type: 'circle',
    ...from,
    filter: ['has', 'count'],
    paint: {
      'circle-color': '#ffffff',
      'circle-opacity': 0.9,
      'circle-stroke-color': INK,
      'circle-stroke-width': 1.6,
      'circle-radius': ['interpolate', ['linear'], ['log10', ['to-number', ['get', 'count']]], 0, 8, 3, 15],
    },
  },
  {
    id: 'surveys-numbers',
    type: 'symbol',
    ...from,
    filter: ['has', 'count'],
    layout: { 'text-field': ['to-string', ['get', 'count']], 'text-font': ['Noto Sans Bold'], 'text-size': 11, 'text-allow-overlap': true },
    paint: { 'text-color': INK },
  },
  {
    id: 'surveys-places',
    type: 'symbol',
    ...from,
    // A square of a degree is seen without a sign in its middle, which would stand once in each tile that it lies in.
    filter: all(one, of('Point', 'Polygon'), ['!', whole], ['!=', ['get', 'sharing_category'], '1_degree']),
    layout: {
      'icon-image': signOf,
      'icon-size': size(0.6, 1),
      'icon-allow-overlap': true,
      'text-field': ['step', ['zoom'], '', 11, effortText],
      'text-font': ['Noto Sans Regular'],
      'text-size': 11,
      'text-anchor': 'top',
      'text-offset': [0, 0.9],
      'text-optional': true,
    },
    paint: { 'text-color': INK, 'text-halo-color': '#ffffff', 'text-halo-width': 1.6 },
  },
  {
    id: 'surveys-efforts',
    type: 'symbol',
    ...from,
    minzoom: 11,
    filter: all(one, of('LineString'), ['!', whole]),
    layout: { 'text-field': effortText, 'text-font': ['Noto Sans Regular'], 'text-size': 11 },
    paint: { 'text-color': INK, 'text-halo-color': '#ffffff', 'text-halo-width': 1.6 },
  },
];
