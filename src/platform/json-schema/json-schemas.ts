import { createHash } from 'node:crypto';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { canonicalJson } from '../../core/canonical-json.js';
import { costOf, type SchemaFinding } from './schema-cost.js';

/** What is wrong with a value, and where in it: `items[3].name`. */
export interface Violation {
  place: string;
  code: string;
  message: string;
}

const LARGEST_SCHEMA = 65_536;
const MOST_KNOWN = 500;
/** Characters of a value times what its schema costs: no more than some tenths of a second. */
const MOST_WORK = 50_000_000;
/** Of larger values the first error alone is told: there may be as many as values. */
const LARGEST_TOLD_WHOLLY = 65_536;
const MOST_TOLD = 50;
const FORMATS = ['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uuid'] as const;
/** Their expressions take the square of a text's length. */
const LONGEST_FORMATTED = 1_000;

/** A schema that has been looked at. */
interface Known {
  cost: number;
  findings: SchemaFinding[];
  /** For all errors, and for the first. Made when they are needed. */
  all?: ValidateFunction;
  first?: ValidateFunction;
}

/**
 * JSON Schema (2020-12) as people write it: nothing is fetched, no pattern and no schema can be made to run for ever, and what
 * has been compiled is kept for a while.
 */
class JsonSchemas {
  private readonly known = new LRUCache<string, Known>({ max: MOST_KNOWN });
  /** The one that knows what a schema is. It keeps none. */
  private readonly judge = new Ajv2020({ allErrors: true, strict: false });

  /** All that is wrong with a schema; empty for one that is taken. */
  findings(schema: unknown): readonly SchemaFinding[] {
    const text = JSON.stringify(schema) ?? '';
    if (Buffer.byteLength(text) > LARGEST_SCHEMA) return [{ place: '', message: `A schema has ${LARGEST_SCHEMA} bytes at most.` }];
    return this.look(schema, text).findings;
  }

  /** All that is wrong with a value by a schema that was taken. */
  violations(schema: object, value: unknown): Violation[] {
    const known = this.look(schema, JSON.stringify(schema));
    if (known.findings.length > 0) return [{ place: '', code: 'bad_schema', message: 'The schema is not one that is taken.' }];
    const size = (JSON.stringify(value) ?? '').length;
    if (size * known.cost > MOST_WORK) return [{ place: '', code: 'too_large', message: 'It is too large for a schema of this size.' }];
    const whole = size <= LARGEST_TOLD_WHOLLY;
    const validate = whole ? (known.all ??= compile(schema, true)) : (known.first ??= compile(schema, false));
    return validate(value) ? [] : (validate.errors ?? []).slice(0, MOST_TOLD).map(toViolation);
  }

  private look(schema: unknown, text: string): Known {
    const key = createHash('sha256').update(text).digest('base64');
    const found = this.known.get(key);
    if (found) return found;
    const { cost, findings } = costOf(schema);
    const made: Known = { cost, findings: findings.length > 0 ? findings : this.judged(schema) };
    this.known.set(key, made);
    return made;
  }

  private judged(schema: unknown): SchemaFinding[] {
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [{ place: '', message: 'A schema is an object.' }];
    const { $schema } = schema as { $schema?: unknown };
    if ($schema !== undefined && $schema !== DIALECT && $schema !== `${DIALECT}#`) return [{ place: '$schema', message: `Schemas are written in ${DIALECT}.` }];
    if (this.judge.validateSchema(schema) !== true) return (this.judge.errors ?? []).slice(0, MOST_TOLD).map((error) => ({ place: placeOf(error.instancePath), message: error.message ?? 'is wrong' }));
    try {
      compile(schema, true);
      return [];
    } catch (error) {
      return [{ place: '', message: (error instanceof Error ? error.message : String(error)).slice(0, 300) }];
    }
  }
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Each has a compiler of its own: one for all would keep every schema it has seen. */
function compile(schema: object, allErrors: boolean): ValidateFunction {
  const { $schema: _dialect, ...own } = schema as Record<string, unknown>;
  const ajv = new Ajv2020({ allErrors, meta: false, validateSchema: false, addUsedSchema: false, logger: false, strict: true, strictTypes: false, strictTuples: false, strictRequired: false, code: { regExp: linearRegExp } });
  for (const name of FORMATS) ajv.addFormat(name, { validate: boundedFormat(name) });
  // Its own compares each item with each other.
  ajv.removeKeyword('uniqueItems').addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: (asked: boolean, items: unknown[]) => !asked || new Set(items.map(textOf)).size === items.length });
  return ajv.compile(own);
}

/** Regular expressions in linear time (RE2). */
const linearRegExp = Object.assign(
  (pattern: string) => {
    const expression = RE2JS.compile(RE2JS.translateRegExp(pattern));
    return { test: (text: string) => expression.matcher(text).find() };
  },
  { code: 'linearRegExp' },
);

function boundedFormat(name: (typeof FORMATS)[number]): (text: string) => boolean {
  const format = fullFormats[name];
  const { validate } = typeof format === 'object' && 'validate' in format ? format : { validate: format };
  const matches = validate instanceof RegExp ? (text: string): boolean => validate.test(text) : (validate as (text: string) => boolean);
  return (text) => text.length <= LONGEST_FORMATTED && matches(text);
}

const textOf = (value: unknown): string => canonicalJson(value);

function toViolation({ instancePath, keyword, message, params }: ErrorObject): Violation {
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Record<string, unknown>;
  const member = missingProperty ?? additionalProperty ?? unevaluatedProperty;
  return { place: placeOf(typeof member === 'string' ? `${instancePath}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}` : instancePath), code: keyword, message: message ?? 'is wrong' };
}

/** `/items/3/name` as `items[3].name`. */
function placeOf(pointer: string): string {
  const parts = pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return parts.reduce((place, part) => (/^\d+$/.test(part) ? `${place}[${part}]` : place === '' ? part : `${place}.${part}`), '').slice(0, 300);
}

export const jsonSchemas = new JsonSchemas();
