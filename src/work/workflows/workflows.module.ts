import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LastRuns } from './last-runs.js';
import { Workflow } from './workflow.entity.js';
import { WorkflowVersion } from './workflow-version.entity.js';
import { WorkflowVersions } from './workflow-versions.reader.js';
import { WorkflowsRepository } from './workflows.repository.js';

/** Workflows: what they are, and every state that each has had. */
@Module({
  imports: [TypeOrmModule.forFeature([Workflow, WorkflowVersion])],
  providers: [LastRuns, WorkflowsRepository, WorkflowVersions],
  exports: [WorkflowVersions],
})
export class WorkflowsModule {}
