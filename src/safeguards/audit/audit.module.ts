import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { AuditContents } from './audit-contents.js';
import { AuditExportService } from './audit-export.service.js';
import { AuditHistoryRepository } from './audit-history.repository.js';
import { AuditHoldsController } from './audit-holds.controller.js';
import { AuditHoldsRepository } from './audit-holds.repository.js';
import { AuditHoldsService } from './audit-holds.service.js';
import { AuditKeys } from './audit-keys.js';
import { AuditKeysRepository } from './audit-keys.repository.js';
import { AuditLogRepository } from './audit-log.repository.js';
import { AuditMarks } from './audit-marks.js';
import { AuditProofsController } from './audit-proofs.controller.js';
import { AuditProofsService } from './audit-proofs.service.js';
import { AuditRow } from './audit-row.entity.js';
import { AuditSequencer } from './audit-sequencer.js';
import { AuditVerificationService } from './audit-verification.service.js';
import { AuditSigners } from './audit-signers.js';
import { AuditTrees } from './audit-trees.reader.js';
import { AuditController } from './audit.controller.js';
import { AuditReader } from './audit.reader.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import { CheckpointPlaces } from './checkpoint-places.js';
import { CheckpointPusher } from './checkpoint-pusher.js';
import { PurgeRecords } from './purge-records.js';
import { TreeAssessor } from './tree-assessor.js';

const SEALED = [
  AuditContents, AuditKeys, AuditKeysRepository, PurgeRecords, AuditLogRepository, AuditMarks, AuditSigners, AuditHoldsRepository, AuditHoldsService, TreeAssessor, AuditSequencer,
  AuditProofsService, AuditVerificationService, AuditExportService, CheckpointPlaces, CheckpointPusher,
];

/** The audit log, and what seals it. Everyone records through the port. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AuditRow])],
  controllers: [AuditController, AuditProofsController, AuditHoldsController],
  providers: [...SEALED, AuditRepository, AuditService, AuditHistoryRepository, AuditReader, AuditTrees, { provide: AuditPort, useExisting: AuditService }],
  exports: [AuditPort, AuditReader, AuditTrees],
})
export class AuditModule {}
