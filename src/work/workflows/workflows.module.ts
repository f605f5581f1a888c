import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { BoardsModule } from '../../fleet/boards/boards.module.js';
import { LastRuns } from './last-runs.js';
import { Workflow } from './workflow.entity.js';
import { WorkflowReader } from './workflow-reader.service.js';
import { WorkflowVersion } from './workflow-version.entity.js';
import { WorkflowVersions } from './workflow-versions.reader.js';
import { WorkflowViews } from './workflow-views.service.js';
import { WorkflowsController } from './workflows.controller.js';
import { WorkflowsRepository } from './workflows.repository.js';
import { WorkflowsService } from './workflows.service.js';

/** Workflows: what they are, and every state that each has had. */
@Module({
  imports: [TypeOrmModule.forFeature([Workflow, WorkflowVersion]), AgentsModule, BoardsModule],
  controllers: [WorkflowsController],
  providers: [LastRuns, WorkflowReader, WorkflowsRepository, WorkflowsService, WorkflowVersions, WorkflowViews],
  exports: [WorkflowVersions],
})
export class WorkflowsModule {}
