import { AttributionControl, LngLatBounds, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl, type GeoJSONSource } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import 'maplibre-gl/dist/maplibre-gl.css';
import './style.css';
import { showCard } from './card';
import { metres, text } from './card_basics';
import { base, chosen, clickable, sources, themes } from './layers';
import { fillAnswers, fillLayers, wireSearch } from './panel';
import { boundarySet, currentRelease, feature, features, type Feature } from './service';

declare global {
  interface Window {
    __map: MapLibre;
    __mapIdle: boolean;
  }
}

setWorkerUrl(workerUrl);

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const card = find('card');
const status = find('release');

const map = new MapLibre({
  container: 'map',
  style: { version: 8, sources, layers: [...base, ...themes.flatMap((theme) => theme.layers), ...chosen] },
  bounds: [92, -2, 118, 30],
  attributionControl: false,
  hash: true,
});
map.addControl(new NavigationControl({ visualizePitch: false }), 'top-right');
map.addControl(new ScaleControl({ unit: 'metric' }), 'bottom-left');
window.__map = map;
window.__mapIdle = false;
map.on('idle', () => (window.__mapIdle = true));
for (const began of ['movestart', 'dataloading'] as const) map.on(began, () => (window.__mapIdle = false));
map.on('error', (event) => console.warn(event.error.message));

fillLayers(find('layers'), themes, (theme, on) => {
  for (const layer of theme.layers) map.setLayoutProperty(layer.id, 'visibility', on ? 'visible' : 'none');
});

wireSearch(find<HTMLFormElement>('search'), (species) => {
  map.setFilter('records', species ? ['all', ['!', ['has', 'count']], ['==', ['get', 'species'], species]] : ['!', ['has', 'count']]);
  if (species && map.getZoom() < 8) map.setLayoutProperty('records-many', 'visibility', 'none');
  else map.setLayoutProperty('records-many', 'visibility', 'visible');
});

map.on('load', () => void load().catch((error: Error) => (status.textContent = `The answers could not be loaded: ${error.message}`)));

async function load(): Promise<void> {
  const [corridors, candidates] = await Promise.all([features('corridors'), features('reserve_candidates')]);
  setData('corridors', corridors.features);
  setData('reserve_candidates', candidates.features);
  setData('paths', corridors.features.flatMap(pathOf));
  fillAnswers(find('list'), candidates.features, corridors.features, (collection, answer) => {
    open(collection, answer);
    fit(answer);
  });
  status.textContent = `release ${currentRelease()}`;
  const set = await boundarySet();
  const named = text(set['boundary_set']).replaceAll('_', ' ');
  map.addControl(new AttributionControl({ compact: false, customAttribution: `Boundaries: ${named}, no position on any boundary` }));
  find('viewpoint').textContent =
    `Borders are drawn from the set ${named} ${text(set['boundary_version'])}. A band of ${metres(set['band_m'])} along each counts as ` +
    `either side; the map takes no position on any boundary. ${text(set['viewpoint'])}`;
}

map.on('click', (event) => {
  const layers = Object.keys(clickable).filter((id) => map.getLayer(id));
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
  const id = idOf(collection, hit.properties) ?? hit.id;
  if (id === undefined) return;
  feature(collection, id)
    .then((answer) => open(collection, answer))
    .catch((error: Error) => (status.textContent = error.message));
});

for (const id of Object.keys(clickable)) {
  map.on('mouseenter', id, () => (map.getCanvas().style.cursor = 'pointer'));
  map.on('mouseleave', id, () => (map.getCanvas().style.cursor = ''));
}

function open(collection: string, answer: Feature): void {
  showCard(card, collection, answer, close);
  setData('chosen', [collection === 'occurrences' ? cellOf(answer) : answer]);
}

function close(): void {
  card.hidden = true;
  setData('chosen', []);
}

function idOf(collection: string, properties: Record<string, unknown>): string | number | undefined {
  const name = { occurrences: 'key', corridors: 'corridor_id', protected_areas: 'area_id', reserve_candidates: 'candidate_id' }[collection];
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
