import { Global, Module } from '@nestjs/common';
import { EventConsumers } from './event-consumers.js';
import { EventFeed } from './event-feed.js';
import { EventHistory } from './event-history.js';
import { EventLog } from './event-log.js';
import { EventSignal } from './event-signal.js';
import { Events } from './events.js';

/** The event log: publishing, following, waking. */
@Global()
@Module({ providers: [Events, EventLog, EventHistory, EventSignal, EventConsumers, EventFeed], exports: [Events, EventLog, EventHistory, EventSignal, EventConsumers, EventFeed] })
export class EventsModule {}
