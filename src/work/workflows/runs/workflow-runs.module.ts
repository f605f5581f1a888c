import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AgentsModule } from '../../../fleet/agents/agents.module.js';
import { ApprovalsModule } from '../../../safeguards/approvals/approvals.module.js';
import { erasable } from '../../../platform/erasure/erasable.js';
import { TasksModule } from '../../tasks/tasks.module.js';
import { Advancer } from '../engine/advancer.service.js';
import { ApprovalEffects } from '../engine/approval-effects.js';
import { AwaitedRepository } from '../engine/awaited.repository.js';
import { CallEffects } from '../engine/call-effects.js';
import { CallJob } from '../engine/call-job.js';
import { ChildEffects } from '../engine/child-effects.js';
import { Consequences } from '../engine/consequences.service.js';
import { FactsListener } from '../engine/facts.listener.js';
import { GivingUp } from '../engine/giving-up.service.js';
import { NotifyEffects } from '../engine/notify-effects.js';
import { RunMover } from '../engine/run-mover.js';
import { RunSignal } from '../engine/run-signal.js';
import { RunsRepository } from '../engine/runs.repository.js';
import { StepEvaluator } from '../engine/step-evaluator.js';
import { StepRowsRepository } from '../engine/step-rows.repository.js';
import { TaskEffects } from '../engine/task-effects.js';
import { WorkflowRuns } from '../workflow-runs.port.js';
import { WorkflowsModule } from '../workflows.module.js';
import { RunArchive } from './run-archive.service.js';
import { RunArchiveRepository } from './run-archive.repository.js';
import { RunByHandService } from './run-by-hand.service.js';
import { RunControl } from './run-control.service.js';
import { RunStarters } from './run-starters.reader.js';
import { RunStarts } from './run-starts.service.js';
import { RunStartsRepository } from './run-starts.repository.js';
import { RunStreamService } from './run-stream.service.js';
import { RunsOfWorkflowsController } from './runs-of-workflows.controller.js';
import { RunsReadRepository } from './runs-read.repository.js';
import { RunsService } from './runs.service.js';
import { RUN_CONTENT, UNFINISHED_RUNS } from './workflow-runs.erasure.js';
import { ScheduledRuns } from './scheduled-runs.js';
import { WorkflowRun } from './workflow-run.entity.js';
import { WorkflowRunsController } from './workflow-runs.controller.js';

const ENGINE = [Advancer, ApprovalEffects, AwaitedRepository, CallEffects, CallJob, ChildEffects, Consequences, FactsListener, GivingUp, NotifyEffects, RunMover, RunSignal, RunsRepository, StepEvaluator, StepRowsRepository, TaskEffects];
const RUNS = [RunArchive, RunArchiveRepository, RunByHandService, RunControl, RunStarters, RunStarts, RunStartsRepository, RunStreamService, ScheduledRuns, RunsReadRepository, RunsService];

/** Runs of workflows: the engine that moves them on, and what people see and do. */
@Module({
  imports: [TypeOrmModule.forFeature([WorkflowRun]), AgentsModule, ApprovalsModule, TasksModule, WorkflowsModule],
  controllers: [RunsOfWorkflowsController, WorkflowRunsController],
  providers: [...ENGINE, ...RUNS, erasable({ ofAgents: RUN_CONTENT, whenEnded: [UNFINISHED_RUNS] }), { provide: WorkflowRuns, useExisting: RunStarts }],
  exports: [RunStarters, WorkflowRuns],
})
export class WorkflowRunsModule {}
