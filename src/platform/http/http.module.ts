import { Global, Module } from '@nestjs/common';
import { Drain } from './drain.js';
import { EventStreams } from './sse.js';

/** What controllers share beyond requests and answers: streams of server-sent events. */
@Global()
@Module({ providers: [EventStreams, Drain], exports: [EventStreams, Drain] })
export class HttpModule {}
