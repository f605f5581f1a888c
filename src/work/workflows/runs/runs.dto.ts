import { IsIn, IsObject, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { RUN_STATUSES, type RunStatus, STEP_STATUSES, type StepStatus } from '../../../core/workflows/rows.js';
import { IsInstant } from '../../../platform/http/is-instant.js';
import { MaxJsonBytes } from '../../../platform/http/max-json-bytes.js';
import { PageQuery } from '../../../platform/http/page.dto.js';

const LARGEST_INPUT = 262_144;
const STARTERS = ['user', 'api_key', 'agent', 'bootstrap', 'schedule', 'trigger', 'webhook', 'run'] as const;

/** Starts a run. */
export class StartRunDto {
  /**
   * What the run works on, as the workflow's input_schema describes it.
   * @example {"version": "1.4.0"}
   */
  @IsOptional()
  @IsObject()
  @MaxJsonBytes(LARGEST_INPUT)
  input?: Record<string, unknown>;
}

/** Ends a run before its end. */
export class CancelRunDto {
  /**
   * Why; it stands with the run and with what is given up.
   * @example "The release was called off."
   */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}

/** Which runs of a workflow to list. */
export class ListRunsOfQuery extends PageQuery {
  /**
   * Only runs that stand so.
   * @example failed
   */
  @IsOptional()
  @IsIn(RUN_STATUSES)
  status?: RunStatus;

  /**
   * What started them.
   * @example user
   */
  @IsOptional()
  @IsIn(STARTERS)
  started_by?: (typeof STARTERS)[number];

  /** Runs that this run started. */
  @IsOptional()
  @IsUUID()
  parent_run_id?: string;

  /**
   * Made then or later.
   * @example "2026-01-01T00:00:00.000Z"
   */
  @IsOptional()
  @IsInstant()
  since?: string;

  /**
   * Made before then.
   * @example "2026-02-01T00:00:00.000Z"
   */
  @IsOptional()
  @IsInstant()
  until?: string;
}

/** Which runs to list. */
export class ListRunsQuery extends ListRunsOfQuery {
  /** Runs of this workflow. */
  @IsOptional()
  @IsUUID()
  workflow_id?: string;
}

/** Which step of a run to read. */
export class StepQuery {
  /**
   * Its way from the run's own scope: nap, or each/3/lint for what a map does with its fourth item.
   * @example nap
   */
  @Matches(/^[\w~-]+(\/[\w-]+)*$/)
  @MaxLength(500)
  path!: string;
}

/** Which steps of a run to list. */
export class ListStepsQuery extends PageQuery {
  /**
   * Only steps that stand so.
   * @example waiting
   */
  @IsOptional()
  @IsIn(STEP_STATUSES)
  status?: StepStatus;

  /**
   * Only what stands in this step: a parallel step, one of its branches, a map, one of its items.
   * @example each/3
   */
  @IsOptional()
  @Matches(/^[\w-]+(\/[\w-]+)*$/)
  @MaxLength(500)
  under?: string;
}
