// How each collection looks, and which of its layers a click asks about. Colours tell apart without red against green.
import type { LayerSpecification, SourceSpecification } from 'maplibre-gl';
import { INK } from './designs';
import { tilesOf } from './service';
import { surveyLayers } from './survey_layers';

export interface Theme {
  id: string;
  title: string;
  note: string;
  colour: string;
  layers: LayerSpecification[];
  /** Loaded and drawn when it is asked for. */
  asked?: true;
}

const OPEN = '#2c6fbb';
const GENERALISED = '#c2571a';
const AREA = '#2e7d5b';
const CORRIDOR = '#7b4fa3';
const CANDIDATE = '#b8860b';
const CONSIDERED = '#6f6a61';

/** The dataset whose records and surveys alone are drawn: `/?dataset=KEY`. */
export const asked = new URLSearchParams(location.search).get('dataset');

/** The filters of all records on this map. */
export const restriction: Record<string, string> = asked ? { datasetKey: asked } : {};

export const sources: Record<string, SourceSpecification> = {
  boundaries: { type: 'vector', tiles: [tilesOf('boundaries')], minzoom: 0, maxzoom: 9 },
  protected_areas: { type: 'vector', tiles: [tilesOf('protected_areas')], minzoom: 0, maxzoom: 12 },
  occurrences: { type: 'vector', tiles: [tilesOf('occurrences', restriction)], minzoom: 0, maxzoom: 14 },
  surveys: { type: 'vector', tiles: [tilesOf('surveys', asked ? { datasetKey: asked } : {})], minzoom: 0, maxzoom: 14 },
  corridors: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
  paths: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
  reserve_candidates: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
  considered_ground: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
  chosen: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } },
};

export const base: LayerSpecification[] = [
  { id: 'sea', type: 'background', paint: { 'background-color': '#dfe8ee' } },
  {
    id: 'land',
    type: 'fill',
    source: 'boundaries',
    'source-layer': 'boundaries',
    filter: ['==', ['get', 'level'], 'country'],
    paint: { 'fill-color': '#f7f4ec' },
  },
  {
    id: 'provinces',
    type: 'line',
    source: 'boundaries',
    'source-layer': 'boundaries',
    minzoom: 5,
    filter: ['==', ['get', 'level'], 'province'],
    paint: { 'line-color': '#c9c2b2', 'line-width': 0.6 },
  },
  {
    id: 'countries',
    type: 'line',
    source: 'boundaries',
    'source-layer': 'boundaries',
    filter: ['==', ['get', 'level'], 'country'],
    paint: { 'line-color': '#8d8672', 'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.7, 9, 1.8] },
  },
];

export const BIN_OPACITY = 0.5;

export const themes: Theme[] = [
  {
    id: 'reserve_candidates',
    title: 'Candidate transboundary reserves',
    note: 'solid: evidence on both sides is certain; dashed: on one it is probable; dotted: by a checklist',
    colour: CANDIDATE,
    layers: [
      { id: 'candidates-fill', type: 'fill', source: 'reserve_candidates', paint: { 'fill-color': CANDIDATE, 'fill-opacity': 0.1 } },
      {
        id: 'candidates-line',
        type: 'line',
        source: 'reserve_candidates',
        filter: ['==', ['get', 'evidence_tier'], 'certain'],
        paint: { 'line-color': CANDIDATE, 'line-width': 2.2 },
      },
      {
        id: 'candidates-line-probable',
        type: 'line',
        source: 'reserve_candidates',
        filter: ['!', ['in', ['get', 'evidence_tier'], ['literal', ['certain', 'listed']]]],
        paint: { 'line-color': CANDIDATE, 'line-width': 2.2, 'line-dasharray': [3, 1.5] },
      },
      {
        id: 'candidates-line-listed',
        type: 'line',
        source: 'reserve_candidates',
        filter: ['==', ['get', 'evidence_tier'], 'listed'],
        paint: { 'line-color': CANDIDATE, 'line-width': 1.4, 'line-dasharray': [1, 2] },
      },
    ],
  },
  {
    id: 'considered_ground',
    title: 'Ground that was looked at',
    note: 'no candidate; its card says why',
    colour: CONSIDERED,
    asked: true,
    layers: [
      {
        id: 'considered-fill',
        type: 'fill',
        source: 'considered_ground',
        layout: { visibility: 'none' },
        filter: ['!=', ['get', 'outcome'], 'candidate'],
        paint: { 'fill-color': CONSIDERED, 'fill-opacity': 0.12 },
      },
      {
        id: 'considered-line',
        type: 'line',
        source: 'considered_ground',
        layout: { visibility: 'none' },
        filter: ['!=', ['get', 'outcome'], 'candidate'],
        paint: { 'line-color': CONSIDERED, 'line-width': 1, 'line-dasharray': [1, 2] },
      },
    ],
  },
  {
    id: 'protected_areas',
    title: 'Protected areas',
    note: 'as their sources draw them',
    colour: AREA,
    layers: [
      {
        id: 'areas-fill',
        type: 'fill',
        source: 'protected_areas',
        'source-layer': 'protected_areas',
        paint: { 'fill-color': AREA, 'fill-opacity': 0.3 },
      },
      {
        id: 'areas-line',
        type: 'line',
        source: 'protected_areas',
        'source-layer': 'protected_areas',
        paint: { 'line-color': AREA, 'line-width': 1 },
      },
    ],
  },
  {
    id: 'corridors',
    title: 'Corridors',
    note: 'cheapest ways between areas of two countries',
    colour: CORRIDOR,
    layers: [
      { id: 'corridors-fill', type: 'fill', source: 'corridors', paint: { 'fill-color': CORRIDOR, 'fill-opacity': 0.45 } },
      { id: 'corridors-line', type: 'line', source: 'corridors', paint: { 'line-color': CORRIDOR, 'line-width': 1 } },
      {
        id: 'paths',
        type: 'line',
        source: 'paths',
        layout: { 'line-cap': 'round' },
        paint: { 'line-color': '#4a2670', 'line-width': 2.4 },
      },
    ],
  },
  {
    id: 'occurrences',
    title: 'Occurrences',
    note: 'orange: a species in a square, to protect its places',
    colour: OPEN,
    layers: [
      {
        id: 'records-many',
        type: 'circle',
        source: 'occurrences',
        'source-layer': 'occurrences',
        filter: ['!', ['has', 'key']], // a bin of several; a record has its number, and counts as one
        paint: {
          'circle-color': OPEN,
          'circle-opacity': BIN_OPACITY,
          'circle-radius': ['interpolate', ['linear'], ['log10', ['+', 1, ['to-number', ['get', 'count']]]], 0, 1.6, 4, 12],
          'circle-stroke-color': OPEN,
          'circle-stroke-width': 0,
        },
      },
      {
        id: 'records',
        type: 'circle',
        source: 'occurrences',
        'source-layer': 'occurrences',
        filter: ['has', 'key'],
        paint: {
          'circle-color': ['match', ['get', 'sharing_category'], 'open', OPEN, GENERALISED],
          'circle-radius': ['interpolate', ['linear'], ['zoom'], 7, 2.4, 12, 5],
          'circle-stroke-color': '#ffffff',
          'circle-stroke-width': 0.8,
        },
      },
    ],
  },
  {
    id: 'surveys',
    title: 'Surveys',
    note: 'where somebody looked, how, and how much',
    colour: INK,
    layers: surveyLayers,
  },
];

export const chosen: LayerSpecification[] = [
  { id: 'chosen-fill', type: 'fill', source: 'chosen', paint: { 'fill-color': GENERALISED, 'fill-opacity': ['case', ['has', 'cell_west'], 0.2, 0] } },
  { id: 'chosen-line', type: 'line', source: 'chosen', paint: { 'line-color': '#111111', 'line-width': 2.2 } },
];

/** Layers that a click asks about, the topmost first. */
export const clickable: Record<string, string> = {
  'surveys-many': 'surveys',
  'surveys-signs': 'surveys',
  'surveys-ways-edge': 'surveys',
  records: 'occurrences',
  paths: 'corridors',
  'corridors-fill': 'corridors',
  'surveys-areas': 'surveys',
  'areas-fill': 'protected_areas',
  'candidates-fill': 'reserve_candidates',
  'considered-fill': 'considered_ground',
};
