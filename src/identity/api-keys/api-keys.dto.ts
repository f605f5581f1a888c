import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { IsInstant } from '../../platform/http/is-instant.js';

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
   * When it stops to work; left out, never.
   * @example 2027-01-31T09:30:00.000Z
   */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  @IsInstant()
  expires_at?: string | null;
}
