import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenApiDocument, OperationObject, Parameter, Schema } from '../../src/platform/openapi/document.types.js';
import { resolveSchema } from '../../src/platform/openapi/document.types.js';

/** The document as it is committed; that it is the build's own is a test in document.test.ts. */
export function committedDocument(): OpenApiDocument {
  return JSON.parse(readFileSync(join(process.cwd(), 'openapi/openapi.json'), 'utf8')) as OpenApiDocument;
}

/** Parameters with references followed. */
export function parametersOf(operation: OperationObject, document: OpenApiDocument): Parameter[] {
  return (operation.parameters ?? []).map((parameter) => ('name' in parameter ? parameter : document.components.parameters[parameter.$ref.split('/').at(-1) ?? '']!));
}

export function requestSchema(operation: OperationObject): Schema | undefined {
  return operation.requestBody?.content['application/json']?.schema;
}

export function successOf(operation: OperationObject): { status: number; type: string | undefined; schema: Schema | undefined; example: unknown } {
  const [status, response] = Object.entries(operation.responses).find(([code]) => /^[23]/.test(code))!;
  const [type, media] = Object.entries(response.content ?? {})[0] ?? [];
  return { status: Number(status), type, schema: media?.schema, example: media?.example };
}

/** Visits a schema and everything below it once, with the dotted path that leads there. */
export function walkSchema(schema: Schema, document: OpenApiDocument, visit: (schema: Schema, path: string) => void, path = '', seen = new Set<Schema>()): void {
  const resolved = resolveSchema(schema, document.components.schemas);
  if (seen.has(resolved)) return;
  seen.add(resolved);
  visit(resolved, path);
  const below = (part: Schema, name: string): void => walkSchema(part, document, visit, path === '' ? name : `${path}.${name}`, seen);
  for (const [name, property] of Object.entries(resolved.properties ?? {})) below(property, name);
  if (resolved.items) below(resolved.items, '[]');
  if (typeof resolved.additionalProperties === 'object') below(resolved.additionalProperties, '{}');
  for (const part of [...(resolved.allOf ?? []), ...(resolved.anyOf ?? []), ...(resolved.oneOf ?? [])]) walkSchema(part, document, visit, path, seen);
}

export const hasType = (schema: Schema, type: string): boolean => schema.type === type || (Array.isArray(schema.type) && schema.type.includes(type));
