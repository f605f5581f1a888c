import 'reflect-metadata';
import { type DynamicModule, Module } from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Handover } from '../core/audit/key-handover.js';
import { CacheModule } from '../platform/cache/cache.module.js';
import type { Config } from '../platform/config/config.js';
import { ConfigModule } from '../platform/config/config.module.js';
import { ContextModule } from '../platform/context/context.module.js';
import { KEYRING } from '../platform/crypto/crypto.module.js';
import { DatabaseModule } from '../platform/database/database.module.js';
import { AddressResolver } from '../platform/egress/address-resolver.js';
import { WITHOUT_BREAKERS } from '../platform/egress/egress-passages.js';
import { EgressPolicy } from '../platform/egress/egress-policy.js';
import { Egress } from '../platform/egress/egress.js';
import { AuditContents } from '../safeguards/audit/audit-contents.js';
import { AuditKeyRotation } from '../safeguards/audit/audit-key-rotation.js';
import { AuditKeys } from '../safeguards/audit/audit-keys.js';
import { AuditKeysRepository } from '../safeguards/audit/audit-keys.repository.js';
import { AuditRow } from '../safeguards/audit/audit-row.entity.js';
import { AuditRepository } from '../safeguards/audit/audit.repository.js';
import { AuditService } from '../safeguards/audit/audit.service.js';
import { PurgeRecords } from '../safeguards/audit/purge-records.js';

const egressOf = (config: Config): Egress => new Egress(new EgressPolicy(config, new AddressResolver(), new HttpAdapterHost()), { count: () => undefined }, WITHOUT_BREAKERS);

/** As much of a plane as it takes to write one row of the audit log: nothing that answers, seals or runs jobs. */
@Module({})
class RotationModule {
  static for(config: Config): DynamicModule {
    return {
      module: RotationModule,
      imports: [ConfigModule.for(config), ContextModule, DatabaseModule, CacheModule, TypeOrmModule.forFeature([AuditRow])],
      providers: [
        { provide: Egress, useFactory: () => egressOf(config) }, ...KEYRING,
        AuditKeys, AuditKeysRepository, AuditContents, PurgeRecords, AuditRepository, AuditService, AuditKeyRotation,
      ],
    };
  }
}

/** @throws Error as `AuditKeyRotation.rotate` does, or for a database or a master key that this process cannot use */
export async function rotateAuditKey(config: Config): Promise<Handover> {
  const app = await NestFactory.createApplicationContext(RotationModule.for(config), { logger: false, abortOnError: false });
  try {
    return await app.get(AuditKeyRotation).rotate();
  } finally {
    await app.close();
  }
}
