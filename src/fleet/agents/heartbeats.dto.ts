import { IsIn, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { REPORTED_STATUSES, type ReportedStatus } from './agent-status.js';

/** A sign of life. */
export class HeartbeatDto {
  /**
   * What the agent calls itself; shown in its presence, its name stays.
   * @example Tessa
   */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  name?: string;

  /**
   * The board that it works on now; it must be on it.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IsOptional()
  @IsUUID()
  board_id?: string;

  /**
   * How it is: `online` becomes idle or busy by what it holds; `offline` signs off.
   * @example online
   */
  @IsIn(REPORTED_STATUSES)
  status!: ReportedStatus;
}
