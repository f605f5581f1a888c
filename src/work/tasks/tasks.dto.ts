import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsInstant } from '../../platform/http/is-instant.js';
import { IsLine } from '../../platform/http/is-line.js';
import { IsOnlyField } from '../../platform/http/is-only-field.js';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';
import { TASK_PRIORITIES, type TaskPriority } from './task.machine.js';

export const LARGEST_PAYLOAD = 262_144;

/** A new task. */
export class CreateTaskDto {
  /**
   * What is to be done, in one line.
   * @example "Summarise the quarterly report"
   */
  @IsLine(500)
  title!: string;

  /**
   * More about it, for people.
   * @example "The board wants two pages."
   */
  @IsOptional()
  @IsString()
  @MaxLength(20_000)
  description?: string;

  /**
   * What the agent is told to do.
   * @example "Read the attached report and write a summary of at most two pages."
   */
  @IsOptional()
  @IsString()
  @MaxLength(100_000)
  instructions?: string;

  /**
   * Any JSON that the agent needs; at most 256 KiB.
   * @example { "report": "q4.pdf" }
   */
  @IsOptional()
  @MaxJsonBytes(LARGEST_PAYLOAD)
  payload?: unknown;

  /**
   * critical is handed out first, then high, medium, low; among equals the oldest.
   * @example high
   */
  @IsOptional()
  @IsIn(TASK_PRIORITIES)
  priority?: TaskPriority;

  /** Only this agent may take it. */
  @IsOptional()
  @IsUUID()
  agent_id?: string;

  /** Only agents on this board may take it, and the board's rules hold. */
  @IsOptional()
  @IsUUID()
  board_id?: string;

  /**
   * When it must have ended; a task that has not by then becomes a dead letter.
   * @example 2027-01-31T18:00:00.000Z
   */
  @IsOptional()
  @IsInstant()
  @MaxLength(40)
  deadline?: string;

  /**
   * Tools that the agent must have.
   * @example ["web_search"]
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 100, { each: true })
  required_tools?: string[];

  /** Tasks that must be completed first; until then this one is blocked. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  depends_on?: string[];

  /** The task that this one is a part of. */
  @IsOptional()
  @IsUUID()
  parent_task_id?: string;

  /**
   * How often it is tried again after the first attempt failed.
   * @example 3
   */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100)
  max_retries?: number;

  /**
   * inbox keeps it back until someone queues it.
   * @example queued
   */
  @IsOptional()
  @IsIn(['inbox', 'queued'])
  status?: 'inbox' | 'queued';
}

/** Changes to a task; what is left out stays. */
export class UpdateTaskDto {
  /** @example "Summarise the quarterly report" */
  @IfGiven()
  @IsLine(500)
  title?: string;

  /** @example "The board wants three pages." */
  @IsOptional()
  @IsString()
  @MaxLength(20_000)
  description?: string | null;

  /** @example "Write at most three pages." */
  @IsOptional()
  @IsString()
  @MaxLength(100_000)
  instructions?: string | null;

  /** @example { "report": "q4-final.pdf" } */
  @IsOptional()
  @MaxJsonBytes(LARGEST_PAYLOAD)
  payload?: unknown;

  /** @example critical */
  @IfGiven()
  @IsIn(TASK_PRIORITIES)
  priority?: TaskPriority;

  /** null: any agent. */
  @IsOptional()
  @IsUUID()
  agent_id?: string | null;

  /** null: no board. */
  @IsOptional()
  @IsUUID()
  board_id?: string | null;

  /** @example 2027-02-28T18:00:00.000Z */
  @IsOptional()
  @IsInstant()
  @MaxLength(40)
  deadline?: string | null;

  /** @example ["web_search", "calculate"] */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 100, { each: true })
  required_tools?: string[];

  /** Tasks that must be completed first, in place of those before; only until it is started. Empty: it waits for none. */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  depends_on?: string[];

  /** @example 5 */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(100)
  max_retries?: number;

  /**
   * inbox and queued to hold back and let go; completed or queued for what is in review; cancelled.
   * @example queued
   */
  @IfGiven()
  @IsIn(['inbox', 'queued', 'completed', 'cancelled'])
  status?: 'inbox' | 'queued' | 'completed' | 'cancelled';

  /**
   * retry starts a dead letter again, as the queue's document has it. It takes no other field beside it.
   * @example retry
   */
  @IfGiven()
  @IsOnlyField()
  @IsIn(['retry'])
  action?: 'retry';
}

export class CancelTaskDto {
  /**
   * Why, for those who look later.
   * @example "No longer needed"
   */
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  reason?: string;
}

export class CreateCommentDto {
  /** @example "The numbers of page 3 need a source." */
  @IsLine(20_000)
  body!: string;
}

/** What to claim. */
export class ClaimTasksDto {
  /**
   * Most tasks to take.
   * @example 1
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(100)
  max: number = 1;

  /**
   * How long the lease lasts, in seconds.
   * @example 60
   */
  @IfGiven()
  @IsInt()
  @Min(5)
  @Max(3600)
  lease_seconds: number = 60;

  /**
   * How long to wait for a task when there is none, in seconds.
   * @example 20
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(30)
  wait_seconds: number = 0;

  /** Only tasks of this board. */
  @IsOptional()
  @IsUUID()
  board_id?: string;
}
