// Elements made of text: what stands in a file or an answer is never markup.

export type Child = Node | string | number | null | undefined | false;
export type Attributes = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

/** An element; `on…` are handlers, the rest attributes; strings become text. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...present(children));
  return made;
}

/** A button that does something. */
export const button = (words: Child, onclick: (() => void) | null, attributes: Attributes = {}): HTMLButtonElement =>
  el('button', { type: 'button', onclick, ...attributes }, words);

/** The children that are there. */
export function present(children: Child[]): (Node | string)[] {
  return children.filter((one) => one !== null && one !== undefined && one !== false && one !== '').map((one) => (one instanceof Node ? one : String(one)));
}
