import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { DEFAULT_LIMIT, MAX_LIMIT, type PageRequest } from '../../core/page.js';

/** The paging that every list understands. */
export class PageQuery implements PageRequest {
  /**
   * Most items to answer with.
   * @example 50
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_LIMIT)
  limit: number = DEFAULT_LIMIT;

  /**
   * How many to skip. For long lists prefer cursor, which stays fast.
   * @example 0
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(10_000_000)
  offset: number = 0;

  /** next_cursor of the page before; wins over offset. */
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  cursor?: string;
}
