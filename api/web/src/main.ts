import { AttributionControl, LngLatBounds, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl, type GeoJSONSource, type VectorTileSource } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import 'maplibre-gl/dist/maplibre-gl.css';
import './style.css';
import { showCard } from './card';
import { element, metres, text } from './card_basics';
import { showDataset, tellUnplaced } from './dataset_view';
import { addSigns } from './designs';
import { asked, base, BIN_OPACITY, chosen, clickable, restriction, sources, themes } from './layers';
import { fillAnswers, fillLayers, wireToggle } from './panel';
import { wireSearch } from './search';
import { boundarySet, countSurveys, currentRelease, feature, features, surveysIn, tilesOf, type Box, type Feature } from './service';
import { surveysOfSpot } from './spot';
import { surveyLayers } from './survey_layers';
import { fillSurveysInView, legend, MOST_LISTED, noSurveys } from './survey_panel';
import { address, language, t, translate } from './words';

const EARTH: Box = [-180, -90, 180, 90];

declare global {
  interface Window {
    __map: MapLibre;
    __mapIdle: boolean;
  }
}

setWorkerUrl(workerUrl);

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
document.documentElement.lang = language;
translate(document.body);
document.querySelector('#bar nav a')!.setAttribute('href', address('/surveys'));

const card = find('card');
const status = find('release');

/** Whether the address says which part of the Earth is shown; the map writes it there later. */
const lookedAt = location.hash !== '';
const map = new MapLibre({
  container: 'map',
  style: { version: 8, sources, layers: [...base, ...themes.flatMap((theme) => theme.layers), ...chosen] },
  bounds: [92, -2, 118, 30],
  attributionControl: false,
  hash: true,
});
map.addControl(new NavigationControl({ visualizePitch: false }), 'top-right');
map.addControl(new ScaleControl({ unit: 'metric' }), 'bottom-left');
addSigns(map);
window.__map = map;
window.__mapIdle = false;
map.on('idle', () => (window.__mapIdle = true));
for (const began of ['movestart', 'dataloading'] as const) map.on(began, () => (window.__mapIdle = false));
map.on('error', (event) => console.warn(event.error.message));

wireToggle(find<HTMLButtonElement>('panel-toggle'), find('panel'));
const loaded = new Set<string>();
fillLayers(find('layers'), themes, (theme, on) => {
  if (theme.asked && on && !loaded.has(theme.id)) void loadAsked(theme.id);
  for (const layer of theme.layers) map.setLayoutProperty(layer.id, 'visibility', on ? 'visible' : 'none');
});

const surveysRow = find('layers').querySelector<HTMLElement>('[data-theme=surveys]')!;
surveysRow.after(legend(asked !== null && window.innerWidth > 1000));
const surveysBox = find<HTMLDetailsElement>('surveys');
surveysBox.open = asked !== null;
surveysBox.addEventListener('toggle', () => void listSurveys());
map.on('moveend', () => void listSurveys());

let sought = false;

/** Draw the records of a name alone; tiles are filtered where they are made, so that bins of low zooms count them too. */
function drawRecords(name: string | null): void {
  sought = name !== null;
  const tiles = [tilesOf('occurrences', name === null ? restriction : { ...restriction, speciesList: name })];
  const source = map.getSource<VectorTileSource>('occurrences');
  if (!source) {
    map.once('load', () => drawRecords(name));
    return;
  }
  // Tiles that are drawn already are not asked for again: MapLibre would never come to rest, since it draws nothing for
  // tiles that come back unchanged.
  if (source.tiles[0] !== tiles[0]) source.setTiles(tiles);
  // The signs of surveys would cover the few records that somebody looks for.
  for (const id of ['records-many', 'records']) map.moveLayer(id, sought ? 'chosen-fill' : surveyLayers[0]!.id);
  // The radius itself is made of each bin's count: to change it would load the tiles of before again.
  map.setPaintProperty('records-many', 'circle-stroke-width', sought ? 1.5 : 0);
  map.setPaintProperty('records-many', 'circle-opacity', sought ? 0.85 : BIN_OPACITY);
}

wireSearch(find<HTMLFormElement>('search'), restriction, drawRecords);

map.on('load', () => void load().catch((error: Error) => (status.textContent = `The answers could not be loaded: ${error.message}`)));

if (asked) void showOne(asked);
void tellSurveys();

/** Show one dataset: where it is, unless the address says where to look. */
async function showOne(key: string): Promise<void> {
  const place = find('dataset');
  const box = await showDataset(place, key);
  if (!box) return;
  if (!lookedAt) map.fitBounds(box, { padding: free(), maxZoom: 12, animate: false });
  const [every, placed] = await Promise.all([countSurveys(key), surveysIn(EARTH, 1, key)]);
  tellUnplaced(place, every - (placed.numberMatched ?? every));
}

/** A release without surveys says so, and has nothing to hide or to list. */
async function tellSurveys(): Promise<void> {
  const count = await countSurveys(asked).catch(() => null);
  if (count !== 0) return;
  noSurveys(surveysRow, asked !== null);
  find('layers').querySelector('.legend')?.remove();
  surveysBox.hidden = true;
}

let listing = 0;

/** List the surveys in view, while the list is open. */
async function listSurveys(): Promise<void> {
  if (!surveysBox.open || surveysBox.hidden) return;
  const mine = ++listing;
  const list = find('surveys-list');
  const found = await surveysIn(inView(), MOST_LISTED, asked).catch((error: Error) => error);
  if (mine !== listing) return;
  if (found instanceof Error) list.textContent = `The surveys could not be listed: ${found.message}`;
  else
    fillSurveysInView(list, found, (survey) => {
      open('surveys', survey);
      fit(survey);
    });
}

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !card.hidden) close();
});

function inView(): Box {
  const seen = map.getBounds();
  const [west, east] = [Math.max(seen.getWest(), -180), Math.min(seen.getEast(), 180)];
  return [west, Math.max(seen.getSouth(), -90), east, Math.min(seen.getNorth(), 90)].map((edge) => Number(edge.toFixed(5))) as Box;
}

async function load(): Promise<void> {
  const [corridors, candidates] = await Promise.all([features('corridors'), features('reserve_candidates')]);
  setData('corridors', corridors.features);
  setData('reserve_candidates', candidates.features);
  setData('paths', corridors.features.flatMap(pathOf));
  fillAnswers(find('list'), candidates.features, corridors.features, (collection, answer) => {
    open(collection, answer);
    fit(answer);
  });
  status.textContent = `${t('release ')}${currentRelease()}`;
  const set = await boundarySet();
  const named = text(set['boundary_set']).replaceAll('_', ' ');
  map.addControl(new AttributionControl({ compact: false, customAttribution: t('Boundaries: {set}, no position on any boundary', { set: named }) }));
  const own = text(set['viewpoint']); // those of a set that we do not bundle stay as its makers wrote them
  const viewpoint = element('span', '', t(own));
  viewpoint.lang = t(own) === own ? 'en' : language;
  find('viewpoint').replaceChildren(
    t('Borders are drawn from the set {set}. A band of {band} along each counts as either side; the map takes no position on any boundary. ', {
      set: `${named} ${text(set['boundary_version'])}`,
      band: metres(set['band_m']),
    }),
    viewpoint,
  );
}

/** Load a layer that was not drawn before. */
async function loadAsked(id: string): Promise<void> {
  loaded.add(id);
  await features(id)
    .then((found) => setData(id, found.features))
    .catch((error: Error) => {
      loaded.delete(id);
      status.textContent = `The layer could not be loaded: ${error.message}`;
    });
}

map.on('click', (event) => {
  const first = sought ? ['records'] : [];
  const layers = [...new Set([...first, ...Object.keys(clickable)])].filter((id) => map.getLayer(id));
  const box: [[number, number], [number, number]] = [
    [event.point.x - 3, event.point.y - 3],
    [event.point.x + 3, event.point.y + 3],
  ];
  const hits = map.queryRenderedFeatures(box, { layers });
  const hit = layers.map((id) => hits.find((found) => found.layer.id === id)).find((found) => found !== undefined);
  if (!hit) {
    close();
    return;
  }
  const collection = clickable[hit.layer.id]!;
  if (hit.layer.id === 'surveys-many') {
    map.easeTo({ center: (hit.geometry as GeoJSON.Point).coordinates as [number, number], zoom: map.getZoom() + 2 });
    return;
  }
  const id = idOf(collection, hit.properties) ?? hit.id;
  if (id === undefined) return;
  const here = hits.filter((found) => clickable[found.layer.id] === collection).map((found) => idOf(collection, found.properties));
  const ids = [...new Set([id, ...here])].filter((found) => found !== undefined).map(String);
  void show(collection, id, collection === 'surveys' ? surveysOfSpot(ids, (other, buttons) => show(collection, other, buttons)) : undefined);
});

async function show(collection: string, id: string | number, others?: HTMLElement): Promise<void> {
  await feature(collection, id)
    .then((answer) => open(collection, answer, others))
    .catch((error: Error) => (status.textContent = error.message));
}

for (const id of Object.keys(clickable)) {
  map.on('mouseenter', id, () => (map.getCanvas().style.cursor = 'pointer'));
  map.on('mouseleave', id, () => (map.getCanvas().style.cursor = ''));
}

/** The button that opened the card: who came by keyboard goes back to it. */
let opener: HTMLElement | null = null;

function open(collection: string, answer: Feature, others?: HTMLElement): void {
  const active = document.activeElement;
  if (active instanceof HTMLElement && find('panel').contains(active)) opener = active;
  showCard(card, collection, answer, { close, others });
  if (opener) card.focus();
  setData('chosen', [collection === 'occurrences' ? cellOf(answer) : answer]);
}

function close(): void {
  const within = card.contains(document.activeElement);
  card.hidden = true;
  if (within) opener?.focus();
  opener = null;
  setData('chosen', []);
}

function idOf(collection: string, properties: Record<string, unknown>): string | number | undefined {
  const name = { occurrences: 'key', corridors: 'corridor_id', protected_areas: 'area_id', reserve_candidates: 'candidate_id', considered_ground: 'considered_id', surveys: 'survey_id' }[collection];
  const value = name ? properties[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

/** The published cell of a generalised record; the record's point otherwise. */
function cellOf(answer: Feature): Feature {
  const [w, s, e, n] = ['cell_west', 'cell_south', 'cell_east', 'cell_north'].map((k) => answer.properties[k]);
  if (typeof w !== 'number' || typeof s !== 'number' || typeof e !== 'number' || typeof n !== 'number') return answer;
  const ring = [[w, s], [e, s], [e, n], [w, n], [w, s]];
  return { ...answer, geometry: { type: 'Polygon', coordinates: [ring] } };
}

/** The least-cost path of a corridor, which comes as a geometry among its properties. */
function pathOf(answer: Feature): Feature[] {
  const path = answer.properties['path'];
  const geometry = typeof path === 'string' ? (JSON.parse(path) as GeoJSON.Geometry) : (path as GeoJSON.Geometry | null);
  return geometry ? [{ ...answer, geometry }] : [];
}

function setData(source: string, list: Feature[]): void {
  const drawn = list.filter((f) => f.geometry !== null);
  map.getSource<GeoJSONSource>(source)?.setData({ type: 'FeatureCollection', features: drawn as GeoJSON.Feature[] });
}

function fit(answer: Feature): void {
  const bounds = new LngLatBounds();
  const walk = (value: unknown): void => {
    if (!Array.isArray(value)) return;
    if (typeof value[0] === 'number') bounds.extend([value[0], value[1] as number]);
    else value.forEach(walk);
  };
  if (answer.geometry && 'coordinates' in answer.geometry) walk(answer.geometry.coordinates);
  if (!bounds.isEmpty()) map.fitBounds(bounds, { padding: free(), maxZoom: 11 });
}

/** What panel and card hide at each side, pixels; a telephone has the card below and no panel while it is open. */
function free(): { top: number; bottom: number; left: number; right: number } {
  const wide = window.innerWidth > 1000;
  if (wide) return { top: 60, bottom: 60, left: find('panel').offsetWidth + 50, right: card.offsetWidth + 90 };
  return { top: 60, bottom: Math.min(card.offsetHeight + 60, 0.75 * window.innerHeight), left: 30, right: 30 };
}
