import { Body, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { mapPage, type Page } from '../../../core/page.js';
import { ApiController, EVENT_STREAM, Operation, pageOf } from '../../../platform/http/operation.decorator.js';
import { Uuid } from '../../../platform/http/uuid.pipe.js';
import { DiagramQuery } from '../workflows.dto.js';
import { RunControl } from './run-control.service.js';
import { RunStreamService } from './run-stream.service.js';
import { CancelRunDto, ListRunsQuery, ListStepsQuery, StepQuery } from './runs.dto.js';
import { RunsService } from './runs.service.js';
import { RunStepView, toRunView, WorkflowRunDetailView, WorkflowRunView } from './runs.view.js';

@ApiController('workflow-runs', 'Work / Workflow runs')
export class WorkflowRunsController {
  constructor(
    private readonly runs: RunsService,
    private readonly control: RunControl,
    private readonly stream: RunStreamService,
  ) {}

  /** Lists runs of all workflows, newest first; filters combine. */
  @Get()
  @Operation({ id: 'listWorkflowRuns', allow: 'workflow:read', returns: pageOf(WorkflowRunView) })
  async list(@Query() query: ListRunsQuery): Promise<Page<WorkflowRunView>> {
    return mapPage(await this.runs.list(query), toRunView);
  }

  /** Reads a run. With what it waits for now and why, its first steps, and every try of them. */
  @Get(':id')
  @Operation({ id: 'getWorkflowRun', allow: 'workflow:read', returns: WorkflowRunDetailView, problems: ['not_found', 'erased'] })
  get(@Param('id', Uuid) id: string): Promise<WorkflowRunDetailView> {
    return this.runs.get(id);
  }

  /** Lists the steps of a run by their paths. Each with its tries, its input and output, and why it stands where it does. */
  @Get(':id/steps')
  @Operation({ id: 'listWorkflowRunSteps', allow: 'workflow:read', returns: pageOf(RunStepView), problems: ['not_found', 'erased'] })
  steps(@Param('id', Uuid) id: string, @Query() query: ListStepsQuery): Promise<Page<RunStepView>> {
    return this.runs.steps(id, query);
  }

  /** Reads one step of a run. With all that it holds: lists only tell of values of more than 65,536 characters. */
  @Get(':id/step')
  @Operation({ id: 'getWorkflowRunStep', allow: 'workflow:read', returns: RunStepView, problems: ['not_found', 'erased'] })
  step(@Param('id', Uuid) id: string, @Query() { path }: StepQuery): Promise<RunStepView> {
    return this.runs.step(id, path);
  }

  /** Draws a run: the graph that it follows, each step in the colour of its state. As SVG, or as Mermaid. */
  @Get(':id/diagram')
  @Operation({ id: 'getWorkflowRunDiagram', allow: 'workflow:read', returns: { text: 'image/svg+xml' }, problems: ['not_found', 'erased'] })
  async diagram(@Param('id', Uuid) id: string, @Query() { format = 'svg' }: DiagramQuery, @Res() response: Response): Promise<void> {
    response.type(format === 'svg' ? 'image/svg+xml' : 'text/plain').send(await this.runs.diagram(id, format));
  }

  /** Follows a run. A stream of server-sent events workflow.run and workflow.step, the first of which says where the run stands; Last-Event-ID resumes it. */
  @Get(':id/stream')
  @Operation({ id: 'streamWorkflowRun', allow: 'workflow:read', returns: EVENT_STREAM, problems: ['not_found'] })
  async follow(@Param('id', Uuid) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await this.stream.open(id, request, response);
  }

  /** Ends a run before its end. Leases of its tasks end at once, its approvals and child runs are withdrawn, and what says how is undone, the last first. One that the plane could not move on is given up a moment after the answer. */
  @Post(':id/cancel')
  @Operation({ id: 'cancelWorkflowRun', allow: 'workflow:run', returns: WorkflowRunView, problems: ['not_found', 'run_final', 'precondition_failed'] })
  async cancel(@Param('id', Uuid) id: string, @Body() { reason }: CancelRunDto): Promise<WorkflowRunView> {
    await this.control.cancel(id, reason);
    return toRunView(await this.runs.find(id));
  }

  /** Pauses a run. Steps that have begun may end; no other starts until it is resumed. */
  @Post(':id/pause')
  @Operation({ id: 'pauseWorkflowRun', allow: 'workflow:run', returns: WorkflowRunView, problems: ['not_found', 'run_final', 'invalid_transition', 'precondition_failed'] })
  async pause(@Param('id', Uuid) id: string): Promise<WorkflowRunView> {
    await this.control.pause(id);
    return toRunView(await this.runs.find(id));
  }

  /** Resumes a paused run. */
  @Post(':id/resume')
  @Operation({ id: 'resumeWorkflowRun', allow: 'workflow:run', returns: WorkflowRunView, problems: ['not_found', 'run_final', 'invalid_transition', 'precondition_failed'] })
  async resume(@Param('id', Uuid) id: string): Promise<WorkflowRunView> {
    await this.control.resume(id);
    return toRunView(await this.runs.find(id));
  }

  /** Goes on with a run that failed or was cancelled. Steps that were completed and not undone stay; all others are tried again. */
  @Post(':id/retry')
  @Operation({ id: 'retryWorkflowRun', allow: 'workflow:run', returns: WorkflowRunView, problems: ['not_found', 'erased', 'invalid_transition', 'workflow_disabled', 'plan_limit_reached', 'precondition_failed'] })
  async retry(@Param('id', Uuid) id: string): Promise<WorkflowRunView> {
    await this.control.retry(id);
    return toRunView(await this.runs.find(id));
  }
}
