import { Global, Module } from '@nestjs/common';
import { ClsModule } from 'nestjs-cls';
import { Clock, SystemClock } from '../../core/clock.js';
import { RequestContext } from './request-context.js';

/** The request's context and the clock, for everyone. */
@Global()
@Module({
  imports: [ClsModule.forRoot({ global: true, middleware: { mount: false } })],
  providers: [RequestContext, { provide: Clock, useClass: SystemClock }],
  exports: [RequestContext, Clock],
})
export class ContextModule {}
