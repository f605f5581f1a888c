import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, Matches, Max, MaxLength, Min, MinLength } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsLine } from '../../platform/http/is-line.js';
import { IsSlug } from '../../platform/http/is-slug.js';
import { IsUsd } from '../../platform/http/is-usd.js';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { AGENT_STATUSES, type AgentStatus, AUTONOMY_LEVELS, type AutonomyLevel } from './agent-status.js';

const ROLE_PATTERN = /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/;
const ROLE_MESSAGE = { message: '$property must consist of lower-case letters, digits, hyphens and underscores' };

/** What may be said about an agent when it is made and later. */
export class AgentFields {
  /**
   * What the agent is for.
   * @example "Reviews pull requests"
   */
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  description?: string | null;

  /**
   * Its part in the fleet: conductor, specialist, analyst, creative, technical, or a word of your own.
   * @example specialist
   */
  @IfGiven()
  @IsString()
  @MaxLength(60)
  @Matches(ROLE_PATTERN, ROLE_MESSAGE)
  role?: string;

  /**
   * Provider of its language model.
   * @example anthropic
   */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(60)
  llm_provider?: string | null;

  /**
   * Its language model; `provider/model` in one string is split.
   * @example claude-sonnet-4-6
   */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  llm_model?: string | null;

  /**
   * Its system prompt.
   * @example "You review code for mistakes."
   */
  @IsOptional()
  @IsString()
  @MaxLength(100_000)
  system_prompt?: string | null;

  /**
   * The tools it has: it is given only tasks whose required_tools are among them.
   * @example ["git", "shell"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(200)
  @ArrayUnique()
  @IsString({ each: true })
  @MinLength(1, { each: true })
  @MaxLength(100, { each: true })
  enabled_tools?: string[];

  /**
   * Sampling temperature.
   * @example 0.2
   */
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(2)
  temperature?: number | null;

  /**
   * Most tokens in an answer of its model.
   * @example 4096
   */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  max_tokens?: number | null;

  /**
   * The worker node that it runs on.
   * @example worker-1
   */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(100)
  worker_id?: string | null;

  /**
   * Anything else worth keeping, at most 16 KiB of JSON.
   * @example { "team": "platform" }
   */
  @IfGiven()
  @IsObject()
  @MaxJsonBytes(16_384)
  metadata?: Record<string, unknown>;

  /**
   * Whether it works at all. False takes its tasks away and refuses its token at once, as stop does.
   * @example true
   */
  @IfGiven()
  @IsBoolean()
  is_active?: boolean;

  /**
   * How much it may do without being asked: manual, supervised or autonomous.
   * @example supervised
   */
  @IfGiven()
  @IsIn(AUTONOMY_LEVELS)
  autonomy_level?: AutonomyLevel;

  /**
   * Most tasks that it holds at a time.
   * @example 10
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(10_000)
  max_concurrent_tasks?: number;

  /**
   * Most that it may spend in a day, in USD with up to 6 decimals.
   * @example 25.5
   */
  @IsOptional()
  @IsUsd()
  @Min(0)
  @Max(1_000_000_000)
  daily_budget_usd?: number | null;
}

/** A new agent. */
export class CreateAgentDto extends AgentFields {
  /**
   * Name shown to people.
   * @example "Code reviewer"
   */
  @IsLine(200)
  name!: string;

  /**
   * Short unique name; made from the name when left out.
   * @example code-reviewer
   */
  @IfGiven()
  @IsSlug()
  slug?: string;
}

/** What changes about an agent; fields that are left out stay as they are, null clears. */
export class UpdateAgentDto extends AgentFields {
  /**
   * Name shown to people.
   * @example "Code reviewer"
   */
  @IfGiven()
  @IsLine(200)
  name?: string;

  /**
   * Short unique name.
   * @example code-reviewer
   */
  @IfGiven()
  @IsSlug()
  slug?: string;
}

/** Which agents to list. */
export class ListAgentsQuery extends PageQuery {
  /**
   * Only agents with this status.
   * @example idle
   */
  @IsOptional()
  @IsIn(AGENT_STATUSES)
  status?: AgentStatus;

  /**
   * The same as status, as one of the documents names it.
   * @example idle
   */
  @IsOptional()
  @IsIn(AGENT_STATUSES)
  status_filter?: AgentStatus;

  /**
   * Only agents with this role.
   * @example specialist
   */
  @IsOptional()
  @IsString()
  @MaxLength(60)
  role?: string;

  /**
   * Only active agents, or only inactive ones.
   * @example true
   */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  is_active?: boolean;

  /**
   * Only agents whose name or slug contains this.
   * @example review
   */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  search?: string;
}

/** Why an agent is paused, resumed or killed. */
export class ControlAgentDto {
  /**
   * For the agent, the audit log and whoever looks next.
   * @example "Maintenance window"
   */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}

/** How a token is replaced. */
export class RotateAgentTokenDto {
  /**
   * How long the present token works beside the new one, in seconds. With an overlap the agent is told by a
   * rotate_token command; without one the present token ends at once.
   * @example 300
   */
  @IfGiven()
  @IsInt()
  @Min(0)
  @Max(86_400)
  overlap_seconds?: number;
}
