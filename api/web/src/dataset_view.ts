// One dataset on the map: `/?dataset=KEY` shows where its published records and surveys are, and says what cannot be shown.
import { element, object } from './card_basics';
import { dataset, datasetAddress, type Box, type Properties } from './service';

/** Tell of the dataset at the top of the panel; return the box of all its published places, null where it has none. */
export async function showDataset(place: HTMLElement, key: string): Promise<Box | null> {
  place.hidden = false;
  const told = await dataset(key).catch((error: Error) => {
    place.replaceChildren(
      element('h2', '', 'Dataset'),
      element('p', 'warning', `${error.message}. A survey that was sent in is here once it is accepted and the next release is made. `),
      everything(),
    );
    return null;
  });
  if (told === null) return null;
  const box = extentOf(told);
  const [records, surveys] = [Number(told['recordCount'] ?? 0), Number(told['surveyCount'] ?? 0)];
  const page = element('a', '', String(told['title'] ?? key));
  page.setAttribute('href', datasetAddress(key));
  const sum = `${counted(records, 'record')} and ${counted(surveys, 'survey event')} published.`;
  const nowhere = element('p', 'warning', 'No place of it is published, so nothing of it can be drawn.');
  place.replaceChildren(element('h2', '', 'Only this dataset'), element('p', '', page), element('p', '', sum), ...(box ? [] : [nowhere]), everything());
  return box;
}

/** Say how many surveys have no place that may be told. */
export function tellUnplaced(place: HTMLElement, unplaced: number): void {
  if (unplaced < 1) return;
  const have = unplaced === 1 ? 'has' : 'have';
  place.append(element('p', 'empty', `${counted(unplaced, 'survey event')} ${have} no published place and ${unplaced === 1 ? 'is' : 'are'} not on the map.`));
}

/** The way to all datasets, at the same place of the map. */
function everything(): HTMLElement {
  const anchor = element('a', 'everything', 'Show all datasets');
  anchor.setAttribute('href', '/');
  anchor.addEventListener('click', () => anchor.setAttribute('href', `/${location.hash}`));
  return anchor;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

function extentOf(told: Properties): Box | null {
  const boxes = (Array.isArray(told['geographicCoverages']) ? told['geographicCoverages'] : []).map((c) => object(object(c)['boundingBox']));
  if (!boxes.length) return null;
  const edge = (name: string, pick: (...values: number[]) => number): number => pick(...boxes.map((b) => Number(b[name])));
  return [edge('minLongitude', Math.min), edge('minLatitude', Math.min), edge('maxLongitude', Math.max), edge('maxLatitude', Math.max)];
}
