// One criterion of a candidate against the others of its run, the better end to the right.

const SPACE = 'http://www.w3.org/2000/svg';
const [WIDTH, EDGE] = [300, 8];

/** A line with a ring for every other candidate and a diamond for this one; nothing where there is nothing to compare. */
export function strip(name: string, mine: unknown, others: unknown[], direction: unknown): Node | string {
  const known = others.filter((value): value is number => typeof value === 'number');
  if (typeof mine !== 'number' || !known.length) return '';
  const [low, high] = [Math.min(mine, ...known), Math.max(mine, ...known)];
  if (low === high) return '';
  const x = (value: number): number => {
    const share = (value - low) / (high - low);
    return EDGE + (WIDTH - 2 * EDGE) * (direction === 'less' ? 1 - share : share);
  };
  const better = known.filter((value) => (direction === 'less' ? value < mine : value > mine)).length;
  const at = x(mine);
  const drawn = shape('svg', { viewBox: `0 0 ${WIDTH} 18`, class: 'strip', role: 'img' });
  drawn.setAttribute('aria-label', `${name}: ${better} of ${known.length} other candidates are better`);
  drawn.append(
    shape('path', { d: `M${EDGE} 9H${WIDTH - EDGE}`, class: 'axis' }),
    ...known.map((value) => shape('circle', { cx: x(value).toFixed(1), cy: '9', r: '4', class: 'other' })),
    shape('path', { d: `M${at - 7} 9L${at} 1L${at + 7} 9L${at} 17Z`, class: 'mine' }),
  );
  return drawn;
}

/** A shape of a drawing. */
export function shape(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
