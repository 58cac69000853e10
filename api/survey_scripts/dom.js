// Elements made with textContent: what stands in a file is never markup.

const data = JSON.parse(document.getElementById("words").textContent);

export const language = data.language;

/** The page's word, `{name}` filled with what is given. */
export function t(name, given = {}) {
  const text = Object.hasOwn(data.words, name) ? data.words[name] : name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => (Object.hasOwn(given, key) ? String(given[key]) : whole));
}

/** Whether the page has a word, such as for a state that a later service may have. */
export function called(kind, name) {
  const key = `${kind}_${name}`;
  return Object.hasOwn(data.words, key) ? data.words[key] : String(name);
}

export function one(id) {
  return document.getElementById(id);
}

/** An element; `on…` are handlers, the rest attributes; strings become text. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A table that becomes cards on a telephone; its roles stay, though its display changes. */
export function table(caption, heads, rows) {
  const head = el("tr", { role: "row" }, ...heads.map((name) => el("th", { scope: "col", role: "columnheader" }, name)));
  const body = rows.map((cells) =>
    el(
      "tr",
      { role: "row" },
      ...cells.map((cell, at) =>
        el("td", { role: "cell", "data-label": heads[at] }, cell === null || cell === undefined || cell === "" ? null : cell instanceof Node ? cell : el("span", {}, String(cell))),
      ),
    ),
  );
  return el(
    "table",
    { class: "cards", role: "table" },
    el("caption", {}, caption),
    el("thead", { role: "rowgroup" }, head),
    el("tbody", { role: "rowgroup" }, ...body),
  );
}

/** Say something in a place that screen readers listen to. */
export function say(where, text, kind = "") {
  where.className = `status ${kind}`;
  where.textContent = text;
}
