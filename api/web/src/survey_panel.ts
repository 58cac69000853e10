// Surveys in the panel: what the signs mean, which are in view (for who has no mouse, too), and a word where there are none.
import { element } from './card_basics';
import { DESIGNS, OTHER, designTitle, sign, unit } from './designs';
import { el } from './dom';
import type { Feature, FeatureCollection } from './service';
import { address, locale, t } from './words';

export const MOST_LISTED = 50;

// The meaning of each sign, below the layer's checkbox.
export function legend(open: boolean): HTMLElement {
  const rows = [...Object.values(DESIGNS), OTHER].map((design) => {
    const drawn = sign(design);
    drawn.setAttribute('aria-hidden', 'true');
    return element('li', '', drawn, design.title);
  });
  const many = el('span', { class: 'sign-many', 'aria-hidden': 'true' }, '12');
  rows.push(element('li', 'wide', many, t('that many surveys; zoom in for each')));
  return el('details', { class: 'legend', open }, element('summary', '', t('Signs of surveys')), element('ul', '', ...rows));
}

// Put a sentence where the checkbox was: there is nothing to show or to hide.
export function noSurveys(row: HTMLElement, ofDataset: boolean): void {
  const none = ofDataset ? t('This dataset has no published surveys. ') : t('No surveys are published in this release yet. ');
  row.replaceChildren(element('p', 'empty', none, el('a', { href: address('/surveys') }, t('Send one in'))));
}

// The surveys in view as buttons; says how many there are more.
export function fillSurveysInView(box: HTMLElement, found: FeatureCollection, open: (feature: Feature) => void): void {
  const matched = found.numberMatched ?? found.features.length;
  const items = found.features.map((feature) => el('li', {},
    el('button', { type: 'button', class: 'answer answer-surveys', 'data-survey': String(feature.id), onclick: () => open(feature) }, called(feature))));
  const many = matched > items.length ? t('The first {shown} of {count} in view; zoom in for others.', { shown: items.length, count: matched.toLocaleString(locale) }) : '';
  const none = matched ? many : t('None in this part of the map.');
  box.replaceChildren(...(none ? [element('p', 'empty', none)] : []), ...(items.length ? [element('ol', '', ...items)] : []));
}

function called(feature: Feature): string {
  const p = feature.properties;
  const name = designTitle(p['design']) || String(p['samplingProtocol'] ?? t('Survey'));
  const when = p['event_start'] ?? p['year'];
  const value = p['effort_value'];
  const effort = typeof value === 'number' ? `${value.toLocaleString(locale, { maximumFractionDigits: 1 })} ${unit(String(p['effort_unit'] ?? ''), value)}` : null;
  return [name, when, effort].filter((part) => part !== null && part !== undefined).join(', ');
}
