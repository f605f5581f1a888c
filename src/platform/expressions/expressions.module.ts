import { Global, Module } from '@nestjs/common';
import { Expressions } from './expressions.js';

/** One pool of processes for the expressions of all domains. */
@Global()
@Module({ providers: [Expressions], exports: [Expressions] })
export class ExpressionsModule {}
