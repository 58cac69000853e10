// What the map asks of the API. Nothing here knows the map.

export type Properties = Record<string, unknown>;
export interface Feature {
  type: 'Feature';
  id?: string | number;
  geometry: GeoJSON.Geometry | null;
  properties: Properties;
}
export interface FeatureCollection {
  type: 'FeatureCollection';
  features: Feature[];
  numberMatched?: number;
}
export interface Suggestion {
  name: string;
  /** The common name that holds what was typed, else the English one. */
  common: string;
}
export interface Records {
  /** What was asked for. */
  name: string;
  /** Whether a taxon of the release is called so. */
  known: boolean;
  count: number;
  /** How many of them have a published place. */
  placed: number;
  /** The first species among them. */
  species: string[];
}

let release = '';

/** The release that the last answer came from. */
export function currentRelease(): string {
  return release;
}

async function ask<T>(path: string, read: (headers: Headers) => void = () => {}): Promise<T> {
  const answer = await fetch(path, { headers: { accept: 'application/json, application/geo+json' } });
  release = answer.headers.get('x-biodata-release') ?? release;
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => null)) as { detail?: string; title?: string } | null;
    throw new Error(problem?.detail ?? problem?.title ?? `the service answered ${answer.status}`);
  }
  read(answer.headers);
  return (await answer.json()) as T;
}

/** Every feature of a small collection; `filter` is CQL2 text. */
export function features(collection: string, filter?: string): Promise<FeatureCollection> {
  const query = new URLSearchParams({ f: 'json', limit: '2000' });
  if (filter) query.set('filter', filter);
  return ask(`/ogc/collections/${collection}/items?${query}`);
}

/** One feature by its identifier. */
export function feature(collection: string, id: string | number): Promise<Feature> {
  return ask(`/ogc/collections/${collection}/items/${encodeURIComponent(id)}?f=json`);
}

/** A published record as GBIF's API tells it, with what lists say of its taxon where it lies. */
export function record(key: unknown): Promise<Properties> {
  return ask(`/v1/occurrence/${encodeURIComponent(String(key))}`);
}

/** How many published records a scientific or common name has, with what is below its taxon. */
export async function recordsOf(name: string, restriction: Record<string, string>): Promise<Records> {
  const query = new URLSearchParams({ ...restriction, speciesList: name, limit: '0', facet: 'species', facetLimit: '2' });
  const placed = new URLSearchParams({ ...restriction, speciesList: name, limit: '0', hasCoordinate: 'true' });
  let known = true;
  const [all, onMap] = await Promise.all([
    ask<{ count: number; facets: { counts: { name: string }[] }[] }>(`/v1/occurrence/search?${query}`, (headers) => {
      known = !headers.has('x-biodata-names-unmatched');
    }),
    ask<{ count: number }>(`/v1/occurrence/search?${placed}`),
  ]);
  const species = all.facets.flatMap((facet) => facet.counts.map((one) => one.name));
  return { name, known, count: all.count, placed: onMap.count, species };
}

/** Taxa whose scientific or common name holds the text. */
export async function suggest(text: string): Promise<Suggestion[]> {
  const query = new URLSearchParams({ q: text, limit: '12' });
  const found = await ask<Properties[]>(`/v1/species/suggest?${query}`);
  const names = new Map<string, Suggestion>();
  for (const taxon of found) {
    const name = taxon['canonicalName'] ?? taxon['scientificName'];
    if (typeof name !== 'string' || names.has(name)) continue;
    const every = (Array.isArray(taxon['vernacularNames']) ? (taxon['vernacularNames'] as Properties[]) : []).map((one) => String(one['vernacularName']));
    const typed = every.find((one) => one.toLowerCase().includes(text.toLowerCase()));
    names.set(name, { name, common: typed ?? String(taxon['vernacularName'] ?? '') });
  }
  return [...names.values()];
}

/** The boundary set that the release draws. */
export async function boundarySet(): Promise<Properties> {
  return (await ask<{ boundarySet: Properties }>('/ogc/collections/boundaries?f=json')).boundarySet;
}

/** The address of a result's printable report. */
export function reportAddress(id: string): string {
  return `/v1/reports/${id.split('/').map(encodeURIComponent).join('/')}`;
}

/** All numbers of a result's report. */
export function reportNumbers(id: string): Promise<Properties> {
  return ask(`${reportAddress(id)}?f=json`);
}

/** The address of a collection's tiles, for MapLibre; of what is asked for alone. */
export function tilesOf(collection: string, asked: Record<string, string> = {}): string {
  const query = new URLSearchParams(asked).toString();
  return `${location.origin}/ogc/collections/${collection}/tiles/WebMercatorQuad/{z}/{y}/{x}${query ? `?${query}` : ''}`;
}

/** west, south, east, north, degrees. */
export type Box = [number, number, number, number];

const datasets = new Map<string, Promise<Properties>>();

/** A dataset as GBIF's API tells it; asked once. */
export function dataset(key: string): Promise<Properties> {
  const known = datasets.get(key) ?? ask<Properties>(`/v1/dataset/${encodeURIComponent(key)}`);
  datasets.set(key, known);
  return known;
}

/** The page of a dataset. */
export function datasetAddress(key: string): string {
  return `/v1/dataset/${encodeURIComponent(key)}?f=html`;
}

/** The page that lists the records of a dataset that `asked` finds. */
export function recordsAddress(key: string, asked: Record<string, string>): string {
  return `/ogc/collections/occurrences/items?${new URLSearchParams({ f: 'html', datasetKey: key, ...asked })}`;
}

/** The first surveys in a box, and how many there are. */
export function surveysIn(box: Box, limit: number, key: string | null): Promise<FeatureCollection> {
  const query = new URLSearchParams({ f: 'json', limit: String(limit), bbox: box.join(',') });
  if (key) query.set('datasetKey', key);
  return ask(`/ogc/collections/surveys/items?${query}`);
}

/** How many surveys there are, with a place or without. */
export async function countSurveys(key: string | null): Promise<number> {
  const query = new URLSearchParams({ f: 'json', limit: '1' });
  if (key) query.set('datasetKey', key);
  return (await ask<FeatureCollection>(`/ogc/collections/surveys/items?${query}`)).numberMatched ?? 0;
}
