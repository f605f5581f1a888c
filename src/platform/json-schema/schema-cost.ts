/** Why a schema is not taken, and where in it: `properties.name.pattern`. */
export interface SchemaFinding {
  place: string;
  message: string;
}

type Node = Readonly<Record<string, unknown>>;

/** Looked at as often as they are referred to, so many schemas at most: each may have to look at each value. */
export const HIGHEST_COST = 5_000;
const LONGEST_PATTERN = 256;
const DEEPEST = 64;

const MAPS = ['properties', 'patternProperties', 'dependentSchemas'];
const DEFINITIONS = ['$defs', 'definitions'];
const SINGLE = ['items', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'propertyNames', 'contains', 'not', 'if', 'then', 'else', 'contentSchema'];
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
/** They lead elsewhere, by names that only evaluation resolves. */
const REFUSED = ['$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor', '$anchor', '$vocabulary', '$id'];

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a schema costs to look at a value with, and all that makes it one that is not taken. */
export function costOf(schema: unknown): { cost: number; findings: SchemaFinding[] } {
  const walk = new Walk(schema);
  const cost = walk.visit(schema, '', 0);
  if (cost > HIGHEST_COST) walk.findings.push({ place: '', message: `It takes ${HIGHEST_COST} looks at a value at most, each reference counted as often as it is followed.` });
  return { cost, findings: walk.findings };
}

class Walk {
  readonly findings: SchemaFinding[] = [];
  private readonly known = new Map<Node, number | 'open'>();

  constructor(private readonly root: unknown) {}

  visit(value: unknown, place: string, depth: number): number {
    if (!isNode(value)) return 1;
    const known = this.known.get(value);
    if (known === 'open') return this.refuse(place, 'It refers to itself: how long it takes would depend on the value.');
    if (known !== undefined) return known;
    if (depth > DEEPEST) return this.refuse(place, `Schemas stand in each other ${DEEPEST} deep at most.`);
    this.known.set(value, 'open');
    const cost = this.sum(value, place, depth);
    this.known.set(value, cost);
    for (const name of DEFINITIONS) for (const [key, member] of this.members(value[name])) this.visit(member, at(place, `${name}.${key}`), depth + 1);
    return cost;
  }

  private sum(node: Node, place: string, depth: number): number {
    let cost = 1 + this.own(node, place);
    for (const name of MAPS) for (const [key, member] of this.members(node[name])) cost += this.visit(member, at(place, `${name}.${key}`), depth + 1);
    for (const name of SINGLE) if (node[name] !== undefined) cost += this.visit(node[name], at(place, name), depth + 1);
    for (const name of LISTS) for (const [key, member] of this.members(node[name])) cost += this.visit(member, at(place, `${name}[${key}]`), depth + 1);
    if (node['$ref'] !== undefined) cost += this.reference(node['$ref'], at(place, '$ref'), depth);
    return cost;
  }

  /** What its own words cost. */
  private own(node: Node, place: string): number {
    for (const name of REFUSED) if (node[name] !== undefined && !(name === '$id' && place === '')) this.refuse(at(place, name), `${name} is not taken; $ref with #/ leads to another part of the schema.`);
    const patterns = [node['pattern'], ...Object.keys(isNode(node['patternProperties']) ? node['patternProperties'] : {})].filter((pattern) => typeof pattern === 'string');
    if (patterns.some((pattern) => pattern.length > LONGEST_PATTERN)) this.refuse(at(place, 'pattern'), `A pattern has ${LONGEST_PATTERN} characters at most.`);
    return patterns.length * 10 + size(node['enum']) + size(node['const']);
  }

  private reference(target: unknown, place: string, depth: number): number {
    if (typeof target !== 'string' || !target.startsWith('#')) return this.refuse(place, 'Nothing is fetched: $ref leads to a part of the same schema (#/$defs/name).');
    if (target !== '#' && !target.startsWith('#/')) return this.refuse(place, '$ref leads to a part of the schema by its way from the top (#/$defs/name).');
    const found = target === '#' ? this.root : target.slice(2).split('/').reduce<unknown>((node, part) => memberOf(node, part), this.root);
    return found === undefined ? this.refuse(place, `There is no ${target.slice(0, 100)} in the schema.`) : this.visit(found, place, depth + 1);
  }

  private members(value: unknown): [string, unknown][] {
    return typeof value === 'object' && value !== null ? Object.entries(value) : [];
  }

  private refuse(place: string, message: string): number {
    this.findings.push({ place, message });
    return 1;
  }
}

const at = (place: string, name: string): string => (place === '' ? name : `${place}.${name}`);

function memberOf(node: unknown, part: string): unknown {
  const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
  return typeof node === 'object' && node !== null && Object.hasOwn(node, name) ? (node as Record<string, unknown>)[name] : undefined;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** How many values a value consists of. */
function size(value: unknown): number {
  if (typeof value !== 'object' || value === null) return value === undefined ? 0 : 1;
  return Object.values(value).reduce<number>((sum, member) => sum + size(member), 1);
}
