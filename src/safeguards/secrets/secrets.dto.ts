import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsInt, IsNotEmpty, IsObject, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min, NotEquals, ValidateNested } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsInstant } from '../../platform/http/is-instant.js';
import { IsLine } from '../../platform/http/is-line.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { IsOrigin } from './is-origin.js';
import { type Charset, CHARSETS, MASKED_VALUE } from './secret.entity.js';

export const SECRET_NAME = /^[A-Za-z0-9][\w.-]{0,127}$/;
const NAME_RULE = { message: 'name must consist of letters, digits, dots, hyphens and underscores, and begin with a letter or digit' };
/** Who sends back what an answer showed would lose the value. */
const NOT_THE_MASK = { message: 'value must be the secret itself, not what stands for it in answers: leave it out to keep it' };
const LONGEST_VALUE = 65_536;
const LONGEST_GRACE = 30 * 86_400;
const MOST_ORIGINS = 20;
const LONGEST_ORIGIN = 300;
const MOST_VERSIONS = 1_000_000_000;

/** How a value is made. */
export class GeneratorDto {
  /**
   * How many characters.
   * @example 40
   */
  @IfGiven()
  @IsInt()
  @Min(8)
  @Max(4096)
  length: number = 40;

  /**
   * Of which characters.
   * @example alphanumeric
   */
  @IfGiven()
  @IsIn(CHARSETS)
  charset: Charset = 'alphanumeric';
}

/** Rotation by the clock. */
export class RotationDto {
  /**
   * How many days a value is used.
   * @example 30
   */
  @IsInt()
  @Min(1)
  @Max(3650)
  every_days!: number;

  /** How the new values are made. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => GeneratorDto)
  generate?: GeneratorDto;
}

/** What can be said about a secret, when it is made and later. */
class SecretFields {
  /**
   * What kind of secret it is.
   * @example api-keys
   */
  @IsOptional()
  @IsLine(100)
  category?: string | null;

  /**
   * What it is for. This is no place for secrets: it is shown to every administrator.
   * @example "Key of the mail provider"
   */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  description?: string | null;

  /**
   * From then on agents are refused.
   * @example 2027-01-31T09:30:00.000Z
   */
  @IsOptional()
  @IsInstant()
  @MaxLength(40)
  expires_at?: string | null;

  /** Rotation by the clock; null for none. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RotationDto)
  rotation?: RotationDto | null;

  /**
   * How long the version before works on after a rotation.
   * @example 3600
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(LONGEST_GRACE)
  grace_seconds?: number;

  /**
   * Where calls that leave this installation may take the secret: scheme, host and port; a host may begin with *. for all below
   * it. Empty: nowhere. Adding one takes a person who signed in within the last 5 minutes, as showing the secret does.
   * @example ["https://api.example.com"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(MOST_ORIGINS)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(LONGEST_ORIGIN, { each: true })
  @IsOrigin({ each: true })
  outbound_origins?: string[];
}

export class CreateSecretDto extends SecretFields {
  /**
   * Unique in the tenant. Agents ask for the secret by it, and `{{secret:NAME}}` stands for it.
   * @example MAIL_API_KEY
   */
  @MaxLength(128)
  @Matches(SECRET_NAME, NAME_RULE)
  @IsString()
  name!: string;

  /**
   * The secret itself. No answer repeats it.
   * @example "a value that nobody else knows"
   */
  @IsString()
  @IsNotEmpty()
  @MaxLength(LONGEST_VALUE)
  @NotEquals(MASKED_VALUE, NOT_THE_MASK)
  value!: string;
}

export class UpdateSecretDto extends SecretFields {
  /**
   * A new name. Who asks by the old one finds nothing any more.
   * @example MAIL_API_KEY
   */
  @IfGiven()
  @MaxLength(128)
  @Matches(SECRET_NAME, NAME_RULE)
  @IsString()
  name?: string;

  /**
   * A new value: the same as rotating the secret.
   * @example "a value that nobody else knows"
   */
  @IfGiven()
  @IsString()
  @IsNotEmpty()
  @MaxLength(LONGEST_VALUE)
  @NotEquals(MASKED_VALUE, NOT_THE_MASK)
  value?: string;
}

export class ListSecretsQuery extends PageQuery {
  /**
   * Those of this category alone.
   * @example api-keys
   */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  category?: string;
}

export class ExpiringSecretsQuery extends PageQuery {
  /**
   * Those that expire within so many days, and those that have expired.
   * @example 30
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(3650)
  days: number = 30;
}

export class RevealSecretDto {
  /**
   * Why the value is needed. It is kept in the audit log.
   * @example "The provider's support asks for its first characters."
   */
  @IsLine(500)
  reason!: string;

  /**
   * An earlier version; left out, the current one.
   * @example 1
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(MOST_VERSIONS)
  version?: number;
}

export class RotateSecretDto {
  /**
   * The new value; left out, one is made.
   * @example "another value that nobody else knows"
   */
  @IfGiven()
  @IsString()
  @IsNotEmpty()
  @MaxLength(LONGEST_VALUE)
  @NotEquals(MASKED_VALUE, NOT_THE_MASK)
  value?: string;

  /** How the new value is made; left out, as the secret's rotation says. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => GeneratorDto)
  generate?: GeneratorDto;

  /**
   * How long the version before works on; left out, as the secret says.
   * @example 3600
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(LONGEST_GRACE)
  grace_seconds?: number;

  /**
   * When the new value expires; left out, as before.
   * @example 2027-01-31T09:30:00.000Z
   */
  @IsOptional()
  @IsInstant()
  @MaxLength(40)
  expires_at?: string | null;
}

/** Names a version that is not the current one. */
export class SecretVersionDto {
  /**
   * The version.
   * @example 1
   */
  @IsInt()
  @Min(1)
  @Max(MOST_VERSIONS)
  version!: number;
}

export class CreateSecretGrantDto {
  /**
   * The agent that may use the secret. Either this or board_id.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IfGiven()
  @IsUUID()
  @MaxLength(36)
  agent_id?: string;

  /**
   * The board whose agents may use it, while they hold a task of that board.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  @IfGiven()
  @IsUUID()
  @MaxLength(36)
  board_id?: string;

  /**
   * When the grant ends.
   * @example 2027-01-31T09:30:00.000Z
   */
  @IsOptional()
  @IsInstant()
  @MaxLength(40)
  expires_at?: string | null;

  /**
   * How often it may be used; left out, any number of times.
   * @example 10
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  max_uses?: number | null;
}

export class ListSecretGrantsQuery extends PageQuery {
  /**
   * Revoked ones too.
   * @example false
   */
  @IsOptional()
  @Type(() => String)
  @IsIn(['true', 'false'])
  revoked?: 'true' | 'false';
}

export class UseSecretQuery {
  /**
   * An earlier version whose grace time has not ended; left out, the current one.
   * @example 1
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MOST_VERSIONS)
  version?: number;

  /**
   * The task that needs it: its lease must be held. Left out, any lease that the grant covers will do.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02
   */
  @IsOptional()
  @IsUUID()
  @MaxLength(36)
  task_id?: string;
}
