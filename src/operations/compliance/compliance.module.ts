import { Module } from '@nestjs/common';
import { ComplianceExportService } from './compliance-export.service.js';
import { ComplianceController } from './compliance.controller.js';

/** What is kept, taken out. */
@Module({ controllers: [ComplianceController], providers: [ComplianceExportService] })
export class ComplianceModule {}
