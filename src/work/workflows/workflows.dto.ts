import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, IsUUID, Length, Matches, Max, MaxLength, Min, ValidateIf, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { MISSED_TICKS, WORKFLOW_STATUSES, WORKFLOW_TRIGGERS, type WorkflowStatus, type WorkflowTrigger } from './workflow.entity.js';

const LARGEST_GRAPH = 1_048_576;
const LARGEST_SCHEMA = 65_536;
const MOST_STEPS = 10_000;
const MOST_EDGES = 50_000;
const LONGEST_SECONDS = 366 * 86_400;
const LARGEST_CONFIG = 65_536;

/** When a workflow starts by itself. */
export class WorkflowScheduleDto {
  /**
   * Five fields: minute, hour, day of the month, month, day of the week; or a name as @daily.
   * @example "0 9 * * 1-5"
   */
  @IsString()
  @Length(1, 120)
  expression!: string;

  /**
   * A time zone of the IANA database.
   * @example "Europe/Berlin"
   */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  timezone?: string;

  /**
   * What becomes of ticks that passed while nothing ran: none of them, one for all, or each.
   * @example skip
   */
  @IsOptional()
  @IsIn(MISSED_TICKS)
  missed?: (typeof MISSED_TICKS)[number];
}

/** What a workflow does, in one of three forms: steps; nodes and edges; or a prompt for an agent. */
export class WrittenWorkflowDto {
  /**
   * Steps, each naming by key what it depends on. docs/workflows.md describes them.
   * @example [{"key": "lint", "type": "task", "config": {"required_tools": ["eslint"]}}, {"key": "ask", "type": "approval", "depends_on": ["lint"], "config": {"title": "Release?"}}]
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MOST_STEPS)
  @MaxJsonBytes(LARGEST_GRAPH)
  steps?: unknown[];

  /**
   * Steps as an editor has them: id, type, position, and data with what else a step says.
   * @example [{"id": "lint", "type": "task", "data": {"label": "Lint", "config": {"required_tools": ["eslint"]}}}]
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MOST_STEPS)
  @MaxJsonBytes(LARGEST_GRAPH)
  nodes?: unknown[];

  /**
   * Edges between nodes; the label of one that leaves a condition is its branch.
   * @example []
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MOST_EDGES)
  @MaxJsonBytes(LARGEST_GRAPH)
  edges?: unknown[];

  /**
   * What an agent is asked to do: a workflow of one task.
   * @example "Write a digest of yesterday's incidents."
   */
  @IsOptional()
  @IsString()
  @Length(1, 100_000)
  prompt?: string;

  /** The agent that the prompt is for; left out, any. */
  @IsOptional()
  @IsUUID()
  agent_id?: string;

  /**
   * The same by its slug.
   * @example reporter
   */
  @IsOptional()
  @IsString()
  @Length(1, 60)
  agent?: string;

  /**
   * What a run results in; left out, the output of its last step, or of its last steps by their keys.
   * @example {"version": "{% $input.version %}"}
   */
  @IsOptional()
  @MaxJsonBytes(LARGEST_SCHEMA)
  output?: unknown;

  /**
   * A run that takes longer fails.
   * @example 86400
   */
  @IsOptional()
  @IsNumber()
  @Min(0.1)
  @Max(LONGEST_SECONDS)
  timeout_seconds?: number;

  /**
   * What the input of a run must be: JSON Schema 2020-12.
   * @example {"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}}
   */
  @IsOptional()
  @IsObject()
  @MaxJsonBytes(LARGEST_SCHEMA)
  input_schema?: Record<string, unknown>;

  /**
   * Of a template: what its parameters must be.
   * @example {"type": "object", "properties": {"team": {"type": "string"}}}
   */
  @IsOptional()
  @IsObject()
  @MaxJsonBytes(LARGEST_SCHEMA)
  parameters_schema?: Record<string, unknown>;

  /**
   * What $parameters says in its expressions.
   * @example {"team": "platform"}
   */
  @IsOptional()
  @IsObject()
  @MaxJsonBytes(LARGEST_CONFIG)
  parameters?: Record<string, unknown>;
}

/** Fields of a workflow beside what it does. */
export class WorkflowFieldsDto extends WrittenWorkflowDto {
  /**
   * What it is for.
   * @example "Checks and releases a version."
   */
  @IsOptional()
  @IsString()
  @MaxLength(10_000)
  description?: string;

  /**
   * draft: started by hand alone; active: by its schedule and by triggers too; disabled: not at all.
   * @example active
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsIn(WORKFLOW_STATUSES)
  status?: WorkflowStatus;

  /**
   * Another way to say active and disabled.
   * @example true
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsBoolean()
  is_enabled?: boolean;

  /**
   * A template is not run: workflows are made of it, each with parameters of its own.
   * @example false
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsBoolean()
  is_template?: boolean;

  /**
   * How it starts, beside by hand and by triggers.
   * @example cron
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsIn(WORKFLOW_TRIGGERS)
  trigger_type?: WorkflowTrigger;

  /** Of trigger_type cron: when. */
  @IsOptional()
  @ValidateNested()
  @Type(() => WorkflowScheduleDto)
  trigger_config?: WorkflowScheduleDto;

  /**
   * Another way to say trigger_config.expression; null ends the schedule.
   * @example "0 9 * * *"
   */
  @IsOptional()
  @IsString()
  @Length(1, 120)
  schedule?: string | null;

  /**
   * Another way to say trigger_config.timezone.
   * @example "Europe/Berlin"
   */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  timezone?: string;

  /**
   * Data of whoever made it; nothing here reads it.
   * @example {"owner": "platform team"}
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsObject()
  @MaxJsonBytes(LARGEST_CONFIG)
  config?: Record<string, unknown>;
}

/** Creates a workflow. */
export class CreateWorkflowDto extends WorkflowFieldsDto {
  /**
   * What people call it.
   * @example Release
   */
  @IsString()
  @Length(1, 200)
  @Matches(/\S/)
  name!: string;
}

/** Changes a workflow. What is left out stays; a change of what it does makes a new version. */
export class UpdateWorkflowDto extends WorkflowFieldsDto {
  /**
   * What people call it.
   * @example Release
   */
  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @Length(1, 200)
  @Matches(/\S/)
  name?: string;
}

/** Adds a step. */
export class AddStepDto {
  /**
   * What people call it; its key is made of it.
   * @example "Run the tests"
   */
  @IsString()
  @Length(1, 200)
  @Matches(/\S/)
  name!: string;

  /**
   * Its key; made from its name where it is left out.
   * @example tests
   */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  key?: string;

  /**
   * What it does: task, approval, condition, parallel, map, wait, notify, http, transform or workflow.
   * @example task
   */
  @IsString()
  @MaxLength(20)
  step_type!: string;

  /**
   * Where it stands among the steps, from 0; left out, last.
   * @example 1
   */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MOST_STEPS)
  order?: number;

  /**
   * As its type asks.
   * @example {"required_tools": ["jest"]}
   */
  @IsOptional()
  @IsObject()
  @MaxJsonBytes(LARGEST_GRAPH)
  config?: Record<string, unknown>;

  /** Of a task: its agent. */
  @IsOptional()
  @IsUUID()
  agent_id?: string;

  /**
   * Keys of the steps that it waits for; left out, the step that stands before it.
   * @example ["lint"]
   */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MOST_STEPS)
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  depends_on?: string[];
}

/** Makes a workflow of a template. */
export class InstantiateWorkflowDto {
  /**
   * What people call the new one.
   * @example "Release of the console"
   */
  @IsString()
  @Length(1, 200)
  @Matches(/\S/)
  name!: string;

  /**
   * What the template's parameters_schema describes.
   * @example {"team": "platform"}
   */
  @IsOptional()
  @IsObject()
  @MaxJsonBytes(LARGEST_CONFIG)
  parameters?: Record<string, unknown>;
}

/** Which workflows to list. */
export class ListWorkflowsQuery extends PageQuery {
  /**
   * Only workflows that stand so.
   * @example active
   */
  @IsOptional()
  @IsIn([...WORKFLOW_STATUSES, 'all'])
  status?: WorkflowStatus | 'all';

  /**
   * Only templates, or none.
   * @example "false"
   */
  @IsOptional()
  @IsIn(['true', 'false'])
  is_template?: 'true' | 'false';

  /**
   * Part of the name, in any letter case.
   * @example release
   */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  search?: string;
}

/** How to draw something. */
export class DiagramQuery {
  /**
   * svg is a picture, mermaid is text.
   * @example svg
   */
  @IsOptional()
  @IsIn(['mermaid', 'svg'])
  format?: 'mermaid' | 'svg';
}
