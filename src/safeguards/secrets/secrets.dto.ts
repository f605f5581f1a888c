import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsInt, IsObject, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsInstant } from '../../platform/http/is-instant.js';
import { IsLine } from '../../platform/http/is-line.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { IsOrigin } from './is-origin.js';
import { IsSecretValue } from './is-secret-value.js';
import { GeneratorDto, LONGEST_GRACE } from './secret-values.dto.js';

const SECRET_NAME = /^[A-Za-z0-9][\w.-]{0,127}$/;
const NAME_RULE = { message: 'name must consist of letters, digits, dots, hyphens and underscores, and begin with a letter or digit' };
const MOST_ORIGINS = 20;
const LONGEST_ORIGIN = 300;

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
  @IsSecretValue()
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
  @IsSecretValue()
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
