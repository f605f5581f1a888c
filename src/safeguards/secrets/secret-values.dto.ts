import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsInstant } from '../../platform/http/is-instant.js';
import { IsLine } from '../../platform/http/is-line.js';
import { IsSecretValue } from './is-secret-value.js';
import { type Charset, CHARSETS } from './secret.entity.js';

export const LONGEST_GRACE = 30 * 86_400;
export const MOST_VERSIONS = 1_000_000_000;

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
  @IsSecretValue()
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
