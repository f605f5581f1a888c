import { applyDecorators } from '@nestjs/common';
import { IsNotEmpty, IsString, MaxLength, NotEquals } from 'class-validator';
import { MASKED_VALUE } from './secret.entity.js';

const LONGEST_VALUE = 65_536;
/** Who sends back what an answer showed would lose the value. */
const NOT_THE_MASK = { message: 'value must be the secret itself, not what stands for it in answers: leave it out to keep it' };

/** The value of a secret, as it is sent in. */
export function IsSecretValue(): PropertyDecorator {
  return applyDecorators(NotEquals(MASKED_VALUE, NOT_THE_MASK), MaxLength(LONGEST_VALUE), IsNotEmpty(), IsString());
}
