import fc, { type Arbitrary } from 'fast-check';
import type { OpenApiDocument, Parameter, PlacedOperation, Schema } from '../../../src/platform/openapi/document.types.js';
import { parametersOf, requestSchema } from '../openapi-document.js';
import { anything, mutated, mutation, nasty, Values } from './values.js';

/** One request as it will be sent. Ids of things are drawn from those there are, so only they differ from run to run. */
export interface FuzzRequest {
  caller: string;
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface Known {
  /** Paths of the operation with ids that exist: own ones and another tenant's. */
  paths: readonly string[];
  callers: readonly string[];
  /** A body that is right, when the operation takes one. */
  body: Readonly<Record<string, unknown>> | undefined;
  ids: (field: string) => readonly string[];
}

/** Requests to an operation: about half are valid. */
export function requestsTo(placed: PlacedOperation, document: OpenApiDocument, known: Known): Arbitrary<FuzzRequest> {
  const values = new Values(document, known.ids);
  const parameters = parametersOf(placed.operation, document);
  const [usual = 'nobody', ...others] = known.callers;
  return fc
    .record({
      caller: fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(usual, ...others) }),
      path: paths(placed, known.paths),
      query: query(parameters.filter((parameter) => parameter.in === 'query'), values),
      headers: headers(),
      body: body(placed, values, known.body),
    })
    .map(({ caller, path, query: pairs, headers: sent, body: text }) => ({
      caller,
      path: pairs.length === 0 ? path : `${path}?${pairs.map(([name, value]) => `${encodeText(name)}=${encodeText(value)}`).join('&')}`,
      headers: text === undefined ? sent : { 'content-type': 'application/json', ...sent },
      body: text,
    }));
}

/** Half of a surrogate pair has no UTF-8: it goes out as bytes that are none, which is what a hostile client would send. */
const encodeText = (text: string): string => (text.isWellFormed() ? encodeURIComponent(text) : '%ed%a0%80');

function paths({ path }: PlacedOperation, known: readonly string[]): Arbitrary<string> {
  if (!path.includes('{')) return fc.constant(path);
  // What a URL normalises away, or is another route, would be another request.
  const segment = nasty.filter((text) => !/^\.*$/.test(text)).map(encodeText);
  const wrong = fc.tuple(segment, fc.nat(3)).map(([text]) => path.replaceAll(/\{\w+\}/g, text));
  const absent = fc.uuid().map((id) => path.replaceAll(/\{\w+\}/g, id));
  return fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: absent }, { weight: 1, arbitrary: wrong });
}

const rare = <T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> => fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** A value as the query writes it. */
const inQuery = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function query(parameters: readonly Parameter[], values: Values): Arbitrary<[string, string][]> {
  const given = parameters.filter(({ name }) => name !== 'tenant_id').map(({ name, schema, required }) => {
    const value = fc.oneof({ weight: 3, arbitrary: values.of(schema, name) }, { weight: 1, arbitrary: name.startsWith('wait') ? fc.constantFrom('-1', 'x', '1.5') : anything }).map((part): [string, string] => [name, inQuery(part)]);
    return fc.option(value, { nil: undefined, freq: required ? 9 : 1 });
  });
  const name = fc.oneof(fc.constantFrom('tenant_id', 'limit', 'cursor', 'offset', '__proto__', 'a[b]', 'limit[]'), fc.string({ minLength: 1, maxLength: 10 }));
  return fc.tuple(fc.tuple(...given, rare(fc.tuple(name, nasty))), rare(fc.nat(20))).map(([pairs, doubled]) => {
    const sent = pairs.filter((pair): pair is [string, string] => pair !== undefined);
    const twice = doubled === undefined ? undefined : sent[doubled % Math.max(sent.length, 1)];
    return twice ? [...sent, twice] : sent;
  });
}

/** Header values that a client can send: HTTP itself refuses the rest. */
const headerText = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).filter((code) => code < 0x7f || code > 0x9f).map((code) => String.fromCharCode(code)), maxLength: 300 });

function headers(): Arbitrary<Record<string, string>> {
  return fc
    .record({
      'idempotency-key': rare(fc.oneof(fc.uuid(), fc.constantFrom('one', 'two'), headerText)),
      'x-request-id': rare(headerText),
      'if-match': rare(fc.oneof(fc.constantFrom('*', '"x.1"', 'W/"x.1"', '"'), headerText)),
      'if-none-match': rare(headerText),
      accept: rare(fc.oneof(fc.constantFrom('text/html', 'application/xml', 'text/csv', 'image/*', '*/*;q=0'), headerText)),
      'content-type': rare(fc.oneof(fc.constantFrom('text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-7', 'application/json; charset=latin1', 'multipart/form-data'), headerText)),
      'content-encoding': rare(fc.constantFrom('gzip', 'br', 'identity', 'x')),
      'last-event-id': rare(headerText),
      traceparent: rare(fc.oneof(fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'), headerText)),
      cookie: rare(headerText),
    })
    .map((sent) => Object.fromEntries(Object.entries(sent).filter((entry): entry is [string, string] => entry[1] !== undefined)));
}

/** Fields whose values are taken once. */
const ONE_OF_A_KIND = new Set(['name', 'title', 'slug', 'subject', 'email']);

/** A body that is right, with a field or two of other right values. */
function near(base: Readonly<Record<string, unknown>>, schema: Schema, values: Values): Arbitrary<Record<string, unknown>> {
  const parts = values.parts(schema);
  const all = Object.keys(parts);
  const others = fc.subarray(all, { maxLength: Math.min(all.length, 2) }).chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, parts[name]!]))));
  return fc.tuple(others, fc.nat(2 ** 30)).map(([fields, number]) => {
    const renamed = Object.entries(base).map(([name, value]) => [name, ONE_OF_A_KIND.has(name) && typeof value === 'string' ? `${number.toString(36)}${value}` : value]);
    return { ...Object.fromEntries(renamed), ...fields } as Record<string, unknown>;
  });
}

function body(placed: PlacedOperation, values: Values, base: Known['body']): Arbitrary<string | undefined> {
  const schema = requestSchema(placed.operation);
  if (placed.method === 'get') return fc.constant(undefined);
  const brokenText = fc.oneof(fc.constantFrom('', '{', '[1,]', '{"a":1e999}', '{"a":1,"a":2}', '\u0000', '"\\ud800"', `${'['.repeat(2000)}${']'.repeat(2000)}`, '{"__proto__":{"role":"admin"}}'), fc.string({ maxLength: 50 }));
  if (!schema) return fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: brokenText });
  const valid = base ? fc.oneof({ weight: 3, arbitrary: near(base, schema, values) }, { weight: 1, arbitrary: values.of(schema) }) : values.of(schema);
  const wrong = fc.tuple(valid, mutation, fc.option(mutation)).map(([value, first, second]) => (second ? mutated(mutated(value, first), second) : mutated(value, first)));
  return fc.oneof(
    { weight: 10, arbitrary: valid.map((value) => JSON.stringify(value)) },
    { weight: 8, arbitrary: wrong.map((value) => JSON.stringify(value) ?? '') },
    { weight: 1, arbitrary: anything.map((value) => JSON.stringify(value) ?? '') },
    { weight: 1, arbitrary: brokenText },
  );
}
