import { schemaName, type Schema } from './document.types.js';

const DEEPEST = 8;
const UUID = '0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00';
const TIME = '2026-01-31T09:30:00.000Z';

const BY_FORMAT: Readonly<Record<string, string>> = {
  uuid: UUID,
  'date-time': TIME,
  email: 'ada@example.org',
  uri: 'https://example.org/',
};

/**
 * An example of a schema, put together from the examples of its properties.
 * @param optional whether properties that may be left out are part of it
 */
export function exampleOf(schema: Schema, schemas: Record<string, Schema>, depth = 0): unknown {
  if (schema.examples && schema.examples.length > 0) return schema.examples[0];
  const name = schemaName(schema);
  if (name !== undefined) return depth > DEEPEST ? {} : exampleOf(schemas[name] ?? {}, schemas, depth + 1);
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice) return exampleOf(choice, schemas, depth + 1);
  // The plugin drops `@example null`; what may be null and has no other example is shown as null.
  if (Array.isArray(schema.type) && schema.type.includes('null')) return null;
  return exampleOfType(Array.isArray(schema.type) ? schema.type[0] : schema.type, schema, schemas, depth);
}

function exampleOfType(type: string | undefined, schema: Schema, schemas: Record<string, Schema>, depth: number): unknown {
  switch (type) {
    case 'string':
      return BY_FORMAT[schema.format ?? ''] ?? 'text'.padEnd(schema.minLength ?? 0, '.').slice(0, schema.maxLength ?? 4);
    case 'integer':
    case 'number':
      return schema.minimum ?? (schema.exclusiveMinimum === undefined ? 1 : schema.exclusiveMinimum + 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return depth > DEEPEST || !schema.items ? [] : [exampleOf(schema.items, schemas, depth + 1)];
    default:
      return exampleOfObject(schema, schemas, depth);
  }
}

function exampleOfObject(schema: Schema, schemas: Record<string, Schema>, depth: number): unknown {
  const merged = (schema.allOf ?? []).map((part) => exampleOf(part, schemas, depth + 1));
  const own = Object.entries(schema.properties ?? {}).map(([key, property]) => [key, exampleOf(property, schemas, depth + 1)] as const);
  return Object.assign({}, ...merged, Object.fromEntries(own)) as unknown;
}
