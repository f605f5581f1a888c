import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, IsUUID, Length, Matches, Max, MaxLength, Min, ValidateIf, ValidateNested } from 'class-validator';
import { AUTONOMY_LEVELS, type AutonomyLevel } from '../../fleet/agents/agents.reader.js';
import { IsTimeZone } from './is-time-zone.js';
import { APPROVAL_RISKS, type ApprovalRisk, ON_EXPIRE, type OnExpire } from './approval.entity.js';
import { ApproversDto, EscalationDto } from './approvals.dto.js';
import { END_OF_WINDOW, TIME_OF_DAY } from './time-window.js';

const PATTERN = /^[\w.:/-]*\*?$/;
const MOST_NAMES = 50;
const MOST_USD = 1_000_000_000;
const DAY_SECONDS = 86_400;

/** Which requests a rule is about. All that is given must fit. */
export class ApprovalRuleMatchDto {
  /**
   * Kinds of actions; `*` at the end stands for anything. `secret.reveal` and `task.complete` are kinds too.
   * @example ["ssh.*"]
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_NAMES)
  @IsString({ each: true })
  @Length(1, 100, { each: true })
  @Matches(PATTERN, { each: true, message: 'kinds may have letters, digits and . : / - _, and * at the end' })
  kinds?: string[];

  /**
   * Tools; `*` at the end stands for anything.
   * @example ["shell"]
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_NAMES)
  @IsString({ each: true })
  @Length(1, 100, { each: true })
  @Matches(PATTERN, { each: true, message: 'tools may have letters, digits and . : / - _, and * at the end' })
  tools?: string[];

  /**
   * Agents.
   * @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01"]
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_NAMES)
  @IsUUID(undefined, { each: true })
  agent_ids?: string[];

  /**
   * Boards that the task is on.
   * @example ["0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b0a"]
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_NAMES)
  @IsUUID(undefined, { each: true })
  board_ids?: string[];

  /**
   * How much the agent may do without being asked.
   * @example ["manual", "supervised"]
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(AUTONOMY_LEVELS.length)
  @ArrayUnique()
  @IsIn(AUTONOMY_LEVELS, { each: true })
  autonomy_levels?: AutonomyLevel[];

  /**
   * Risks of at least this. One that is not said counts as the highest for a rule that requires approval, and as none for one that allows.
   * @example high
   */
  @IsOptional()
  @IsIn(APPROVAL_RISKS)
  min_risk?: ApprovalRisk;

  /**
   * Costs of at least this; not said as with risk.
   * @example 10
   */
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MOST_USD)
  min_cost_usd?: number;

  /**
   * Confidences of at most this; not said as with risk.
   * @example 0.7
   */
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(1)
  max_confidence?: number;
}

/** What a rule asks of those who decide. What the request itself asks for more strictly stays. */
export class ApprovalDemandDto {
  /** Who may decide; left out, whom the request names. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ApproversDto)
  approvers?: ApproversDto;

  /**
   * How many different people must approve.
   * @example 2
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(20)
  min_approvals?: number;

  /**
   * Seconds until it runs out.
   * @example 3600
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(90 * DAY_SECONDS)
  expires_seconds?: number;

  /**
   * What happens then. `approve` lets it be done without anybody's word.
   * @example reject
   */
  @IsOptional()
  @IsIn(ON_EXPIRE)
  on_expire?: OnExpire;

  /**
   * Seconds for which what is approved may be done.
   * @example 600
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(30 * DAY_SECONDS)
  grant_seconds?: number;
}

/** Hours in which a rule lets through by itself. */
export class AutoApprovalDto {
  /**
   * Days on which the window begins, Monday is 1; left out, every day.
   * @example [1, 2, 3, 4, 5]
   */
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(7)
  @ArrayUnique()
  @IsInt({ each: true })
  @Min(1, { each: true })
  @Max(7, { each: true })
  days?: number[];

  /**
   * From when, by the clock of the time zone.
   * @example 09:00
   */
  @IsString()
  @MaxLength(5)
  @Matches(TIME_OF_DAY, { message: 'from must be HH:MM' })
  from!: string;

  /**
   * Until before when; earlier than from is on the next day.
   * @example 17:00
   */
  @IsString()
  @MaxLength(5)
  @Matches(END_OF_WINDOW, { message: 'to must be HH:MM, or 24:00' })
  to!: string;

  /**
   * Where those hours are.
   * @example Europe/Berlin
   */
  @IsString()
  @MaxLength(100)
  @IsTimeZone()
  time_zone!: string;

  /**
   * Risks of at most this; one that is not said is not let through.
   * @example low
   */
  @IsOptional()
  @IsIn(APPROVAL_RISKS)
  max_risk?: ApprovalRisk;

  /**
   * Costs of at most this; one that is not said is not let through.
   * @example 5
   */
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(MOST_USD)
  max_cost_usd?: number;
}

/** What a rule may say besides its name. */
class ApprovalRuleFields {
  /**
   * What it is for.
   * @example "Nobody restarts production alone."
   */
  @IsOptional()
  @IsString()
  @MaxLength(2_000)
  description?: string | null;

  /**
   * Whether it decides anything.
   * @example true
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsBoolean()
  enabled?: boolean;

  /**
   * The lower, the earlier it is looked at: the first rule that fits decides.
   * @example 100
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  priority?: number;

  /**
   * Whether what fits needs approval, or none.
   * @example require
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsIn(['require', 'allow'])
  effect?: 'require' | 'allow';

  /** Which requests it is about. */
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => ApprovalRuleMatchDto)
  match?: ApprovalRuleMatchDto;

  /** What it asks of those who decide. */
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @ValidateNested()
  @Type(() => ApprovalDemandDto)
  demand?: ApprovalDemandDto;

  /** When it lets through by itself. Never where a workflow or a board asks for the approval itself. */
  @ValidateIf((_, value) => value !== undefined)
  @IsArray()
  @ArrayMaxSize(20)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => AutoApprovalDto)
  auto_approve?: AutoApprovalDto[];

  /** To whom it goes when nobody has decided; null is nobody. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => EscalationDto)
  escalation?: EscalationDto | null;
}

/** What is changed of a rule; what is left out stays. */
export class UpdateApprovalRuleDto extends ApprovalRuleFields {
  /**
   * Name, unique in the tenant.
   * @example "Production commands"
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @Length(1, 200)
  name?: string;
}

/** A new rule. */
export class CreateApprovalRuleDto extends ApprovalRuleFields {
  /**
   * Name, unique in the tenant.
   * @example "Production commands"
   */
  @IsString()
  @Length(1, 200)
  name!: string;
}

/** A rule that is tried on what was asked for before. */
export class DryRunApprovalRuleDto {
  /** The rule as it would be. */
  @IsObject()
  @ValidateNested()
  @Type(() => CreateApprovalRuleDto)
  rule!: CreateApprovalRuleDto;

  /**
   * The rule that it takes the place of; left out, it is a new one.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b08
   */
  @IsOptional()
  @IsUUID()
  rule_id?: string;

  /**
   * How many days back.
   * @example 30
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(90)
  days: number = 30;
}
