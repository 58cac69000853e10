// What a card tells once the numbers of the printable report have come: tests that were run, boundary set, citation.
import { element, heading, names, object, paragraph, text } from './card_basics';
import { reportNumbers, type Properties } from './service';

const TESTS: [finding: string, label: string, missing: string][] = [
  ['uncertainty', 'How sure it is', 'how often it would stand if resistances and places were somewhat different is not known'],
  ['validation', 'Tested against records', 'whether it agrees with records of animals better than chance is not known'],
  ['scenarios', 'Scenarios', 'what a fence, a road or another climate would change is not known'],
];

/** An element that fills itself; countries of the card are told by name when their names are there. */
export function standing(id: unknown): HTMLElement {
  const place = element('div', 'standing');
  if (typeof id !== 'string' || !id) return place;
  reportNumbers(id)
    .then((numbers) => fill(place, numbers))
    .catch((error: Error) => place.append(paragraph(`Its tests and citation could not be loaded: ${error.message}`, 'warning')));
  return place;
}

function fill(place: HTMLElement, numbers: Properties): void {
  const findings = object(numbers['findings']);
  const items = TESTS.map(([name, label, missing]) => {
    const found = object(findings[name]);
    const told = Object.keys(found).length ? text(found['told'] ?? found['verdict'] ?? 'told in the report') : `not run: ${missing}`;
    const doubts = names(found['doubts']).map((doubt) => paragraph(doubt, 'warning'));
    return element('li', '', element('b', '', `${label}: `), told, ...doubts);
  });
  const properties = object(object(numbers['feature'])['properties']);
  const set = object(object(properties['evidence'])['boundaries']);
  const lines = [heading('Tests'), element('ul', 'tests', ...items)];
  if (set['name']) lines.push(paragraph(`Boundary set: ${text(set['name'])} ${text(set['version'])}`, 'part-meaning'));
  lines.push(heading('Citation'), paragraph(text(numbers['citation']), 'citation'));
  place.append(...lines);
  const countries = object(numbers['countries']);
  for (const named of place.closest('#card')?.querySelectorAll<HTMLElement>('[data-country]') ?? []) {
    const name = countries[named.dataset['country'] ?? ''];
    if (typeof name === 'string') named.textContent = name;
  }
}

/** A country by its code, until its name is there. */
export function country(code: string, tag = 'span'): HTMLElement {
  const made = element(tag, '', code);
  made.dataset['country'] = code;
  return made;
}
