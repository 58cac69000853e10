// The search for a species: names are suggested while somebody types, and the service resolves what was typed, in any language.
import { element } from './card_basics';
import { recordsOf, suggest, type Records, type Suggestion } from './service';
import { locale, t } from './words';

const PAUSE_MS = 180;

/** Draw the records of a name, of all species where it is null. */
export type Draw = (name: string | null) => void;

/** Wire the form; `restriction` holds the filters that the map has beside the name. */
export function wireSearch(form: HTMLFormElement, restriction: Record<string, string>, draw: Draw): void {
  const input = form.querySelector<HTMLInputElement>('#species')!;
  const list = form.querySelector<HTMLUListElement>('#suggestions')!;
  const message = form.querySelector<HTMLElement>('#found')!;
  let suggestions: Suggestion[] = [];
  let active = -1;
  let timer = 0;
  let latest = 0;

  const close = (): void => {
    list.hidden = true;
    mark(-1);
    input.setAttribute('aria-expanded', 'false');
  };

  const mark = (index: number): void => {
    active = index;
    for (const [at, option] of [...list.children].entries()) option.setAttribute('aria-selected', String(at === index));
    if (index < 0) input.removeAttribute('aria-activedescendant');
    else input.setAttribute('aria-activedescendant', `suggestion-${index}`);
    list.children[index]?.scrollIntoView({ block: 'nearest' });
  };

  const open = (): void => {
    list.replaceChildren(...suggestions.map(optionOf));
    list.hidden = !suggestions.length;
    input.setAttribute('aria-expanded', String(!list.hidden));
    mark(-1);
  };

  const optionOf = ({ name, common }: Suggestion, index: number): HTMLElement => {
    const option = element('li', '', element('i', '', name), common ? ` ${common}` : '');
    option.id = `suggestion-${index}`;
    option.setAttribute('role', 'option');
    option.addEventListener('mousedown', (event) => {
      event.preventDefault(); // the field keeps the focus
      choose(name);
    });
    return option;
  };

  const look = async (): Promise<void> => {
    const mine = ++latest;
    const text = input.value.trim();
    const found = text ? await suggest(text).catch(() => []) : [];
    if (mine !== latest) return;
    suggestions = found;
    open();
  };

  const choose = (name: string): void => {
    input.value = name;
    void apply();
  };

  const clear = (): void => {
    clearTimeout(timer);
    latest++;
    suggestions = [];
    close();
    message.textContent = '';
    draw(null);
  };

  const apply = async (): Promise<void> => {
    clearTimeout(timer);
    close();
    const text = input.value.trim();
    if (!text) {
      clear();
      return;
    }
    const mine = ++latest;
    const found = await resolve(text, restriction).catch((error: Error) => error);
    if (mine !== latest) return;
    if (found instanceof Error) {
      message.textContent = t('The records could not be counted. ') + found.message;
      return;
    }
    suggestions = found.names;
    draw(found.records ? found.records.name : null);
    message.textContent = found.records ? counted(found.records) : t('Nothing in this release is called “{name}”; all records are shown.', { name: text });
    if (found.names.length) {
      message.textContent = t('Several names hold “{name}”: choose one. All records are shown.', { name: text });
      open();
    }
  };

  input.addEventListener('input', () => {
    clearTimeout(timer);
    if (!input.value.trim()) clear();
    else timer = window.setTimeout(() => void look(), PAUSE_MS);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && suggestions.length) {
      event.preventDefault();
      if (list.hidden) open();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      mark(active < 0 && step < 0 ? suggestions.length - 1 : (active + step + suggestions.length) % suggestions.length);
    } else if (event.key === 'Enter' && active >= 0) {
      event.preventDefault();
      choose(suggestions[active]!.name);
    }
  });
  input.addEventListener('blur', close);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void apply();
  });
}

/** The records of a name; of the one taxon whose name holds the text where none is called so; else the names to choose from. */
async function resolve(text: string, restriction: Record<string, string>): Promise<{ records: Records | null; names: Suggestion[] }> {
  const records = await recordsOf(text, restriction);
  if (records.known) return { records, names: [] };
  const names = await suggest(text);
  if (names.length === 1) return { records: await recordsOf(names[0]!.name, restriction), names: [] };
  return { records: null, names };
}

function counted(records: Records): string {
  const { species, name } = records;
  const of = species.length === 1 ? species[0]! : name;
  const sum = t('Published records of {name}: {count}.', { name: of, count: records.count.toLocaleString(locale) });
  const unplaced = records.count - records.placed;
  return unplaced ? `${sum} ${t('Without a published place, not on the map: {count}.', { count: unplaced.toLocaleString(locale) })}` : sum;
}
