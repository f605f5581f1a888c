import { schemaName, type OpenApiDocument, type Schema } from './document.types.js';

/** What belongs to the items of an array, wherever the Swagger plugin put it. */
const OF_ITEMS = ['enum', 'maxLength', 'minLength', 'pattern', 'format', 'minimum', 'maximum', 'exclusiveMinimum'] as const;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

type Raw = Schema & { 'x-items'?: Schema };

/** Brings a schema, with all below it, into the form of OpenAPI 3.1 (JSON Schema 2020-12). */
export function normalizeSchema(schema: Schema): Schema {
  const { 'x-items': ofItems, ...result } = { ...schema } as Raw;
  if (result.type === 'array') moveToItems(result, ofItems);
  if (result.example !== undefined) {
    result.examples = [result.example];
    delete result.example;
  }
  if (isAnyValue(result)) delete result.type;
  if (result.nullable !== undefined) makeNullable(result);
  if (result.enum) result.enum = inOrder(result.enum, isNullable(result));
  if (result.type === undefined && result.enum) result.type = typesOf(result.enum);
  if (hasType(result, 'string') && !result.format && ISO_TIME.test(String(result.examples?.[0]))) result.format = 'date-time';
  return withParts(result);
}

const hasType = (schema: Schema, type: string): boolean => schema.type === type || (Array.isArray(schema.type) && schema.type.includes(type));
const isNullable = (schema: Schema): boolean => hasType(schema, 'null');

/** `unknown`, `object` and unions reach the plugin as Object, which says nothing: any JSON value, or what `oneOf` says. */
const isAnyValue = (schema: Schema): boolean => hasType(schema, 'object') && !schema.properties && schema.additionalProperties === undefined && !schema.allOf;

function moveToItems(schema: Raw, ofItems: Schema | undefined): void {
  const moved: Record<string, unknown> = {};
  for (const key of OF_ITEMS) {
    if (schema[key] === undefined) continue;
    moved[key] = schema[key];
    Reflect.deleteProperty(schema, key);
  }
  schema.items = { ...schema.items, ...moved, ...ofItems };
}

function makeNullable(schema: Schema): void {
  const nullable = schema.nullable;
  delete schema.nullable;
  if (!nullable) return;
  const choices = schema.oneOf ?? schema.anyOf;
  if (typeof schema.type === 'string') schema.type = [schema.type, 'null'];
  else if (choices) choices.push({ type: 'null' });
  else if (schema.$ref !== undefined || schema.allOf) {
    const { description, examples, ...rest } = { ...schema };
    for (const key of Object.keys(schema)) Reflect.deleteProperty(schema, key);
    Object.assign(schema, { ...(description === undefined ? {} : { description }), ...(examples === undefined ? {} : { examples }), anyOf: [rest, { type: 'null' }] });
  }
}

/** The compiler lists the members of a union in the order in which it met them, which differs from build to build. */
function inOrder(values: unknown[], nullable: boolean): unknown[] {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return nullable || sorted.length < values.length ? [...sorted, null] : sorted;
}

function typesOf(values: unknown[]): string | string[] {
  const types = [...new Set(values.map((value) => (value === null ? 'null' : typeof value)))];
  const [only, ...others] = types;
  return only !== undefined && others.length === 0 ? only : types;
}

function withParts(schema: Schema): Schema {
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) if (schema[key]) schema[key] = schema[key].map(normalizeSchema);
  // A single allOf around a reference is how 3.0 gave it a description; in 3.1 the two stand side by side.
  if (schema.allOf?.length === 1 && schema.allOf[0]?.$ref !== undefined) {
    schema.$ref = schema.allOf[0].$ref;
    delete schema.allOf;
  }
  if (schema.items) schema.items = normalizeSchema(schema.items);
  if (typeof schema.additionalProperties === 'object') schema.additionalProperties = normalizeSchema(schema.additionalProperties);
  if (schema.properties) schema.properties = Object.fromEntries(Object.entries(schema.properties).map(([name, property]) => [name, normalizeSchema(property)]));
  return schema;
}

/** Requests refuse unknown fields, so their schemas say so; answers may grow. */
export function closeRequestSchemas(document: OpenApiDocument, names: Iterable<string>): void {
  const seen = new Set<string>();
  const close = (name: string): void => {
    const schema = document.components.schemas[name];
    if (!schema || seen.has(name)) return;
    seen.add(name);
    if (schema.type === 'object' && schema.properties) schema.additionalProperties ??= false;
    referencesOf(schema).forEach(close);
  };
  for (const name of names) close(name);
}

/** Names of the schemas that a schema refers to. */
export function referencesOf(schema: Schema): string[] {
  const own = schemaName(schema);
  const parts = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
    ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
  ];
  return [...(own === undefined ? [] : [own]), ...parts.flatMap(referencesOf)];
}
