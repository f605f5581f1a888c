import { jsonSchemas } from './json-schemas.js';

const took = (work: () => unknown): number => {
  const from = performance.now();
  work();
  return performance.now() - from;
};

describe('a schema', () => {
  const schema = { type: 'object', required: ['name'], additionalProperties: false, properties: { name: { type: 'string', pattern: '^[a-z]+$' }, tags: { type: 'array', uniqueItems: true, items: { $ref: '#/$defs/tag' } }, at: { format: 'date-time' } }, $defs: { tag: { type: 'string', minLength: 2 } } };

  it('says what is wrong with a value, and where, all at once', () => {
    expect(jsonSchemas.findings(schema)).toEqual([]);
    expect(jsonSchemas.violations(schema, { name: 'ada', tags: ['ab', 'cd'], at: '2026-01-31T09:30:00Z' })).toEqual([]);
    const places = jsonSchemas.violations(schema, { name: 'A', tags: ['ab', 'c', 'ab'], at: 'noon', more: 1 }).map(({ place, code }) => `${place} ${code}`);
    expect(places.sort()).toEqual(['at format', 'more additionalProperties', 'name pattern', 'tags uniqueItems', 'tags[1] minLength']);
    expect(jsonSchemas.violations(schema, {})).toMatchObject([{ place: 'name', code: 'required' }]);
  });

  it.each([
    ['no object', 'yes', ''],
    ['a wrong keyword', { type: 'object', properties: { a: { type: 'text' } } }, 'properties.a.type'],
    ['an unknown keyword', { typ: 'object' }, ''],
    ['a remote reference', { $ref: 'http://127.0.0.1:9/schema' }, '$ref'],
    ['a file', { properties: { a: { $ref: 'file:///etc/passwd' } } }, 'properties.a.$ref'],
    ['the dialect as a schema', { $ref: 'https://json-schema.org/draft/2020-12/schema' }, '$ref'],
    ['another dialect', { $schema: 'http://json-schema.org/draft-07/schema#' }, '$schema'],
    ['a reference to nothing', { $ref: '#/$defs/none' }, '$ref'],
    ['itself', { $ref: '#' }, '$ref'],
    ['a circle', { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }, '$ref'],
    ['a circle by names', { $dynamicRef: '#meta' }, '$dynamicRef'],
    ['a pattern that needs to look back', { pattern: '(a)\\1' }, ''],
    ['a long pattern', { pattern: 'a'.repeat(300) }, 'pattern'],
    ['an unknown format', { format: 'regex' }, ''],
    ['too much', { description: 'x'.repeat(70_000) }, ''],
  ])('that is %s is not taken', (_name, hostile, place) => {
    const findings = jsonSchemas.findings(hostile);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings[0]?.place.startsWith(place)).toBe(true);
  });

  it('that doubles its work thirty times over is not taken', () => {
    const $defs = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`d${index}`, { allOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }] }]));
    const doubling = { $ref: '#/$defs/d0', $defs: { ...$defs, d30: { type: 'string' } } };
    expect(took(() => expect(jsonSchemas.findings(doubling)).toHaveLength(1))).toBeLessThan(500);
  });

  it('takes bounded time, whatever the pattern, the format and the value', () => {
    const text = `${'a'.repeat(100_000)}!`;
    expect(took(() => expect(jsonSchemas.violations({ pattern: '^(a|aa)+$' }, text)).toHaveLength(1))).toBeLessThan(2_000);
    expect(took(() => expect(jsonSchemas.violations({ format: 'email' }, text)).toHaveLength(1))).toBeLessThan(500);
    const objects = Array.from({ length: 20_000 }, (_, id) => ({ id }));
    expect(took(() => expect(jsonSchemas.violations({ uniqueItems: true }, objects)).toEqual([]))).toBeLessThan(2_000);
    const costly = { items: { allOf: Array.from({ length: 2_000 }, () => ({ minimum: 0 })) } };
    expect(jsonSchemas.violations(costly, Array.from({ length: 100_000 }, () => 1))).toMatchObject([{ code: 'too_large' }]);
  });
});
