// Surveys in the panel: what the signs mean, which are in view (for who has no mouse, too), and a word where there are none.
import { element } from './card_basics';
import { DESIGNS, OTHER, designTitle, sign, unit } from './designs';
import type { Feature, FeatureCollection } from './service';
import { address, locale, t } from './words';

export const MOST_LISTED = 50;

/** The meaning of each sign, below the layer's checkbox. */
export function legend(open: boolean): HTMLElement {
  const rows = [...Object.values(DESIGNS), OTHER].map((design) => {
    const drawn = sign(design);
    drawn.setAttribute('aria-hidden', 'true');
    return element('li', '', drawn, design.title);
  });
  const many = element('span', 'sign-many', '12');
  many.setAttribute('aria-hidden', 'true');
  rows.push(element('li', 'wide', many, t('that many surveys; zoom in for each')));
  const details = element('details', 'legend', element('summary', '', t('Signs of surveys')), element('ul', '', ...rows));
  details.toggleAttribute('open', open);
  return details;
}

/** Put a sentence where the checkbox was: there is nothing to show or to hide. */
export function noSurveys(row: HTMLElement, ofDataset: boolean): void {
  const send = element('a', '', t('Send one in'));
  send.setAttribute('href', address('/surveys'));
  row.replaceChildren(
    element('p', 'empty', ofDataset ? t('This dataset has no published surveys. ') : t('No surveys are published in this release yet. '), send),
  );
}

/** The surveys in view as buttons; says how many there are more. */
export function fillSurveysInView(box: HTMLElement, found: FeatureCollection, open: (feature: Feature) => void): void {
  const matched = found.numberMatched ?? found.features.length;
  const items = found.features.map((feature) => {
    const button = element('button', 'answer answer-surveys', called(feature));
    button.setAttribute('type', 'button');
    button.dataset['survey'] = String(feature.id);
    button.addEventListener('click', () => open(feature));
    return element('li', '', button);
  });
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
