import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsUUID, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsInstant } from '../../platform/http/is-instant.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { MOST_VERSIONS } from './secret-values.dto.js';

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
