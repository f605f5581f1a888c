import { ValidateBy, type ValidationOptions } from 'class-validator';

/** `*.` at the start of a host stands for any one or more labels before the rest, which has two or more. */
const WILDCARD = /^(https?:\/\/)\*\.(?=[^./:]+\.[^./:])/;

/** Whether a text is the origin of http or https addresses as `URL.origin` writes it, its host perhaps begun by `*.`. */
export function isOrigin(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  const plain = text.replace(WILDCARD, '$1x.');
  return /^https?:/.test(plain) && !plain.includes('*') && URL.canParse(plain) && new URL(plain).origin === plain;
}

/** Whether an origin is one of those allowed. */
export const allowsOrigin = (allowed: readonly string[], origin: string): boolean => allowed.some((entry) => (WILDCARD.test(entry) ? isBelow(entry, origin) : entry === origin));

function isBelow(entry: string, origin: string): boolean {
  const [scheme = '', rest = ''] = entry.split('*', 2);
  return origin.startsWith(scheme) && origin.endsWith(rest) && origin.length > scheme.length + rest.length;
}

/** Refuses what is no origin. */
export function IsOrigin(options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isOrigin',
      validator: {
        validate: isOrigin,
        defaultMessage: (args) => `${args?.property ?? 'value'} must be scheme and host, and the port if it is not the usual one, in lower case: https://api.example.com or https://*.example.com`,
      },
    },
    options,
  );
}
