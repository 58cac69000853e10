// The panel: which layers are drawn, and the list of answers that leads to their cards.
import type { Feature } from './service';
import type { Theme } from './layers';
import { t } from './words';

/** On a narrow screen the panel opens by a button, and the map is seen until then. */
export function wireToggle(button: HTMLButtonElement, panel: HTMLElement): void {
  const tell = (open: boolean): void => {
    panel.classList.toggle('closed', !open);
    button.setAttribute('aria-expanded', String(open));
  };
  button.addEventListener('click', () => tell(panel.classList.contains('closed')));
  tell(false);
}

/** One checkbox a theme. */
export function fillLayers(box: HTMLElement, themes: Theme[], toggle: (theme: Theme, on: boolean) => void): void {
  for (const theme of themes) {
    const input = document.createElement('input');
    input.type = 'checkbox';
    input.checked = !theme.asked;
    input.id = `layer-${theme.id}`;
    input.addEventListener('change', () => toggle(theme, input.checked));
    const swatch = document.createElement('span');
    swatch.className = `swatch swatch-${theme.id}`;
    const label = document.createElement('label');
    label.htmlFor = input.id;
    const note = document.createElement('small');
    note.textContent = t(theme.note);
    label.append(swatch, t(theme.title), note);
    const row = document.createElement('div');
    row.className = 'layer';
    row.dataset['theme'] = theme.id;
    row.append(input, label);
    box.append(row);
  }
}

/** The candidates by rank, then the corridors without a candidate's place in the list. */
export function fillAnswers(
  box: HTMLElement,
  candidates: Feature[],
  corridors: Feature[],
  open: (collection: string, feature: Feature) => void,
): void {
  const byRank = candidates.toSorted((a, b) => Number(a.properties['rank']) - Number(b.properties['rank']));
  const rows: [string, Feature, string][] = [
    ...byRank.map((f): [string, Feature, string] => ['reserve_candidates', f, String(f.properties['name'])]),
    ...corridors.map((f): [string, Feature, string] => [
      'corridors',
      f,
      `${String(f.properties['from_name'])} – ${String(f.properties['to_name'])}`,
    ]),
  ];
  box.replaceChildren(
    ...rows.map(([collection, feature, name]) => {
      const button = document.createElement('button');
      button.className = `answer answer-${collection}`;
      button.dataset['collection'] = collection;
      button.textContent = name;
      button.addEventListener('click', () => open(collection, feature));
      const item = document.createElement('li');
      item.append(button);
      return item;
    }),
  );
  if (!rows.length) {
    const item = document.createElement('li');
    item.className = 'none'; // it is no first of anything
    item.textContent = t('None in this release.');
    box.append(item);
  }
}
