import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsEmail, MaxLength } from 'class-validator';
import { normalEmail } from '../../core/email.js';

/** An e-mail address of at most 254 characters (RFC 5321, section 4.5.3.1.3), brought into the form in which it is stored. */
export function IsEmailAddress(): PropertyDecorator {
  return applyDecorators(MaxLength(254), IsEmail(), Transform(({ value }) => normalEmail(value)));
}
