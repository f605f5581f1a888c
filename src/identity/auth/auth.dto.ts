import { IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { SESSION_KINDS, type SessionKind } from '../../platform/auth/browsers.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsEmailAddress } from '../../platform/http/is-email-address.js';
import { IsLine } from '../../platform/http/is-line.js';
import { CODE, RECOVERY_CODE } from '../mfa/second-factors.port.js';

/** A sign-in with a password. */
export class LoginDto {
  /** @example ada@example.com */
  @IsEmailAddress()
  email!: string;

  /** @example seven-otters-hum-at-noon */
  @IsString()
  @MaxLength(512)
  password!: string;

  /**
   * cookie, for a page in a browser: the answer sets an HttpOnly cookie that holds the session, and shows no tokens.
   * @example bearer
   */
  @IfGiven()
  @IsIn(SESSION_KINDS)
  session?: SessionKind;
}

/** A new account of one's own. */
export class RegisterDto {
  /**
   * The address to sign in with.
   * @example ada@example.com
   */
  @IsEmailAddress()
  email!: string;

  /**
   * At least as long as the password policy asks (8 characters when it asks for nothing), 256 at most, and no common password.
   * @example seven-otters-hum-at-noon
   */
  @IsString()
  @MaxLength(512)
  password!: string;

  /** @example "Ada Lovelace" */
  @IsLine(200)
  full_name!: string;
}

/** A refresh token to trade. */
export class RefreshDto {
  /**
   * The one that came last; each works once. Left out by a browser, which has its session cookie.
   * @example whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  @IfGiven()
  @IsString()
  @MaxLength(256)
  refresh_token?: string;
}

/** The end of a session. */
export class LogoutDto {
  /**
   * Also ends the session of this refresh token, when it is one of the same person's.
   * @example whr_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  @IfGiven()
  @IsString()
  @MaxLength(256)
  refresh_token?: string;
}

/** The second half of a sign-in. One of `code` and `recovery_code` is needed. */
export class ChallengeDto {
  /**
   * From the answer to the first half.
   * @example whm_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  @IsString()
  @MaxLength(256)
  challenge_token!: string;

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

/** A new proof of who one is: the code for an account with a second factor, the password for all others. */
export class ReauthenticateDto {
  /** @example seven-otters-hum-at-noon */
  @IfGiven()
  @IsString()
  @MaxLength(512)
  password?: string;

  /**
   * Six digits of the authenticator.
   * @example "492039"
   */
  @IfGiven()
  @Matches(CODE, { message: '$property must be six digits' })
  @MaxLength(6)
  @IsString()
  code?: string;
}
