// The designs of surveys: what they are called, the unit of their effort, and a sign each, told apart by its form and not by colour.
import type { ExpressionSpecification, Map as MapLibre } from 'maplibre-gl';
import { language, locale, t } from './words';

export const INK = '#1c1c1c';
const SIZE = 22;
/** Sharp on any screen, and small when drawn at 1. */
const RATIO = 2;

type Draw = (pen: CanvasRenderingContext2D) => void;
interface Design {
  title: string;
  draw: Draw;
}

export const DESIGNS: Record<string, Design> = {
  camera_trap: { title: t('Camera trap'), draw: camera },
  line_transect: { title: t('Line transect'), draw: (pen) => bar(pen, []) },
  sign_transect: { title: t('Sign transect'), draw: (pen) => bar(pen, [3, 2.2]) },
  listening_post: { title: t('Listening post'), draw: ring },
  point_count: { title: t('Point count'), draw: cross },
  mist_net: { title: t('Mist net'), draw: net },
  plot: { title: t('Plot'), draw: plot },
  conflict_incident: { title: t('Conflict incident'), draw: warning },
};
export const OTHER: Design = { title: t('Another method'), draw: dot };

const UNITS: Record<string, [one: string, many: string]> = {
  'trap-night': ['trap-night', 'trap-nights'],
  hour: ['hour', 'hours'],
  minute: ['minute', 'minutes'],
  'net-metre-hour': ['net-metre-hour', 'net-metre-hours'],
  'reporting-day': ['reporting-day', 'reporting-days'],
};

/** A unit as it stands behind a number; what is not known stands as it was told. */
export function unit(name: string, value: number): string {
  if (language !== 'en') return t(name);
  return UNITS[name]?.[value === 1 ? 0 : 1] ?? name;
}

export function designTitle(name: unknown): string {
  return (typeof name === 'string' ? DESIGNS[name]?.title : undefined) ?? '';
}

const ENGLISH = language === 'en';
const NAMES = [...Object.keys(UNITS), 'km', 'm²'];

/** What is written beside a survey: its effort with the unit. */
export const effortText: ExpressionSpecification = [
  'case',
  ['all', ['has', 'effort_value'], ['has', 'effort_unit']],
  [
    'concat',
    ['number-format', ['get', 'effort_value'], { locale, 'max-fraction-digits': 1 }],
    ' ',
    ['case', ['all', ['==', ['get', 'effort_value'], 1], ENGLISH], ['get', 'effort_unit'],
      ['match', ['get', 'effort_unit'], ...NAMES.flatMap((name) => [name, unit(name, 2)]), ['get', 'effort_unit']]],
  ],
  '',
] as unknown as ExpressionSpecification;

/** Which sign a survey has. */
export const signOf: ExpressionSpecification = [
  'match',
  ['get', 'design'],
  ...Object.keys(DESIGNS).flatMap((name) => [name, `survey-${name}`]),
  'survey-other',
] as unknown as ExpressionSpecification;

export function addSigns(map: MapLibre): void {
  for (const [name, design] of [...Object.entries(DESIGNS), ['other', OTHER] as const]) {
    const pen = sign(design).getContext('2d')!;
    map.addImage(`survey-${name}`, pen.getImageData(0, 0, SIZE * RATIO, SIZE * RATIO), { pixelRatio: RATIO });
  }
}

/** A sign for the legend or the map. */
export function sign(design: Design): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIZE * RATIO;
  const pen = canvas.getContext('2d')!;
  pen.scale(RATIO, RATIO);
  pen.translate(SIZE / 2, SIZE / 2);
  pen.lineCap = 'butt';
  design.draw(pen);
  return canvas;
}

/** Draw a form in ink on a white edge, so that it is seen on any ground. */
function inked(pen: CanvasRenderingContext2D, way: () => void, inside: string): void {
  pen.beginPath();
  way();
  pen.lineJoin = 'round';
  pen.strokeStyle = '#ffffff';
  pen.lineWidth = 5;
  pen.stroke();
  pen.fillStyle = inside;
  pen.fill();
  pen.strokeStyle = INK;
  pen.lineWidth = 1.8;
  pen.stroke();
}

function lines(pen: CanvasRenderingContext2D, ...parts: [number, number, number, number][]): void {
  pen.beginPath();
  for (const [x, y, toX, toY] of parts) {
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
  }
  pen.stroke();
}

function camera(pen: CanvasRenderingContext2D): void {
  inked(pen, () => pen.rect(-7, -5, 14, 10), INK);
  pen.beginPath();
  pen.arc(0, 0, 2.8, 0, 2 * Math.PI);
  pen.fillStyle = '#ffffff';
  pen.fill();
}

function bar(pen: CanvasRenderingContext2D, dash: number[]): void {
  for (const [colour, width] of [['#ffffff', 5.4], [INK, 2.4]] as const) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash([]);
    lines(pen, [-7, -4, -7, 4], [7, -4, 7, 4]);
    pen.setLineDash(colour === INK ? dash : []);
    lines(pen, [-7, 0, 7, 0]);
  }
  pen.setLineDash([]);
}

function ring(pen: CanvasRenderingContext2D): void {
  inked(pen, () => pen.arc(0, 0, 6.6, 0, 2 * Math.PI), '#ffffff');
  pen.beginPath();
  pen.arc(0, 0, 2.6, 0, 2 * Math.PI);
  pen.fillStyle = INK;
  pen.fill();
}

function cross(pen: CanvasRenderingContext2D): void {
  inked(pen, () => pen.arc(0, 0, 6.2, 0, 2 * Math.PI), '#ffffff');
  lines(pen, [-6, 0, 6, 0], [0, -6, 0, 6]);
}

function net(pen: CanvasRenderingContext2D): void {
  inked(pen, () => pen.rect(-7, -5, 14, 10), '#ffffff');
  pen.lineWidth = 1.2;
  lines(pen, [-2.3, -5, -2.3, 5], [2.3, -5, 2.3, 5], [-7, 0, 7, 0]);
}

function plot(pen: CanvasRenderingContext2D): void {
  inked(pen, () => pen.rect(-5.4, -5.4, 10.8, 10.8), '#ffffff');
}

function warning(pen: CanvasRenderingContext2D): void {
  inked(
    pen,
    () => {
      pen.moveTo(0, -7);
      pen.lineTo(7.4, 6);
      pen.lineTo(-7.4, 6);
      pen.closePath();
    },
    '#ffffff',
  );
  lines(pen, [0, -2.6, 0, 1.8], [0, 3, 0, 4.6]);
}

function dot(pen: CanvasRenderingContext2D): void {
  inked(pen, () => pen.arc(0, 0, 3.4, 0, 2 * Math.PI), INK);
}
