// The words of the map in the languages of the region: what the code says in English is looked up as it stands.
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

export const language = wanted();
/** Of numbers; English where the browser does not know the language. */
export const locale = Intl.NumberFormat.supportedLocalesOf([language]).length ? `${language}-u-nu-latn` : 'en';

const place = OTHERS.indexOf(language);
const known: Record<string, string[]> = place < 0 ? {} : (await import('./words.json')).default;

/** An English text in the reader's language, `{name}` filled with what is given; as it stands where there are no words. */
export function t(english: string, given: Record<string, string | number> = {}): string {
  const text = (Object.hasOwn(known, english) ? known[english]?.[place] : undefined) ?? english;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(given, name) ? String(given[name]) : whole));
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
