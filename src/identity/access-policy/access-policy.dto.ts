import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsObject, IsUUID, Max, Min, ValidateIf, ValidateNested } from 'class-validator';
import { type Role, ROLES } from '../../core/actor.js';
import { IfGiven } from '../../platform/http/if-given.js';
import { AFTER_SSO, type AfterSso } from './security-policies.reader.js';

/** Who must have a second factor. What is left out stays. */
export class MfaPolicyDto {
  /**
   * Roles that must have a second factor. Who has none can do nothing but set one up.
   * @example ["admin"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(3)
  @ArrayUnique()
  @IsIn(ROLES, { each: true })
  required_roles?: Role[];

  /**
   * Whether the second factor is asked for after single sign-on: always, or unless the provider says that it asked for one.
   * @example unless_amr
   */
  @IfGiven()
  @IsIn(AFTER_SSO)
  after_sso?: AfterSso;
}

/** Whether people must come through single sign-on. What is left out stays. */
export class SsoPolicyDto {
  /**
   * Whether signing in with a password is off.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  enforced?: boolean;

  /**
   * The administrator who still signs in with a password, for the day on which the provider is away. Needed when enforced.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @IsUUID()
  break_glass_user_id?: string | null;
}

/** How long sessions live. What is left out stays. */
export class SessionPolicyDto {
  /**
   * Seconds after which a session ends, however much it is used.
   * @example 7776000
   */
  @IfGiven()
  @IsInt()
  @Min(300)
  @Max(31_536_000)
  max_age_seconds?: number;

  /**
   * Seconds without a request after which a session ends; at most max_age_seconds. REFRESH_TOKEN_SECONDS bounds it too.
   * @example 2592000
   */
  @IfGiven()
  @IsInt()
  @Min(300)
  @Max(31_536_000)
  idle_seconds?: number;
}

/** How guesses at passwords and codes are slowed down. What is left out stays. */
export class LockoutPolicyDto {
  /**
   * So many wrong attempts in a row cost nothing.
   * @example 10
   */
  @IfGiven()
  @IsInt()
  @Min(3)
  @Max(100)
  free_attempts?: number;

  /**
   * The wait after them doubles with each attempt, up to so many seconds: nobody is kept out by others for longer.
   * @example 60
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(300)
  longest_wait_seconds?: number;
}

/** A change of the security policy. What is left out stays. */
export class UpdateSecurityDto {
  /** Who must have a second factor. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => MfaPolicyDto)
  mfa?: MfaPolicyDto;

  /** Whether people must come through single sign-on. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => SsoPolicyDto)
  sso?: SsoPolicyDto;

  /** How long sessions live. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => SessionPolicyDto)
  session?: SessionPolicyDto;

  /**
   * How guesses are slowed down. Signing in follows the policy of the operator's tenant, because an address that has no
   * account must be treated like one that has; the tenant's own holds for whoever is signed in already.
   */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => LockoutPolicyDto)
  lockout?: LockoutPolicyDto;
}

/** A change of the password policy. What is left out stays. */
export class UpdatePasswordPolicyDto {
  /**
   * Fewest characters of a new password.
   * @example 12
   */
  @IfGiven()
  @IsInt()
  @Min(8)
  @Max(128)
  min_length?: number;

  /**
   * So many passwords before the current one are not taken again; the current one never is.
   * @example 3
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(12)
  history?: number;

  /**
   * Days after which a password has to be changed before anything else, in open sessions too; null for never, which is
   * what NIST SP 800-63B advises.
   * @example 365
   */
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @IsInt()
  @Min(1)
  @Max(3_650)
  max_age_days?: number | null;
}
