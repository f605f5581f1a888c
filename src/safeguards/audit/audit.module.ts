import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { AuditRow } from './audit-row.entity.js';
import { AuditController } from './audit.controller.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

/** The audit log. Everyone records through the port. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([AuditRow])],
  controllers: [AuditController],
  providers: [AuditRepository, AuditService, { provide: AuditPort, useExisting: AuditService }],
  exports: [AuditPort],
})
export class AuditModule {}
