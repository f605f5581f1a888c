import { Transform, Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsLine } from '../../platform/http/is-line.js';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { FIRING_STATUSES, type FiringStatus } from './trigger-firing.entity.js';
import { ACTION_TYPES, type ActionType, TRIGGER_TYPES, type TriggerType } from './trigger-config.js';

const LARGEST_CONFIG = 16_384;
const LARGEST_ACTION = 131_072;

/** What a trigger does when it fires. */
export class TriggerActionDto {
  /**
   * create_task, send_notification, execute_workflow or call_webhook.
   * @example send_notification
   */
  @IsIn(ACTION_TYPES)
  type!: ActionType;

  /**
   * By type, as docs/triggers.md lists it. Its texts may hold expressions: {% $event.data.task_id %}.
   * @example { "title": "A task failed: {% $event.data.error %}", "to": { "roles": ["admin"] } }
   */
  @IsObject()
  @MaxJsonBytes(LARGEST_ACTION)
  @Transform(({ obj }) => (obj as TriggerActionDto).config)
  config!: Record<string, unknown>;
}

/** What may be said of a trigger. */
class TriggerFields {
  /** @example "Of those that are not tried again." */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  description?: string | null;

  /**
   * A trigger that is off does nothing.
   * @example true
   */
  @IfGiven()
  @IsBoolean()
  enabled?: boolean;

  /**
   * Firings in an hour at most; what is beyond is passed over, and said so.
   * @example 100
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(10_000)
  max_per_hour?: number;

  /**
   * After a firing, so long nothing fires.
   * @example 0
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(604_800)
  cooldown_seconds?: number;

  /**
   * All events within so long of the first are one firing, with their number as $count.
   * @example 0
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(86_400)
  coalesce_seconds?: number;
}

/** A new trigger. */
export class CreateTriggerDto extends TriggerFields {
  /** @example "Tell us of failed tasks" */
  @IsLine(200)
  name!: string;

  /**
   * event, cron, webhook or threshold.
   * @example event
   */
  @IsIn(TRIGGER_TYPES)
  type!: TriggerType;

  /**
   * When it fires, by type, as docs/triggers.md lists it.
   * @example { "event": "task.failed", "filter": "$event.data.fence > 1" }
   */
  @IsObject()
  @MaxJsonBytes(LARGEST_CONFIG)
  @Transform(({ obj }) => (obj as CreateTriggerDto).config)
  config!: Record<string, unknown>;

  /** What it does. */
  @ValidateNested()
  @Type(() => TriggerActionDto)
  @IsObject()
  action!: TriggerActionDto;
}

/** A change of a trigger: what is left out stays. Another type needs its config. */
export class UpdateTriggerDto extends TriggerFields {
  /** @example "Tell us of failed tasks" */
  @IfGiven()
  @IsLine(200)
  name?: string;

  /** @example event */
  @IfGiven()
  @IsIn(TRIGGER_TYPES)
  type?: TriggerType;

  /** @example { "event": "task.failed" } */
  @IfGiven()
  @IsObject()
  @MaxJsonBytes(LARGEST_CONFIG)
  @Transform(({ obj }) => (obj as UpdateTriggerDto).config)
  config?: Record<string, unknown>;

  /** What it does from now on. */
  @IfGiven()
  @ValidateNested()
  @Type(() => TriggerActionDto)
  @IsObject()
  action?: TriggerActionDto;
}

/** On or off. */
export class ToggleTriggerDto {
  /**
   * Left out, it is turned to what it is not.
   * @example false
   */
  @IfGiven()
  @IsBoolean()
  enabled?: boolean;
}

/** How far back a backtest looks. */
export class BacktestTriggerDto {
  /**
   * Days; of more than 20,000 events, the newest.
   * @example 7
   */
  @IsInt()
  @Min(1)
  @Max(90)
  days!: number;
}

/** Which triggers to list. */
export class ListTriggersQuery extends PageQuery {
  /**
   * Only triggers of this type.
   * @example event
   */
  @IsOptional()
  @IsIn(TRIGGER_TYPES)
  type?: TriggerType;

  /**
   * Only those that are on, or off.
   * @example true
   */
  @IsOptional()
  @Transform(({ value }): unknown => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  enabled?: boolean;
}

/** Which firings to list. */
export class TriggerHistoryQuery extends PageQuery {
  /**
   * Only firings in this state.
   * @example fired
   */
  @IsOptional()
  @IsIn(FIRING_STATUSES)
  status?: FiringStatus;
}
