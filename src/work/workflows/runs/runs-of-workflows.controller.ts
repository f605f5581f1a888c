import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../../core/page.js';
import { ApiController, Operation, pageOf } from '../../../platform/http/operation.decorator.js';
import { Uuid } from '../../../platform/http/uuid.pipe.js';
import { RunByHandService } from './run-by-hand.service.js';
import { ListRunsOfQuery, StartRunDto } from './runs.dto.js';
import { RunsService } from './runs.service.js';
import { StartedRunView, toRunView, WorkflowRunView } from './runs.view.js';

@ApiController('workflows', 'Work / Workflows')
export class RunsOfWorkflowsController {
  constructor(
    private readonly runs: RunsService,
    private readonly byHand: RunByHandService,
  ) {}

  /** Starts a run of a workflow. By its newest version, which the run keeps; with an Idempotency-Key the same request starts one run. */
  @Post(':id/run')
  @Operation({ id: 'runWorkflow', allow: 'workflow:run', returns: StartedRunView, status: 202, problems: ['not_found', 'workflow_disabled', 'workflow_input_invalid', 'plan_limit_reached'] })
  run(@Param('id', Uuid) id: string, @Body() { input }: StartRunDto): Promise<StartedRunView> {
    return this.byHand.start(id, input ?? {});
  }

  /** Lists the runs of a workflow, newest first; filters combine. */
  @Get(':id/runs')
  @Operation({ id: 'listRunsOfWorkflow', allow: 'workflow:read', returns: pageOf(WorkflowRunView), problems: ['not_found'] })
  async list(@Param('id', Uuid) id: string, @Query() query: ListRunsOfQuery): Promise<Page<WorkflowRunView>> {
    return mapPage(await this.runs.listOf(id, query), toRunView);
  }
}
