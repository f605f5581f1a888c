import { Module } from '@nestjs/common';
import { UsageReader } from './usage.reader.js';
import { UsageRepository } from './usage.repository.js';
import { UsageRollup } from './usage-rollup.js';

/** The ledger of what agents have used. Whoever learns of usage enters it with `enterUsage`. */
@Module({ providers: [UsageRepository, UsageReader, UsageRollup], exports: [UsageReader] })
export class UsageModule {}
