import { IsString, Matches, MaxLength } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { CODE, RECOVERY_CODE } from './second-factors.port.js';

/** The first code of a new authenticator. */
export class VerifyMfaDto {
  /**
   * Six digits.
   * @example "492039"
   */
  @Matches(CODE, { message: '$property must be six digits' })
  @MaxLength(6)
  @IsString()
  code!: string;
}

/** The end of the second factor. One of `code` and `recovery_code` is needed. */
export class DisableMfaDto {
  /** @example seven-otters-hum-at-noon */
  @IsString()
  @MaxLength(512)
  password!: string;

  /**
   * Six digits of the authenticator.
   * @example "492039"
   */
  @IfGiven()
  @Matches(CODE, { message: '$property must be six digits' })
  @MaxLength(6)
  @IsString()
  code?: string;

  /**
   * A recovery code, when the authenticator is lost.
   * @example 8k3v-q0td-1mzx-h7ra
   */
  @IfGiven()
  @Matches(RECOVERY_CODE, { message: '$property must be a recovery code' })
  @MaxLength(19)
  @IsString()
  recovery_code?: string;
}
