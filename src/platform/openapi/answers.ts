import { Problem } from '../../core/problem.js';
import { PROBLEM_CODES, PROBLEMS, type ProblemCode } from '../../core/problem-catalogue.js';
import type { OpenApiDocument, OperationObject, PlacedOperation, ResponseObject, Schema } from './document.types.js';
import { schemaName, schemaRef } from './document.types.js';
import { exampleOf } from './examples.js';
import { isRevisioned, takesIfMatch } from './parameters.js';

const EXAMPLE_REQUEST_ID = 'deploy-2026-01-31-7';

/** Headers that answers carry. */
export const COMMON_HEADERS: Record<string, object> = {
  RequestId: { description: 'Id of the request.', schema: { type: 'string' }, example: EXAMPLE_REQUEST_ID },
  ETag: { description: 'Tag of this revision, for If-Match and If-None-Match.', schema: { type: 'string' }, example: '"0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00.3"' },
  RetryAfter: { description: 'Seconds until the same request may succeed.', schema: { type: 'integer' }, example: 12 },
};

const headerRef = (name: string): { $ref: string } => ({ $ref: `#/components/headers/${name}` });

/** One example for each code, which the answers refer to. */
export function problemExamples(): OpenApiDocument['components']['examples'] {
  return Object.fromEntries(PROBLEM_CODES.map((code) => [code, { summary: PROBLEMS[code].title, value: new Problem(code).toDocument(EXAMPLE_REQUEST_ID) }]));
}

/** Completes the answers of an operation: the one that is declared, its headers and example, and every problem. */
export function completeAnswers(placed: PlacedOperation, document: OpenApiDocument): void {
  const { operation } = placed;
  const declared = Object.entries(operation.responses);
  const codes = new Set([...declared.flatMap(([, response]) => response['x-problem-codes'] ?? []), ...impliedProblems(placed, document)] as ProblemCode[]);
  // The plugin adds an answer of its own, without words, under the status it guesses from the method.
  const successes = declared.filter(([status, response]) => /^[23]/.test(status) && response.description !== '');
  operation.responses = Object.fromEntries([
    ...successes.map(([status, response]) => [status, completeSuccess(response, operation, document)] as const),
    ...problemResponses(codes),
  ]);
}

function completeSuccess(response: ResponseObject, operation: OperationObject, document: OpenApiDocument): ResponseObject {
  const json = response.content?.['application/json'];
  if (json?.schema) {
    json.schema = pageSchema(json.schema, document) ?? json.schema;
    json.example = exampleOf(json.schema, document.components.schemas);
  }
  const stream = response.content?.['text/event-stream'];
  if (stream) stream.example = 'id: 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00\nevent: task.completed\ndata: {"task_id":"0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01"}\n\n';
  const text = Object.entries(response.content ?? {}).find(([type]) => type.startsWith('text/plain'))?.[1];
  if (text) text.example = '# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\nhttp_requests_total{operation="getHealth",method="GET",status="200"} 1\n';
  const page = response.content?.['text/html'];
  if (page) page.example = '<!doctype html><html lang="en"><head><title>Approve?</title></head><body><h1>Approve?</h1></body></html>\n';
  const picture = response.content?.['image/svg+xml'];
  if (picture) picture.example = '<svg xmlns="http://www.w3.org/2000/svg" width="212" height="80"></svg>\n';
  const lines = response.content?.['application/x-ndjson'];
  if (lines) lines.example = '{"header":{"format":"wheelhouse-audit/3"}}\n{"end":{"rows":0}}\n';
  const table = response.content?.['text/csv'];
  if (table) table.example = 'id,position,occurred_at,name,data,request_id\r\n';
  response.headers = { 'X-Request-Id': headerRef('RequestId'), ...(isRevisioned(operation, document) ? { ETag: headerRef('ETag') } : {}) };
  return response;
}

/** `allOf` of the page and its items becomes one named schema, so that clients have one type for it. */
function pageSchema(schema: Schema, document: OpenApiDocument): Schema | undefined {
  const item = schemaName(schema.allOf?.[1]?.properties?.['items']?.items);
  const page = document.components.schemas['PageView'];
  if (item === undefined || page === undefined) return undefined;
  const name = `${item.replace(/View$/, '')}Page`;
  document.components.schemas[name] ??= {
    type: 'object',
    description: 'One page of a list.',
    properties: { items: { type: 'array', maxItems: 100, items: schemaRef(item), description: 'What is on this page.' }, ...page.properties },
    required: ['items', ...(page.required ?? [])],
  };
  return schemaRef(name);
}

/** Codes that follow from the form of an operation, so that nobody has to list them. */
function impliedProblems(placed: PlacedOperation, document: OpenApiDocument): ProblemCode[] {
  const { operation, path, method } = placed;
  return [
    ...(path.includes('{') || operation['x-roles']?.includes('admin') ? (['not_found'] as const) : []),
    // A body is read wherever something may change, whether the operation takes one or not.
    ...(method !== 'get' ? (['malformed_json', 'payload_too_large', 'unsupported_media_type'] as const) : []),
    ...(method !== 'get' && operation['x-permission'] !== 'public' ? (['csrf_failed'] as const) : []),
    ...(method === 'post' ? (['idempotency_key_reused', 'idempotency_in_progress'] as const) : []),
    ...(takesIfMatch(placed, document) ? (['precondition_failed'] as const) : []),
  ];
}

/** Problems grouped by their status, in the order of the catalogue. */
function problemResponses(codes: ReadonlySet<ProblemCode>): [string, ResponseObject][] {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of PROBLEM_CODES) if (codes.has(code)) byStatus.set(PROBLEMS[code].status, [...(byStatus.get(PROBLEMS[code].status) ?? []), code]);
  return [...byStatus].sort(([a], [b]) => a - b).map(([status, grouped]) => [String(status), problemResponse(status, grouped)]);
}

function problemResponse(status: number, codes: ProblemCode[]): ResponseObject {
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].detail}`).join('\n\n'),
    headers: { 'X-Request-Id': headerRef('RequestId'), ...(status === 429 || status === 503 ? { 'Retry-After': headerRef('RetryAfter') } : {}) },
    content: {
      'application/problem+json': {
        schema: schemaRef('ProblemView'),
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
    'x-problem-codes': codes,
  };
}
