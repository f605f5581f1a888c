import { Global, Module } from '@nestjs/common';
import { EventStreams } from './sse.js';

/** What controllers share beyond requests and answers: streams of server-sent events. */
@Global()
@Module({ providers: [EventStreams], exports: [EventStreams] })
export class HttpModule {}
