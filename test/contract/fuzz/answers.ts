import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { OpenApiDocument, PlacedOperation, Schema } from '../../../src/platform/openapi/document.types.js';

export interface SentAnswer {
  status: number;
  type: string;
  /** Empty for streams, of which only the head is read. */
  text: string;
}

/** What no answer may show: stack traces, statements and errors of the database, paths of files. */
const INSIDES: readonly [string, RegExp][] = [
  ['a stack', /(?:\\n|\n)\s+at \S+ ?\(?|\.[jt]s:\d+:\d+/],
  ['SQL', /\b(?:select\s[\s\S]{1,200}\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s)|violates \w+[ -]?\w* constraint|syntax error at or near|relation \\?"\w+\\?" |QueryFailedError|\bpg_\w+/i],
  ['a path of a file', /node_modules|file:\/\/|\/(?:work|home|tmp|var|usr|root)\/[\w.-]+/],
];

/** Holds answers against the document: status, media type, schema and problem code. */
export class Answers {
  // Each schema of the document is compiled once, not anew inside of each answer that holds it.
  private readonly ajv = new Ajv2020({ strict: false, allErrors: false, inlineRefs: false, code: { optimize: false } });
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    addFormats.default(this.ajv);
    this.ajv.addSchema({ $id: 'document', components: closed(document) });
  }

  /** What is wrong with an answer, or undefined. `sent` is what the request said: an answer may repeat it. */
  complaint(placed: PlacedOperation, { status, type, text }: SentAnswer, sent: string): string | undefined {
    // That a target of the request's own choice cannot be reached is an answer, and the document has it.
    if (status >= 500 && !(status === 502 && text.includes('"code":"egress_failed"'))) return 'is a failure of the server';
    const shown = placed.operation.operationId === 'getOpenApi' ? undefined : INSIDES.find(([, pattern]) => pattern.test(text) && !pattern.test(sent));
    if (shown) return `shows ${shown[0]}`;
    const response = placed.operation.responses[String(status)];
    if (status === 304) return undefined;
    if (!response) return `has status ${status}, which the document does not have`;
    const media = Object.entries(response.content ?? {});
    if (media.length === 0) return text === '' ? undefined : 'has a body, and the document none';
    const [documented, content] = media.find(([candidate]) => type.startsWith(candidate)) ?? [];
    if (documented === undefined) return `is ${type}, not ${media.map(([candidate]) => candidate).join(' or ')}`;
    if (!documented.endsWith('json') || documented === 'application/x-ndjson') return undefined;
    return this.mismatch(`${placed.operation.operationId} ${status} ${documented}`, content?.schema, text) ?? unknownProblem(response['x-problem-codes'], status, text);
  }

  private mismatch(key: string, schema: Schema | undefined, text: string): string | undefined {
    if (!schema) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text) as unknown;
    } catch (error) {
      return `is no JSON: ${String(error)}`;
    }
    const validate = this.compiled.get(key) ?? this.ajv.compile(absolute(schema));
    this.compiled.set(key, validate);
    return validate(value) ? undefined : `does not fit its schema: ${this.ajv.errorsText(validate.errors)}`;
  }
}

function unknownProblem(codes: readonly string[] | undefined, status: number, text: string): string | undefined {
  if (status < 400) return undefined;
  const { code } = JSON.parse(text) as { code: string };
  return codes?.includes(code) ? undefined : `has the code ${code}, which the document does not list under ${status}`;
}

/** Schemas of answers that take nothing they do not name: a field that the document forgot is found. */
function closed({ components: { schemas } }: OpenApiDocument): { schemas: Record<string, Schema> } {
  const closing = Object.entries(schemas).map(([name, schema]): [string, Schema] => [name, schema.properties && schema.additionalProperties === undefined && name !== 'ProblemView' && name !== 'OpenApiView' ? { ...schema, additionalProperties: false } : schema]);
  return { schemas: Object.fromEntries(closing) };
}

const absolute = (schema: Schema): Schema => JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components')) as Schema;
