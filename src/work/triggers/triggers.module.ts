import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { BoardsModule } from '../../fleet/boards/boards.module.js';
import { UsersModule } from '../../identity/users/users.module.js';
import { erasable } from '../../platform/erasure/erasable.js';
import { UsageModule } from '../../safeguards/usage/usage.module.js';
import { TasksModule } from '../tasks/tasks.module.js';
import { WorkflowRunsModule } from '../workflows/runs/workflow-runs.module.js';
import { WorkflowsModule } from '../workflows/workflows.module.js';
import { FiringChains } from './firing-chains.js';
import { FiringRecorder } from './firing-recorder.service.js';
import { FiringRunner } from './firing-runner.js';
import { FiringSignal } from './firing-signal.js';
import { FiringsRepository } from './firings.repository.js';
import { KnownTriggers } from './known-triggers.js';
import { ThresholdHistory } from './threshold-history.service.js';
import { ThresholdWatch } from './threshold-watch.js';
import { Trigger } from './trigger.entity.js';
import { TriggerActions } from './trigger-actions.js';
import { TriggerBacktests } from './trigger-backtests.service.js';
import { TriggerEvents } from './trigger-events.listener.js';
import { TriggerFiring } from './trigger-firing.entity.js';
import { TriggerMatcher } from './trigger-matcher.js';
import { TriggerMetrics } from './trigger-metrics.repository.js';
import { TriggerReferences } from './trigger-references.js';
import { TriggersCleaner } from './triggers.cleaner.js';
import { TriggersController } from './triggers.controller.js';
import { TRIGGER_CONTENT } from './triggers.erasure.js';
import { TriggersRepository } from './triggers.repository.js';
import { TriggersService } from './triggers.service.js';

/** Triggers: what is done when something happens, at a time, from outside, or too much. */
@Module({
  imports: [TypeOrmModule.forFeature([Trigger, TriggerFiring]), AgentsModule, BoardsModule, TasksModule, UsageModule, UsersModule, WorkflowRunsModule, WorkflowsModule],
  controllers: [TriggersController],
  providers: [
    FiringChains, FiringRecorder, FiringRunner, FiringSignal, FiringsRepository, KnownTriggers, ThresholdHistory, ThresholdWatch, TriggerActions, TriggerBacktests, TriggerEvents, TriggerMatcher, TriggerMetrics, TriggerReferences,
    TriggersCleaner, TriggersRepository, TriggersService, erasable({ ofAgents: TRIGGER_CONTENT }),
  ],
})
export class TriggersModule {}
