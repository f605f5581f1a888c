import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { type FieldError, Problem } from '../../core/problem.js';

const MOST_ERRORS = 50;

/** Flattens class-validator's tree into dotted paths; never repeats the value that was sent. */
export function toFieldErrors(errors: ValidationError[], prefix = ''): FieldError[] {
  return errors.flatMap((error) => {
    const field = `${prefix}${error.property}`;
    const own = Object.entries(error.constraints ?? {}).map(([code, message]) => ({
      field,
      code: code === 'whitelistValidation' ? 'unknown_field' : code,
      message: code === 'whitelistValidation' ? `${error.property} is not a field of this request` : message,
    }));
    return [...own, ...toFieldErrors(error.children ?? [], `${field}.`)];
  });
}

/** The pipe that every body and query goes through: unknown fields are refused by name. */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => {
      const fields = toFieldErrors(errors).slice(0, MOST_ERRORS);
      return new Problem('invalid_request', { detail: fields[0]?.message ?? 'The request is invalid.', errors: fields });
    },
  });
}
