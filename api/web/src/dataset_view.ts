// One dataset on the map: `/?dataset=KEY` shows where its published records and surveys are, and says what cannot be shown.
import { element, object } from './card_basics';
import { dataset, datasetAddress, type Box, type Properties } from './service';
import { address, language, locale, t } from './words';

/** Tell of the dataset at the top of the panel; return the box of all its published places, null where it has none. */
export async function showDataset(place: HTMLElement, key: string): Promise<Box | null> {
  place.hidden = false;
  const told = await dataset(key).catch((error: Error) => {
    place.replaceChildren(
      element('h2', '', t('Dataset')),
      element('p', 'warning', `${language === 'en' ? `${error.message}.` : t('The dataset could not be loaded.')} ${t('A survey that was sent in is here once it is accepted and the next release is made. ')}`),
      everything(),
    );
    return null;
  });
  if (told === null) return null;
  const box = extentOf(told);
  const [records, surveys] = [Number(told['recordCount'] ?? 0), Number(told['surveyCount'] ?? 0)];
  const page = element('a', '', String(told['title'] ?? key));
  page.setAttribute('href', datasetAddress(key));
  const sum = t('Published: records {records}, survey events {surveys}.', { records: records.toLocaleString(locale), surveys: surveys.toLocaleString(locale) });
  const nowhere = element('p', 'warning', t('No place of it is published, so nothing of it can be drawn.'));
  place.replaceChildren(element('h2', '', t('Only this dataset')), element('p', '', page), element('p', '', sum), ...(box ? [] : [nowhere]), everything());
  return box;
}

/** Say how many surveys have no place that may be told. */
export function tellUnplaced(place: HTMLElement, unplaced: number): void {
  if (unplaced < 1) return;
  place.append(element('p', 'empty', t('Survey events without a published place, not on the map: {count}.', { count: unplaced.toLocaleString(locale) })));
}

/** The way to all datasets, at the same place of the map. */
function everything(): HTMLElement {
  const anchor = element('a', 'everything', t('Show all datasets'));
  anchor.setAttribute('href', address('/'));
  anchor.addEventListener('click', () => anchor.setAttribute('href', `${address('/')}${location.hash}`));
  return anchor;
}

function extentOf(told: Properties): Box | null {
  const boxes = (Array.isArray(told['geographicCoverages']) ? told['geographicCoverages'] : []).map((c) => object(object(c)['boundingBox']));
  if (!boxes.length) return null;
  const edge = (name: string, pick: (...values: number[]) => number): number => pick(...boxes.map((b) => Number(b[name])));
  return [edge('minLongitude', Math.min), edge('minLatitude', Math.min), edge('maxLongitude', Math.max), edge('maxLatitude', Math.max)];
}
