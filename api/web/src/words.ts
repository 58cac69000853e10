// The words of the pages in the languages of the region. The map's stand in `words.json` by their English; the page of surveys
// comes with its own, by name, in the language that the service chose.
const OTHERS = ['zh', 'th', 'vi', 'lo', 'km', 'my', 'ms', 'id', 'fil'];
/** Other tags of the same languages. */
const TAGS: Record<string, string> = { tl: 'fil', in: 'id', msa: 'ms', zsm: 'ms', yue: 'zh', cmn: 'zh' };

/** What `?language=` asks for, else the first language of the browser that the map has, else English. */
function wanted(): string {
  const asked = new URLSearchParams(location.search).get('language');
  for (const tag of [...(asked ? [asked] : []), ...navigator.languages]) {
    const first = tag.toLowerCase().split(/[-_]/)[0] ?? '';
    const code = TAGS[first] ?? first;
    if (code === 'en' || OTHERS.includes(code)) return code;
  }
  return 'en';
}

interface Served {
  language: string;
  words: Record<string, string>;
  /** What the page calls each term that a heading can mean. */
  terms: Record<string, string>;
  licences: string[];
  /** Codes of what the check settled itself. */
  settled: string[];
}

const block = document.getElementById('words')?.textContent;
/** What the service put into the page; null in the map. */
export const served = block ? (JSON.parse(block) as Served) : null;
export const language = served?.language ?? wanted();
/** Of numbers; English where the browser does not know the language. */
export const locale = Intl.NumberFormat.supportedLocalesOf([language]).length ? `${language}-u-nu-latn` : 'en';

const place = OTHERS.indexOf(language);
const known: Record<string, string[]> = served || place < 0 ? {} : (await import('./words.json')).default;

/** A word by its name or its English text, `{name}` filled with what is given; as it stands where there are no words. */
export function t(said: string, given: Record<string, string | number> = {}): string {
  const text = called(said) ?? (Object.hasOwn(known, said) ? known[said]?.[place] : undefined) ?? said;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(given, name) ? String(given[name]) : whole));
}

/** A word that the service put into the page; nothing where it has none, as of a state that a later service may have. */
export function called(name: string): string | undefined {
  return served && Object.hasOwn(served.words, name) ? served.words[name] : undefined;
}

/** Put what the page was written with into the reader's language. */
export function translate(root: HTMLElement): void {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode as Text;
    const said = one.data.trim();
    if (said) one.data = one.data.replace(said, () => t(said));
  }
  for (const one of root.querySelectorAll('[aria-label], [placeholder]'))
    for (const name of ['aria-label', 'placeholder']) {
      const said = one.getAttribute(name);
      if (said) one.setAttribute(name, t(said));
    }
}

/** An address of ours in the language that the reader asked for by hand. */
export function address(path: string): string {
  const asked = new URLSearchParams(location.search).get('language');
  return asked ? `${path}${path.includes('?') ? '&' : '?'}language=${encodeURIComponent(asked)}` : path;
}
