import { IsOptional, MaxLength } from 'class-validator';
import { IsInstant } from '../../platform/http/is-instant.js';

/** Which days; at most 366 of them. */
export class ClientCostsQuery {
  /**
   * First day, in UTC; left out, the 29th before the last.
   * @example 2026-01-01
   */
  @IsOptional()
  @IsInstant({ dayAllowed: true })
  @MaxLength(40)
  from?: string;

  /**
   * Last day, in UTC; left out, today.
   * @example 2026-01-31
   */
  @IsOptional()
  @IsInstant({ dayAllowed: true })
  @MaxLength(40)
  to?: string;
}
