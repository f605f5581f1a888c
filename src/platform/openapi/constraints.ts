import { getMetadataStorage } from 'class-validator';
import type { Schema } from './document.types.js';

interface Rule {
  name?: string;
  type: string;
  propertyName: string;
  constraints?: unknown[];
  each: boolean;
}

/** The static method that the Swagger plugin of `nest build` gives to every request and view. */
const FACTORY = '_OPENAPI_METADATA_FACTORY';
/** What the plugin says of one property: a schema, but for `required`, which is about the property. */
type Property = Omit<Schema, 'required'> & { required?: boolean; 'x-items'?: Schema };
type Metadata = Record<string, Property>;
type Described = (abstract new () => object) & { [FACTORY]?: (() => Metadata) & { constrained?: true } };

type Translation = (...values: never[]) => Omit<Schema, 'required'>;

/** What each rule of class-validator means in JSON Schema. Rules that say nothing there are left out. */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  maxLength: (maxLength: number) => ({ maxLength }),
  minLength: (minLength: number) => ({ minLength }),
  isLength: (minLength: number, maxLength: number) => ({ minLength, maxLength }),
  isNotEmpty: () => ({ minLength: 1 }),
  matches: (pattern: RegExp) => (pattern.flags.includes('i') ? {} : { pattern: pattern.source }),
  isUuid: () => ({ format: 'uuid', maxLength: 36 }),
  isEmail: () => ({ format: 'email' }),
  isUrl: () => ({ format: 'uri' }),
  isIso8601: () => ({ format: 'date-time' }),
  isRfc3339: () => ({ format: 'date-time' }),
  isDateString: () => ({ format: 'date-time' }),
  isInt: () => ({ type: 'integer' }),
  min: (minimum: number) => ({ minimum }),
  max: (maximum: number) => ({ maximum }),
  isPositive: () => ({ exclusiveMinimum: 0 }),
  isBooleanString: () => ({ enum: ['true', 'false'] }),
  isIn: (values: unknown[]) => ({ enum: [...values] }),
  arrayMaxSize: (maxItems: number) => ({ maxItems }),
  arrayMinSize: (minItems: number) => ({ minItems }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayUnique: () => ({ uniqueItems: true }),
  maxJsonBytes: (bytes: number) => ({ 'x-max-bytes': bytes }),
};

/**
 * Writes what class-validator checks into what the Swagger plugin found: the plugin reads decorators by their names in
 * the source, so it misses those inside composed decorators and takes `each` for the array itself. Safe to call again.
 */
export function describeConstraints(): void {
  // The storage has no public way to list its classes; its one map is stable since 0.12.
  const storage = getMetadataStorage() as unknown as { validationMetadatas: Map<unknown, Rule[]> };
  for (const [target, rules] of storage.validationMetadatas) {
    if (typeof target === 'function') constrain(target as unknown as Described, rules);
  }
}

function constrain(target: Described, rules: Rule[]): void {
  const original = Object.hasOwn(target, FACTORY) ? target[FACTORY] : undefined;
  if (!original || original.constrained) return;
  const constrained = (): Metadata => {
    const metadata = original();
    for (const [property, described] of Object.entries(metadata)) {
      Object.assign(described, constraintsOf(rules.filter(({ propertyName }) => propertyName === property)));
    }
    return metadata;
  };
  target[FACTORY] = Object.assign(constrained, { constrained: true as const });
}

/** The rules of one property; those for each item stand under `items` until the array's schema is known. */
function constraintsOf(rules: Rule[]): Property {
  const own: Property = {};
  const items: Omit<Schema, 'required'> = {};
  let optional = false;
  for (const rule of rules) {
    const name = rule.name ?? rule.type;
    if (name === 'isOptional') optional = true;
    const translation = Object.hasOwn(TRANSLATIONS, name) ? TRANSLATIONS[name] : undefined;
    if (translation) Object.assign(rule.each ? items : own, translation(...((rule.constraints ?? []) as never[])));
  }
  // An integer that stands in an array must not become the array's own type.
  const isArray = rules.some((rule) => rule.each || rule.name === 'isArray' || rule.name === 'arrayMaxSize');
  if (isArray) delete own.type;
  return { ...own, ...(optional ? { required: false } : {}), ...(isArray ? { 'x-items': items } : {}) };
}
