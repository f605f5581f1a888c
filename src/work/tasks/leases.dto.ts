import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
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
