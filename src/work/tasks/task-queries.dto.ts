import { IsIn, IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { PageQuery } from '../../platform/http/page.dto.js';
import { TASK_PRIORITIES, TASK_STATUS_FILTERS, type TaskPriority } from './task.machine.js';

/** Which tasks to list. */
export class ListTasksQuery extends PageQuery {
  /**
   * A status; pending and running are names for queued and in_progress, failed includes dead letters, active is all that has not ended.
   * @example queued
   */
  @IsOptional()
  @IsIn(TASK_STATUS_FILTERS)
  status?: string;

  /**
   * The same as status.
   * @example queued
   */
  @IsOptional()
  @IsIn(TASK_STATUS_FILTERS)
  status_filter?: string;

  /**
   * Only tasks of this priority.
   * @example high
   */
  @IsOptional()
  @IsIn(TASK_PRIORITIES)
  priority?: TaskPriority;

  /** Assigned to this agent. */
  @IsOptional()
  @IsUUID()
  agent_id?: string;

  /** Held by this agent now. */
  @IsOptional()
  @IsUUID()
  claimed_by?: string;

  /** On this board. */
  @IsOptional()
  @IsUUID()
  board_id?: string;

  /** Parts of this task. */
  @IsOptional()
  @IsUUID()
  parent_task_id?: string;

  /**
   * Only those whose deadline has passed, or has not.
   * @example true
   */
  @IsOptional()
  @IsIn(['true', 'false'])
  deadline_exceeded?: 'true' | 'false';

  /**
   * Part of the title, in any letter case. A page looks through the newest 10,000 tasks that fit the other filters: when there are older ones,
   * `next_cursor` goes on with them, also from a page on which nothing was found.
   * @example report
   */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  search?: string;
}

/** Which tasks to follow. */
export class StreamTasksQuery {
  /** Only tasks of this board. */
  @IsOptional()
  @IsUUID()
  board_id?: string;

  /** Only this task. */
  @IsOptional()
  @IsUUID()
  task_id?: string;
}

/** Which tasks of a board an agent wants to see. */
export class ListBoardTasksQuery extends PageQuery {
  /**
   * A status, or one of the names that GET /tasks takes.
   * @example inbox
   */
  @IsOptional()
  @IsIn(TASK_STATUS_FILTERS)
  status?: string;
}
