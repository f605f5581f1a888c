import { Global, Module } from '@nestjs/common';
import { Revocations } from './revocations.js';

/** Caches that a revocation clears in every process. */
@Global()
@Module({ providers: [Revocations], exports: [Revocations] })
export class CacheModule {}
