import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsInstant } from '../../platform/http/is-instant.js';
import { IsIpRange } from '../../platform/http/is-ip-range.js';

/** A new API key. */
export class CreateApiKeyDto {
  /**
   * What it is for.
   * @example "Nightly reports"
   */
  @IsString()
  @MaxLength(100)
  @Matches(/\S/, { message: 'name must not be blank' })
  name!: string;

  /**
   * What it may do: permissions (`task:read`), families of them (`task:*`), or everything that you may do (`*`, for
   * administrators). Never more than you may do yourself.
   * @example ["task:read", "agent:read"]
   */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(64, { each: true })
  scopes!: string[];

  /**
   * Addresses and CIDR ranges that it is taken from; left out or none, all. A key that is made with a key is taken from
   * no more than that one.
   * @example ["10.20.0.0/16"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(50, { each: true })
  @IsIpRange({ each: true })
  allowed_addresses?: string[];

  /**
   * When it stops to work; left out, never.
   * @example 2027-01-31T09:30:00.000Z
   */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  @IsInstant()
  expires_at?: string | null;
}

/** How a key is given another value. */
export class RotateApiKeyDto {
  /**
   * How long the present value works beside the new one, in seconds; without an overlap it ends at once.
   * @example 3600
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(604_800)
  overlap_seconds?: number;
}
