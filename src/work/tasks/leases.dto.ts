import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, IsUUID, Length, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsUsd } from '../../platform/http/is-usd.js';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';

const LARGEST_RESULT = 1_000_000;

/** A write under a lease. */
class UnderLease {
  /**
   * The fence of the lease, as the claim gave it.
   * @example 1
   */
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  fence!: number;
}

export class RenewLeaseDto extends UnderLease {
  /**
   * How long from now; left out, as long as before.
   * @example 60
   */
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(3600)
  lease_seconds?: number;

  /** @example 40 */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100)
  progress_percent?: number;

  /** @example "Reading page 12 of 30" */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  note?: string;
}

/** What the agent has used for its attempt: it is added to the costs of the tenant. */
export class UsageDto {
  /**
   * In USD, with at most 6 decimals.
   * @example 0.042
   */
  @IfGiven()
  @IsUsd()
  @Min(0)
  @Max(1_000_000)
  cost_usd: number = 0;

  /** @example 12000 */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(1_000_000_000_000)
  input_tokens: number = 0;

  /** @example 800 */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(1_000_000_000_000)
  output_tokens: number = 0;

  /** @example claude-sonnet-4-6 */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  model?: string | null;
}

export class CompleteTaskDto extends UnderLease {
  /**
   * Any JSON.
   * @example { "summary": "Revenue grew." }
   */
  @IsOptional()
  @MaxJsonBytes(LARGEST_RESULT)
  result?: unknown;

  /**
   * Names or addresses of files that were made.
   * @example ["summary.pdf"]
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @IsString({ each: true })
  @Length(1, 1000, { each: true })
  output_files?: string[];

  /** What the attempt has cost. */
  @IsOptional()
  @ValidateNested()
  @Type(() => UsageDto)
  usage?: UsageDto | null;
}

export class FailTaskDto extends UnderLease {
  /**
   * What went wrong.
   * @example "The report is encrypted."
   */
  @IsString()
  @Length(1, 10_000)
  error!: string;

  /**
   * false: trying again is of no use.
   * @example true
   */
  @IfGiven()
  @IsBoolean()
  retryable: boolean = true;

  /** What the attempt has cost. */
  @IsOptional()
  @ValidateNested()
  @Type(() => UsageDto)
  usage?: UsageDto | null;
}

export class ReleaseTaskDto extends UnderLease {}

export class CompleteItemDto extends CompleteTaskDto {
  /** The task. */
  @IsUUID()
  id!: string;
}

export class CompleteTasksDto {
  /** Up to 100 completions, each under its own fence. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => CompleteItemDto)
  items!: CompleteItemDto[];
}

/** What an agent may set on a board's task. */
export class UpdateTaskStatusDto {
  /**
   * completed or queued for what is in review, queued for what is in the inbox, inbox to hold back.
   * @example completed
   */
  @IsIn(['inbox', 'queued', 'completed'])
  status!: 'inbox' | 'queued' | 'completed';
}
