import { ValidateIf } from 'class-validator';

/** For a field that may be left out but not be null: `@IsOptional()` would let null pass unchecked. */
export function IfGiven(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}
