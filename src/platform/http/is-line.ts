import { applyDecorators } from '@nestjs/common';
import { IsNotEmpty, IsString, Matches, MaxLength } from 'class-validator';

/** Text for people that says something: not blank, at most `longest` UTF-16 units. */
export function IsLine(longest: number): PropertyDecorator {
  return applyDecorators(MaxLength(longest), Matches(/\S/, { message: '$property must not be blank' }), IsNotEmpty(), IsString());
}
