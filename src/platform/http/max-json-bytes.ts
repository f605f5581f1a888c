import { ValidateBy, type ValidationOptions } from 'class-validator';

/** Bounds the size of a free JSON value, as UTF-8 bytes of its text; that it is JSON the body parser has shown. */
export function MaxJsonBytes(bytes: number, options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: 'maxJsonBytes',
      constraints: [bytes],
      validator: {
        validate: (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '', 'utf8') <= bytes,
        defaultMessage: (args) => `${args?.property ?? 'value'} must be at most ${bytes} bytes of JSON`,
      },
    },
    options,
  );
}
