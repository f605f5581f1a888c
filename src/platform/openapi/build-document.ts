import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { SESSION_COOKIE } from '../auth/browsers.js';
import { CSRF_HEADER } from '../auth/csrf-tokens.port.js';
import { COMMON_HEADERS, completeAnswers, problemExamples } from './answers.js';
import { describeConstraints } from './constraints.js';
import { type OpenApiDocument, type OperationObject, operationsOf, type Schema } from './document.types.js';
import { exampleOf } from './examples.js';
import { describeOperation } from './operations.js';
import { COMMON_PARAMETERS, completeParameters } from './parameters.js';
import { closeRequestSchemas, normalizeSchema, referencesOf } from './schemas.js';
import { groupTags } from './tags.js';

const DESCRIPTION = `The control plane for a fleet of AI agents.

- Bodies are JSON in snake_case; times are ISO 8601 in UTC. A field that an operation does not know is refused by name.
- \`/api/<x>\` is the current version of \`<x>\`, the same as \`/api/v1/<x>\`.
- Every refusal is \`application/problem+json\` (RFC 9457) with a stable \`code\`, what to do about it, and the request's id.
- Lists answer \`{ items, total, limit, offset, next_cursor }\`; prefer \`cursor\` over \`offset\`.
- \`Idempotency-Key\` on every POST, \`ETag\` and \`If-Match\` on single resources.
- What is absent and what belongs to another tenant is the same 404.`;

/** How a caller says who it is. An API key and an agent's token may also stand in \`Authorization: Bearer\`. */
const SECURITY_SCHEMES: OpenApiDocument['components']['securitySchemes'] = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An access token from /api/v1/auth/login; API keys and agent tokens are taken here too.' },
  'api-key': { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key (`whk_...`): it may do what its scopes say.' },
  'session-cookie': { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: 'A session in a browser, from /api/v1/auth/login with `session: "cookie"`. Its name is `wheelhouse` over plain HTTP on the own machine. Taken from pages of the own origin and those of CORS_ORIGINS.' },
  'csrf-token': { type: 'apiKey', in: 'header', name: CSRF_HEADER, description: 'Beside the session cookie on every request that is no GET: `csrf_token` of the sign-in, which also stands in the cookie `__Host-wheelhouse-csrf` (`wheelhouse-csrf`).' },
  'agent-token': { type: 'apiKey', in: 'header', name: 'X-Agent-Token', description: 'The token of an agent (`wha_...`): the agent protocol.' },
};

/**
 * The OpenAPI 3.1 document of an application, from its routes, their `@Operation` and their comments. The application
 * need not be started. The same code gives the same document, byte by byte.
 */
export function buildDocument(app: INestApplication, version: string): OpenApiDocument {
  describeConstraints();
  const document = start(app, version);
  for (const placed of operationsOf(document)) describeOperation(placed);
  for (const { operation } of operationsOf(document)) completeRequest(operation, document.components.schemas);
  for (const placed of operationsOf(document)) completeParameters(placed, document);
  for (const placed of operationsOf(document)) completeAnswers(placed, document);
  closeRequestSchemas(document, operationsOf(document).flatMap(({ operation }) => bodySchemas(operation).flatMap(referencesOf)));
  dropUnused(document);
  groupTags(document);
  return document;
}

/** What Nest finds, with paths and schemas in the order of their names and in the form of 3.1. */
function start(app: INestApplication, version: string): OpenApiDocument {
  const base = new DocumentBuilder().setOpenAPIVersion('3.1.0').setTitle('Wheelhouse').setDescription(DESCRIPTION).setVersion(version).build();
  const found = SwaggerModule.createDocument(app, base) as unknown as OpenApiDocument;
  const schemas = byName(found.components.schemas);
  return {
    openapi: '3.1.0',
    info: { title: 'Wheelhouse', version, description: DESCRIPTION, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/', description: 'This installation.' }],
    tags: [],
    'x-tagGroups': [],
    paths: byName(found.paths),
    components: {
      securitySchemes: SECURITY_SCHEMES,
      parameters: COMMON_PARAMETERS,
      headers: COMMON_HEADERS,
      examples: problemExamples(),
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, normalizeSchema(schema)])),
    },
  };
}

function byName<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function completeRequest(operation: OperationObject, schemas: Record<string, Schema>): void {
  for (const body of Object.values(operation.requestBody?.content ?? {})) {
    if (!body.schema) continue;
    body.schema = normalizeSchema(body.schema);
    body.example = exampleOf(body.schema, schemas);
  }
}

function bodySchemas(operation: OperationObject): Schema[] {
  return Object.values(operation.requestBody?.content ?? {}).flatMap(({ schema }) => (schema ? [schema] : []));
}

/** Schemas and examples that nothing refers to say nothing. */
function dropUnused(document: OpenApiDocument): void {
  const used = new Set<string>();
  const use = (name: string): void => {
    const schema = document.components.schemas[name];
    if (!schema || used.has(name)) return;
    used.add(name);
    referencesOf(schema).forEach(use);
  };
  for (const { operation } of operationsOf(document)) {
    const answers = Object.values(operation.responses).flatMap(({ content }) => Object.values(content ?? {}).flatMap(({ schema }) => (schema ? [schema] : [])));
    const parameters = (operation.parameters ?? []).flatMap((parameter) => ('schema' in parameter ? [parameter.schema] : []));
    [...answers, ...parameters, ...bodySchemas(operation)].flatMap(referencesOf).forEach(use);
  }
  const codes = new Set(operationsOf(document).flatMap(({ operation }) => Object.values(operation.responses).flatMap((response) => response['x-problem-codes'] ?? [])));
  document.components.examples = Object.fromEntries(Object.entries(document.components.examples).filter(([code]) => codes.has(code)));
  document.components.schemas = byName(Object.fromEntries(Object.entries(document.components.schemas).filter(([name]) => used.has(name))));
}
