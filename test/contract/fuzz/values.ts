import fc, { type Arbitrary } from 'fast-check';
import { type OpenApiDocument, resolveSchema, type Schema } from '../../../src/platform/openapi/document.types.js';
import { hasType } from '../openapi-document.js';

/** Texts that have broken programs before: NUL, half of a pair, quotes, other scripts, paths, numbers that are none. */
const NASTY = [
  '', ' ', '\u0000', 'a\u0000b', '\ud800', '\udc00x', '\u202e', '\ufeff', '\r\n', "'", '"', "' or '1'='1", '1; drop table tasks; --', '%', '%_\\', '\\', '../../../etc/passwd', '{{secret:A}}',
  '${7*7}', '=1+1', 'null', 'undefined', 'NaN', '-0', '1e999', '0x10', 'true', '__proto__', 'constructor', 'ﬃİı', '👩‍👩‍👧‍👦', 'x'.repeat(300), '٣', '2027-02-30T00:00:00Z', '0000-00-00T00:00:00Z',
];
const NUMBERS = [0, -0, 1, -1, 0.1, 1.5, 2_147_483_647, 2_147_483_648, -2_147_483_649, 4_294_967_296, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 63, 1e21, 1e308, 5e-324];
const INSTANTS = ['0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '2027-01-31T18:00:00.000Z', '2099-12-31T23:59:59.999+14:00', '9999-12-31T23:59:59Z', '2028-02-29T12:00:00-11:30'];

/** Any JSON value, wrong more often than not. */
export const anything: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], { a: { b: [] } }, [{}], ...NASTY, ...NUMBERS),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

export const nasty: Arbitrary<string> = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 40 }));

/** What is costly to prepare and the same for many fields is prepared once. */
function once<A extends unknown[], T>(make: (...given: A) => T): (...given: A) => T {
  const known = new Map<string, T>();
  return (...given) => {
    const key = JSON.stringify(given);
    const made = known.get(key) ?? make(...given);
    known.set(key, made);
    return made;
  };
}

const texts = once((min: number, max: number): Arbitrary<string> =>
  fc.oneof(fc.string({ minLength: min, maxLength: max }), fc.string({ unit: 'grapheme', minLength: min, maxLength: Math.max(min, Math.floor(max / 2)) }), nasty),
);
const matching = once((pattern: string) => fc.stringMatching(new RegExp(pattern)));
const addresses = once(() => fc.emailAddress());

/** Values of a schema. `ids` gives what a field of that name may refer to. */
export class Values {
  constructor(
    private readonly document: OpenApiDocument,
    private readonly ids: (field: string) => readonly string[],
  ) {}

  of(given: Schema, name = '', depth = 0): Arbitrary<unknown> {
    const schema = resolveSchema(given, this.document.components.schemas);
    // Waiting is another test's business: here it would only cost time.
    if (name.startsWith('wait')) return fc.constant(0);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const examples = schema.examples ?? [];
    const made = this.made(schema, name, depth);
    return examples.length === 0 ? made : fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...examples) }, { weight: 3, arbitrary: made });
  }

  private made(schema: Schema, name: string, depth: number): Arbitrary<unknown> {
    const parts = schema.anyOf ?? schema.oneOf;
    if (parts) return fc.oneof(...parts.map((part) => this.of(part, name, depth)));
    const kinds: Arbitrary<unknown>[] = [];
    if (hasType(schema, 'null')) kinds.push(fc.constant(null));
    if (hasType(schema, 'boolean')) kinds.push(fc.boolean());
    if (hasType(schema, 'integer')) kinds.push(integers(schema));
    if (hasType(schema, 'number')) kinds.push(fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true }));
    if (hasType(schema, 'string')) kinds.push(this.text(schema, name));
    if (hasType(schema, 'array')) kinds.push(this.list(schema, name, depth));
    if (hasType(schema, 'object')) kinds.push(this.object(schema, depth));
    return kinds.length === 0 ? fc.jsonValue({ maxDepth: 3 }) : fc.oneof(...kinds);
  }

  private text(schema: Schema, name: string): Arbitrary<string> {
    if (schema.format === 'uuid' || name.endsWith('_id')) {
      const known = this.ids(name);
      return known.length === 0 ? fc.uuid() : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: fc.uuid() });
    }
    if (schema.format === 'date-time') return fc.oneof(fc.constantFrom(...INSTANTS), fc.date({ noInvalidDate: true, min: new Date('2020-01-01'), max: new Date('2090-01-01') }).map((date) => date.toISOString()));
    if (schema.format === 'email') return addresses();
    const min = schema.minLength ?? 0;
    const max = Math.max(min, Math.min(schema.maxLength ?? 100, min + 100));
    const free = texts(min, max);
    return schema.pattern === undefined || schema.pattern === '\\S' ? free : fc.oneof(matching(schema.pattern), free);
  }

  private list(schema: Schema, name: string, depth: number): Arbitrary<unknown> {
    const item = schema.items ? this.of(schema.items, name.replace(/s$/, '_id'), depth + 1) : anything;
    return fc.array(item, { minLength: schema.minItems ?? 0, maxLength: Math.max(schema.minItems ?? 0, Math.min(schema.maxItems ?? 4, 4)) });
  }

  /** Values of each property. */
  parts(given: Schema, depth = 0): Record<string, Arbitrary<unknown>> {
    const { properties = {} } = resolveSchema(given, this.document.components.schemas);
    return Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, this.of(part, name, depth + 1)]));
  }

  private object(schema: Schema, depth: number): Arbitrary<unknown> {
    if (!schema.properties || depth > 5) return fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 });
    const parts = this.parts(schema, depth);
    const required = (schema.required ?? []).filter((name) => name in parts);
    return fc.record(parts, { requiredKeys: required });
  }
}

function integers(schema: Schema): Arbitrary<number> {
  const min = schema.minimum ?? -1000;
  const max = Math.max(min, schema.maximum ?? 1000);
  return fc.oneof(fc.constantFrom(min, max), fc.integer({ min: Math.ceil(Math.max(min, -2_147_483_648)), max: Math.floor(Math.min(max, 2_147_483_647)) }));
}

/** One wrong thing somewhere in a value: a field left out, one too many, or one of another kind. */
export interface Mutation {
  kind: 'replace' | 'remove' | 'add';
  place: number[];
  name: string;
  value: unknown;
}

export const mutation: Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom<Mutation['kind'][]>('replace', 'replace', 'replace', 'remove', 'add'),
  place: fc.array(fc.nat(30), { minLength: 1, maxLength: 3 }),
  name: fc.oneof(fc.constantFrom('id', 'tenant_id', 'revision', 'role', '__proto__', 'constructor', 'toString', 'status'), fc.string({ maxLength: 20 })),
  value: anything,
});

export function mutated(value: unknown, { kind, place, name, value: wrong }: Mutation): unknown {
  if (typeof value !== 'object' || value === null) return wrong;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
  const keys = Object.keys(copy);
  const [index = 0, ...below] = place;
  const key = keys[index % Math.max(keys.length, 1)];
  if (kind === 'add' || key === undefined) Object.defineProperty(copy, Array.isArray(value) ? String(keys.length) : name, { value: wrong, enumerable: true, configurable: true, writable: true });
  else if (kind === 'remove' && !Array.isArray(value)) return Object.fromEntries(Object.entries(copy).filter(([other]) => other !== key));
  else copy[key] = below.length > 0 ? mutated(copy[key], { kind, place: below, name, value: wrong }) : wrong;
  return copy;
}
