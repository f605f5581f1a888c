import { ValidateBy, type ValidationOptions } from 'class-validator';

/** An amount of money as it travels: a number with at most 6 decimals. (`@IsNumber` throws on numbers like 1e-7.) */
export function IsUsd(options?: ValidationOptions): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isUsd',
      validator: {
        validate: (value: unknown) => typeof value === 'number' && Number.isFinite(value) && Number(value.toFixed(6)) === value,
        defaultMessage: (args) => `${args?.property ?? 'value'} must be a number with at most 6 decimals`,
      },
    },
    options,
  );
}
