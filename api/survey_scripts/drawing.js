// A small map of published places: points, and cells of coarse ones, with the degrees at its edges; drawn here, asked of nobody.

import { el, one } from "/surveys/dom.js";

const WIDTH = 600;
const HEIGHT = 300;
const EDGE = 44;

function part(tag, attributes, text) {
  const made = document.createElementNS(one("drawing").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The map of rows, in a list that is empty where none has a place. */
export function drawing(rows, title) {
  const cells = rows.filter((row) => row.cell_west !== undefined);
  const points = rows.filter((row) => row.cell_west === undefined && row.decimalLatitude !== undefined && row.decimalLongitude !== undefined);
  const xs = [...cells.flatMap((row) => [row.cell_west, row.cell_east]), ...points.map((row) => row.decimalLongitude)];
  const ys = [...cells.flatMap((row) => [row.cell_south, row.cell_north]), ...points.map((row) => row.decimalLatitude)];
  if (!xs.length) return [];
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const [x0, y0] = [middle(xs), middle(ys)];
  const flat = Math.cos((y0 * Math.PI) / 180); // degrees of longitude are shorter
  const degrees = Math.max(((Math.max(...xs) - Math.min(...xs)) * flat) / (WIDTH - 2 * EDGE), (Math.max(...ys) - Math.min(...ys)) / (HEIGHT - 2 * EDGE), 0.02 / (HEIGHT - 2 * EDGE));
  const at = (x, y) => [WIDTH / 2 + ((x - x0) * flat) / degrees, HEIGHT / 2 - (y - y0) / degrees];
  const svg = part("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title} (${points.length + cells.length})`, class: "drawing" });
  svg.append(part("title", {}, title), part("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, class: "ground" }));
  lines(svg, at, { west: x0 - ((WIDTH / 2) * degrees) / flat, east: x0 + ((WIDTH / 2) * degrees) / flat, south: y0 - (HEIGHT / 2) * degrees, north: y0 + (HEIGHT / 2) * degrees });
  for (const row of cells) {
    const [left, top] = at(row.cell_west, row.cell_north);
    const [right, bottom] = at(row.cell_east, row.cell_south);
    const cell = part("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "cell" });
    cell.append(part("title", {}, `${row.scientificName ?? ""} ${row.year ?? ""}`));
    svg.append(cell);
  }
  for (const row of points) {
    const [x, y] = at(row.decimalLongitude, row.decimalLatitude);
    const point = part("circle", { cx: x, cy: y, r: 5, class: `point ${row.change}` });
    point.append(part("title", {}, `${row.scientificName ?? ""} ${row.eventDate ?? ""}`));
    svg.append(point);
  }
  return [el("figure", {}, svg, el("figcaption", {}, title))];
}

function lines(svg, at, frame) {
  const step = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01].find((one) => (frame.east - frame.west) / one >= 3) ?? 0.005;
  const each = (from, to) => Array.from({ length: Math.max(0, Math.floor(to / step) - Math.ceil(from / step) + 1) }, (_, n) => (Math.ceil(from / step) + n) * step);
  const told = (value) => `${Number(value.toFixed(3))}°`;
  for (const x of each(frame.west, frame.east)) {
    const [left] = at(x, frame.south);
    svg.append(part("line", { x1: left, x2: left, y1: 0, y2: HEIGHT, class: "grid" }), part("text", { x: left + 3, y: HEIGHT - 5 }, told(x)));
  }
  for (const y of each(frame.south, frame.north)) {
    const [, top] = at(frame.west, y);
    svg.append(part("line", { x1: 0, x2: WIDTH, y1: top, y2: top, class: "grid" }), part("text", { x: 3, y: top - 3 }, told(y)));
  }
}
