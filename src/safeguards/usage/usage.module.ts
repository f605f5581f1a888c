import { Module } from '@nestjs/common';
import { erasable } from '../../platform/erasure/erasable.js';
import { USAGE_CONTENT } from './usage.erasure.js';
import { UsageReader } from './usage.reader.js';
import { UsageRepository } from './usage.repository.js';
import { UsageRollup } from './usage-rollup.js';

/** The ledger of what agents have used. Whoever learns of usage enters it with `enterUsage`. */
@Module({ providers: [UsageRepository, UsageReader, UsageRollup, erasable({ ofAgents: USAGE_CONTENT })], exports: [UsageReader] })
export class UsageModule {}
