// How surveys are drawn: a sign for each or a number for several, and where it tells more their lines and outlines.
import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl';
import { effortText, INK, signOf } from './designs';

const shapes = { source: 'surveys', 'source-layer': 'surveys', minzoom: 8 } as const;
const signs = { source: 'surveys', 'source-layer': 'survey_signs' } as const;
// The place of a survey with records is the box of these, and not where it was done: only its sign is drawn.
const own: ExpressionSpecification = ['all', ['==', ['get', 'records'], 0], ['!=', ['get', 'whole'], true]];
const several: ExpressionSpecification = ['>', ['get', 'count'], 1];
const of = (kind: string): ExpressionSpecification => ['in', ['geometry-type'], ['literal', [kind, `Multi${kind}`]]];
const all = (...parts: ExpressionSpecification[]): FilterSpecification => ['all', ...parts] as FilterSpecification;
const size = (small: number, large: number): ExpressionSpecification => ['interpolate', ['linear'], ['zoom'], 8, small, 12, large];
const isDashed: ExpressionSpecification = ['==', ['get', 'design'], 'sign_transect'];
const way = { 'line-color': INK, 'line-width': size(2, 3) } as const;
const ink = { 'text-color': INK, 'text-halo-color': '#ffffff', 'text-halo-width': 1.6 } as const;

export const surveyLayers: LayerSpecification[] = [
  { id: 'surveys-areas', type: 'fill', ...shapes, filter: all(of('Polygon'), own), paint: { 'fill-color': INK, 'fill-opacity': 0.06 } },
  { id: 'surveys-edges', type: 'line', ...shapes, filter: all(of('Polygon'), own), paint: { 'line-color': INK, 'line-width': 1.6 } },
  {
    id: 'surveys-ways-edge', type: 'line', ...shapes, filter: all(of('LineString'), own),
    layout: { 'line-cap': 'round' }, paint: { 'line-color': '#ffffff', 'line-width': size(4, 6) },
  },
  { id: 'surveys-ways', type: 'line', ...shapes, filter: all(of('LineString'), own, ['!', isDashed]), paint: way },
  {
    id: 'surveys-dashes', type: 'line', ...shapes, filter: all(of('LineString'), own, isDashed), paint: { ...way, 'line-dasharray': [2, 1] },
  },
  {
    id: 'surveys-many', type: 'circle', ...signs, filter: all(several),
    paint: {
      'circle-color': '#ffffff', 'circle-stroke-color': INK, 'circle-stroke-width': 1.4,
      'circle-radius': ['step', ['get', 'count'], 8, 10, 9.5, 100, 12, 1000, 15],
    },
  },
  {
    id: 'surveys-numbers', type: 'symbol', ...signs, filter: all(several), paint: { 'text-color': INK },
    layout: { 'text-field': ['to-string', ['get', 'count']], 'text-font': ['Noto Sans Bold'], 'text-size': 11, 'text-allow-overlap': true },
  },
  {
    id: 'surveys-signs', type: 'symbol', ...signs, filter: all(['!', several]), paint: ink,
    layout: {
      'icon-image': signOf, 'icon-size': ['interpolate', ['linear'], ['zoom'], 4, 0.7, 12, 1], 'icon-allow-overlap': true,
      'text-field': ['step', ['zoom'], '', 11, effortText], 'text-font': ['Noto Sans Regular'], 'text-size': 11,
      'text-anchor': 'top', 'text-offset': [0, 0.9], 'text-optional': true,
    },
  },
];
