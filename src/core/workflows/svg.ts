import { type Graph, pathOf, ROOT, type ScopeGraph, type Step, withGotos } from './graph.js';
import { layered, type Point } from './layout.js';
import { edgeLabel, STATE_COLOURS } from './mermaid.js';

const WIDTH = 180;
const HEIGHT = 48;
const MARGIN = 16;
const HEADER = 24;
/** More is not drawn: nobody could see it, and a browser would take minutes. */
const MOST_DRAWN = 400;
const LONGEST_NAME = 24;

interface Drawing {
  width: number;
  height: number;
  /** Parts in the order of their drawing, from the corner of the drawing. */
  draw: (x: number, y: number) => string[];
}

/**
 * The graph as an SVG, each step in the colour of its state and with the state's name, so that it can be read without colours.
 * All text in it is escaped; it refers to nothing and runs nothing. Of a graph with more than 400 steps only that is said.
 * @param statusOf of a step by its path in the graph; undefined where there is none
 */
export function toSvg(graph: Pick<Graph, 'steps'>, statusOf: (path: string) => string | undefined = () => undefined): string {
  const count = countOf(graph.steps);
  const drawing = count > MOST_DRAWN ? note(`${count} steps: too many to be drawn. GET …/steps lists them.`) : scopeDrawing({ name: '', steps: graph.steps }, ROOT, statusOf);
  const [width, height] = [Math.ceil(drawing.width + 2 * MARGIN), Math.ceil(drawing.height + 2 * MARGIN)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#6b7280"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawing.draw(MARGIN, MARGIN),
    '</svg>',
    '',
  ].join('\n');
}

const countOf = (steps: readonly Step[]): number => steps.reduce((sum, { scopes = [] }) => sum + 1 + scopes.reduce((inner, scope) => inner + countOf(scope.steps), 0), 0);

function scopeDrawing({ steps }: ScopeGraph, at: string, statusOf: (path: string) => string | undefined): Drawing {
  const drawings = new Map(withGotos(steps).map((step) => [step.key, { step, drawing: stepDrawing(step, pathOf(at, step.key), statusOf) }]));
  const lines = [...drawings.values()].flatMap(({ step }) => step.depends_on.filter((edge) => drawings.has(edge.step)).map((edge, index) => ({ from: edge.step, to: step.key, name: String(index), label: edgeLabel(edge) })));
  const laidOut = layered([...drawings].map(([key, { drawing: { width, height } }]) => ({ key, width, height })), lines);
  return {
    width: laidOut.width,
    height: laidOut.height,
    draw: (x, y) => [
      ...lines.flatMap((line) => edgeParts(laidOut.wayOf(line), line.label, x, y)),
      ...[...drawings].flatMap(([key, { drawing }]) => {
        const middle = laidOut.middleOf(key);
        return drawing.draw(x + middle.x - drawing.width / 2, y + middle.y - drawing.height / 2);
      }),
    ],
  };
}

function edgeParts(points: readonly Point[], label: string, x: number, y: number): string[] {
  if (points.length === 0) return [];
  const way = points.map((point, index) => `${index === 0 ? 'M' : 'L'}${round(x + point.x)} ${round(y + point.y)}`).join('');
  const middle = points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
  return [`<path d="${way}" fill="none" stroke="#6b7280" marker-end="url(#arrow)"/>`, ...(label === '' ? [] : [text(x + middle.x + 4, y + middle.y, label, 'start', '#374151')])];
}

function stepDrawing(step: Step, path: string, statusOf: (path: string) => string | undefined): Drawing {
  const status = statusOf(path);
  const { fill, stroke } = (status === undefined ? undefined : STATE_COLOURS[status]) ?? { fill: '#f9fafb', stroke: '#4b5563' };
  const scopes = (step.scopes ?? []).map((scope) => scopeDrawing(scope, pathOf(path, scope.name), statusOf));
  const inner = beside(scopes);
  const width = Math.max(WIDTH, inner.width + (scopes.length > 0 ? 2 * MARGIN : 0));
  const height = scopes.length > 0 ? inner.height + 2 * MARGIN + HEADER : HEIGHT;
  return {
    width,
    height,
    draw: (x, y) => [
      `<g><title>${escaped(`${step.name} (${step.type})${status === undefined ? '' : `: ${status}`}`)}</title>`,
      `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${step.type === 'condition' ? 20 : 6}" fill="${fill}" stroke="${stroke}" stroke-width="1.5"${status === 'skipped' ? ' stroke-dasharray="4 3"' : ''}/>`,
      text(x + width / 2, y + 20, cut(step.name), 'middle', '#111827'),
      ...(scopes.length > 0 ? [] : [text(x + width / 2, y + 37, status === undefined ? step.type : `${step.type} · ${status}`, 'middle', '#4b5563')]),
      ...inner.draw(x + MARGIN, y + HEADER + MARGIN),
      '</g>',
    ],
  };
}

/** Branches stand beside each other. */
function beside(drawings: readonly Drawing[]): Drawing {
  const width = drawings.reduce((sum, drawing) => sum + drawing.width, 0) + Math.max(0, drawings.length - 1) * MARGIN;
  return {
    width,
    height: Math.max(0, ...drawings.map(({ height }) => height)),
    draw: (x, y) => {
      let left = x;
      return drawings.flatMap((drawing) => {
        const parts = drawing.draw(left, y);
        left += drawing.width + MARGIN;
        return parts;
      });
    },
  };
}

const note = (words: string): Drawing => ({ width: 420, height: HEIGHT, draw: (x, y) => [text(x, y + 24, words, 'start', '#111827')] });

const text = (x: number, y: number, words: string, anchor: 'start' | 'middle', fill: string): string => `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${fill}">${escaped(words)}</text>`;
const round = (value: number): number => Math.round(value * 10) / 10;
const cut = (name: string): string => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** Characters that no XML may hold are left out. */
const escaped = (words: string): string => words.toWellFormed().replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '').replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
