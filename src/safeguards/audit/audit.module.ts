import { Global, Module } from '@nestjs/common';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

/** The audit log. Everyone records through the port. */
@Global()
@Module({ providers: [AuditRepository, { provide: AuditPort, useClass: AuditService }], exports: [AuditPort] })
export class AuditModule {}
