import { applyDecorators } from '@nestjs/common';
import { IsString, Matches, MaxLength } from 'class-validator';
import { SLUG_PATTERN } from '../../core/slug.js';

/** A short name for addresses, as `slugify` makes them. */
export function IsSlug(): PropertyDecorator {
  return applyDecorators(
    Matches(SLUG_PATTERN, { message: '$property must consist of lower-case letters, digits and single hyphens between them' }),
    MaxLength(60),
    IsString(),
  );
}
