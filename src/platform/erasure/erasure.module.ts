import { Global, Module } from '@nestjs/common';
import { Erasures } from './erasures.js';

/** What is erased when an agent or a tenant is purged. */
@Global()
@Module({ providers: [Erasures], exports: [Erasures] })
export class ErasureModule {}
