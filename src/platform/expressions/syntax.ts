import jsonata from 'jsonata';

/** What is wrong with an expression, and where in it. */
export class ExpressionError extends Error {
  constructor(
    message: string,
    /** In characters, from 0. */
    readonly position: number,
  ) {
    super(message);
  }
}

export interface Syntax {
  text: string;
  /** Names behind `$steps.`. */
  steps: readonly string[];
  /** Whether nothing in it can take longer than its data is large: no functions, no loops, no regular expressions, and no more than some reads. */
  isPlain: boolean;
}

type Node = jsonata.ExprNode;

const LONGEST = 4_096;
/** Each may bring all the data along: what says more is as large as that many times the data. */
const MOST_PLAIN_READS = 16;
const PLAIN_OPERATORS = new Set(['=', '!=', '<', '<=', '>', '>=', 'and', 'or', 'in', '+', '-', '*', '/', '%', '&']);
const PLAIN_TYPES = new Set(['string', 'number', 'value', 'variable', 'name', 'condition']);
/** A run that is looked at again must come to the same: what says another thing each time, or makes programs of texts, is not there. */
const ABSENT = new Set(['eval', 'now', 'millis', 'random']);

/**
 * Reads an expression without evaluating it.
 * @throws ExpressionError for one that is none, is too long, uses what is not there, or names steps in a way that cannot be followed
 */
export function syntaxOf(text: string): Syntax {
  if (text.length > LONGEST) throw new ExpressionError(`An expression has ${LONGEST} characters at most.`, LONGEST);
  const steps = new Set<string>();
  const isPlain = { value: true };
  let reads = 0;
  walk(treeOf(text), (node, parent) => {
    if (!isPlainNode(node, parent)) isPlain.value = false;
    if (node.type === 'variable' || (node.type as string) === 'path') reads += 1;
    if (node.type === 'variable' && typeof node.value === 'string' && ABSENT.has(node.value)) throw new ExpressionError(`$${node.value} is not there.`, node.position ?? 0);
    if (node.type === 'variable' && node.value === 'steps') steps.add(stepNamed(node, parent));
  });
  return { text, steps: [...steps], isPlain: isPlain.value && reads <= MOST_PLAIN_READS };
}

function treeOf(text: string): Node {
  try {
    return jsonata(text).ast();
  } catch (error) {
    const { message, position } = error as { message?: string; position?: number };
    throw new ExpressionError(message ?? 'It is no expression.', position ?? 0);
  }
}

/** The name in `$steps.NAME`: what an expression needs is known before it is evaluated. */
function stepNamed(node: Node, parent: Node | undefined): string {
  const [first, next] = parent?.type === ('path' as Node['type']) ? (parent.steps ?? []) : [];
  if (first !== node || 'predicate' in node || next?.type !== 'name' || typeof next.value !== 'string') throw new ExpressionError('$steps is followed by a dot and the key of a step, written out.', node.position ?? 0);
  return next.value;
}

function isPlainNode(node: Node, parent: Node | undefined): boolean {
  const type: string = node.type;
  const { stages, group, predicate } = node as Node & { group?: unknown; predicate?: unknown };
  if (stages ?? group ?? predicate) return false;
  if (type === 'path') return (node.steps ?? []).every((step, index) => step.type === 'name' || index === 0);
  if (type === 'binary') return PLAIN_OPERATORS.has(String(node.value));
  // A constructor for each element of a list, within another: that is a loop.
  if (type === 'unary') return (node.value === '[' || node.value === '{' || node.value === '-') && (parent?.type as string) !== 'path';
  return PLAIN_TYPES.has(type);
}

/** Every node of a tree, each after the one that it stands in; wherever the parser keeps it. */
function walk(node: Node, look: (node: Node, parent: Node | undefined) => void): void {
  const todo: { value: unknown; parent: Node | undefined }[] = [{ value: node, parent: undefined }];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { value, parent } = next;
    if (typeof value !== 'object' || value === null) continue;
    const isNode = !Array.isArray(value) && typeof (value as Node).type === 'string';
    if (isNode) look(value as Node, parent);
    for (const member of Object.values(value)) todo.push({ value: member, parent: isNode ? (value as Node) : parent });
  }
}
