import { graphlib, layout } from '@dagrejs/dagre';

/** What the library makes of nodes and edges; its own types lead nowhere. */
interface LayoutGraph {
  setGraph(label: object): void;
  setNode(key: string, label: object): void;
  setEdge(from: string, to: string, label: object, name: string): void;
  graph(): { width?: number; height?: number };
  node(key: string): { x?: number; y?: number };
  edge(from: string, to: string, name: string): { points?: Point[] };
}

export interface Point {
  x: number;
  y: number;
}

export interface Box {
  key: string;
  width: number;
  height: number;
}

export interface Line {
  from: string;
  to: string;
  /** Tells edges between the same two apart. */
  name: string;
}

/** Where everything is drawn: boxes by their middle. */
export interface Layout {
  width: number;
  height: number;
  middleOf: (key: string) => Point;
  wayOf: (line: Line) => readonly Point[];
}

const { Graph } = graphlib as unknown as { Graph: new (options: object) => LayoutGraph };
const place = layout as unknown as (graph: LayoutGraph) => void;

/** Lays boxes out in layers, from the top down, each behind those that lines lead from (Sugiyama et al., 1981). */
export function layered(boxes: readonly Box[], lines: readonly Line[]): Layout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 44 });
  for (const { key, width, height } of boxes) graph.setNode(key, { width, height });
  for (const { from, to, name } of lines) graph.setEdge(from, to, {}, name);
  place(graph);
  const { width, height } = graph.graph();
  return {
    width: finite(width),
    height: finite(height),
    middleOf: (key) => ({ x: finite(graph.node(key).x), y: finite(graph.node(key).y) }),
    wayOf: ({ from, to, name }) => graph.edge(from, to, name).points ?? [],
  };
}

/** Of nothing the library makes infinities. */
const finite = (value: number | undefined): number => (value !== undefined && Number.isFinite(value) ? value : 0);
