import { ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, type ValidationError } from 'class-validator';
import { rememberRules } from './validation-rules.js';
import { type FieldError, invalidField, Problem } from '../../core/problem.js';

const MOST_ERRORS = 50;

/** Rules about what kind of value it is: which bounds it breaks says nothing to someone who sent a value of another kind. */
const KINDS: ReadonlySet<string> = new Set(['isString', 'isInt', 'isNumber', 'isBoolean', 'isArray', 'isObject', 'isUuid']);
const typeFirst = ([one]: [string, string], [other]: [string, string]): number => Number(KINDS.has(other)) - Number(KINDS.has(one));

/** Flattens class-validator's tree into dotted paths, of each field its type first; never repeats the value that was sent. */
export function toFieldErrors(errors: ValidationError[], prefix = ''): FieldError[] {
  return errors.flatMap((error) => {
    const field = `${prefix}${error.property}`;
    const own = Object.entries(error.constraints ?? {}).sort(typeFirst).map(([code, message]) => ({
      field,
      code: code === 'whitelistValidation' ? 'unknown_field' : code,
      message: code === 'whitelistValidation' ? unknownField(error) : message,
    }));
    return [...own, ...toFieldErrors(error.children ?? [], `${field}.`)];
  });
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Fields are written in snake_case: who writes one in another way is told its name. */
function unknownField({ property, target }: ValidationError): string {
  const rules = target ? getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', false, false) : [];
  const meant = rules.find(({ propertyName }) => plain(propertyName) === plain(property))?.propertyName;
  return `${property} is not a field of this request${meant === undefined ? '' : `: it is called ${meant}`}`;
}

/** No body that anyone wrote or planned is deeper; far more would overflow the stack of whoever walks through it. */
const DEEPEST = 100;
/** What every object inherits (`__proto__`, `toString`): the packages behind the pipe would take it out without a word. */
const REFUSED_MEMBERS = new Set(Object.getOwnPropertyNames(Object.prototype));

/**
 * @throws Problem `invalid_request` for a member that could not be kept, or a value nested too deep: what is stored is
 * what was sent, or nothing is
 */
export function refuseUnkeepable(value: unknown, path: string[] = []): void {
  if (typeof value === 'string') refuseUnkeepableText(value, path);
  // A number in the text that is larger than any double becomes infinite, and would be stored as null.
  if (typeof value === 'number' && !Number.isFinite(value)) throw invalidField(path.join('.').slice(0, 200), 'number', 'is a number that is too large to be kept');
  if (typeof value !== 'object' || value === null) return;
  if (path.length >= DEEPEST) throw invalidField(path.slice(0, 3).join('.'), 'depth', `may be nested ${DEEPEST} deep at most`);
  for (const name of Object.keys(value)) {
    path.push(name);
    refuseUnkeepableText(name, path);
    if (REFUSED_MEMBERS.has(name)) throw invalidField(path.join('.').slice(0, 200), 'member_name', 'is a name that no member may have');
    refuseUnkeepable((value as Record<string, unknown>)[name], path);
    path.pop();
  }
}

/** PostgreSQL keeps no NUL character, and a lone surrogate is no character at all. */
function refuseUnkeepableText(text: string, path: readonly string[]): void {
  if (text.includes('\0') || !text.isWellFormed()) throw invalidField(path.join('.').slice(0, 200), 'character', 'contains a character that cannot be stored');
}

class ExactValidationPipe extends ValidationPipe {
  protected override stripProtoKeys(value: unknown): void {
    refuseUnkeepable(value);
  }
}

/** The pipe that every body and query goes through: unknown fields are refused by name. */
export function validationPipe(): ValidationPipe {
  rememberRules();
  return new ExactValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: true, value: false },
    exceptionFactory: (errors) => {
      const fields = toFieldErrors(errors).slice(0, MOST_ERRORS);
      return new Problem('invalid_request', { detail: fields[0]?.message ?? 'The request is invalid.', errors: fields });
    },
  });
}
