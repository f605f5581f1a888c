import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AgentsModule } from '../../fleet/agents/agents.module.js';
import { ComplianceExportService } from './compliance-export.service.js';
import { ComplianceController } from './compliance.controller.js';
import { Erasing } from './erasing.service.js';
import { Purge } from './purge.entity.js';
import { PurgeRunner } from './purge-runner.js';
import { PurgesController } from './purges.controller.js';
import { PurgesRepository } from './purges.repository.js';
import { PurgesService } from './purges.service.js';

/** What is kept, taken out, or erased. */
@Module({
  imports: [TypeOrmModule.forFeature([Purge]), AgentsModule],
  controllers: [ComplianceController, PurgesController],
  providers: [ComplianceExportService, PurgesRepository, PurgesService, Erasing, PurgeRunner],
})
export class ComplianceModule {}
