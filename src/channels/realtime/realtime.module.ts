import { Module } from '@nestjs/common';
import { RealtimeDesk } from './realtime-desk.js';
import { RealtimeGateway } from './realtime.gateway.js';
import { RealtimeLimits } from './realtime-limits.js';

/** Events to clients over WebSocket, at /ws. */
@Module({ providers: [RealtimeLimits, RealtimeDesk, RealtimeGateway] })
export class RealtimeModule {}
