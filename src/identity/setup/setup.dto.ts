import { IsIn, IsString, MaxLength } from 'class-validator';
import { SESSION_KINDS, type SessionKind } from '../../platform/auth/browsers.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsEmailAddress } from '../../platform/http/is-email-address.js';
import { IsLine } from '../../platform/http/is-line.js';

/** The first administrator of an installation. */
export class CompleteSetupDto {
  /**
   * The token that was printed at the last start, or SETUP_TOKEN.
   * @example whs_2Jx0dJv8nQmTq3yB6cVw9sLkPzR5aHfE1uGb7oXiK4N2
   */
  @IsString()
  @MaxLength(512)
  setup_token!: string;

  /** @example ada@example.com */
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

  /**
   * Name of the operator's tenant.
   * @example "Analytical Engines"
   */
  @IfGiven()
  @IsLine(200)
  organization?: string;

  /**
   * cookie, for a page in a browser: the answer sets an HttpOnly cookie that holds the session, and shows no tokens.
   * @example bearer
   */
  @IfGiven()
  @IsIn(SESSION_KINDS)
  session?: SessionKind;
}
