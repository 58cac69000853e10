// Several surveys on one spot: a station is visited again and again, and each visit has its card.
import { t } from './words';

/** Buttons that lead from one survey of a spot to the next; nothing where there is only one. */
export function surveysOfSpot(ids: string[], show: (id: string, buttons: HTMLElement) => Promise<void>): HTMLElement | undefined {
  if (ids.length < 2) return undefined;
  const place = document.createElement('nav');
  place.className = 'others';
  place.setAttribute('aria-label', t('Surveys at this spot'));
  const told = document.createElement('span');
  let at = 0;
  const tell = (): void => void (told.textContent = t('{at} of {count} surveys here', { at: at + 1, count: ids.length }));
  const button = (label: string, words: string, step: number): HTMLButtonElement => {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = label;
    made.setAttribute('aria-label', words);
    made.addEventListener('click', () => {
      at = (at + step + ids.length) % ids.length;
      tell();
      void show(ids[at]!, place).then(() => made.focus());
    });
    return made;
  };
  tell();
  place.append(button('‹', t('The survey before'), -1), told, button('›', t('The next survey'), 1));
  return place;
}
