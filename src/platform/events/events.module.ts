import { Global, Module } from '@nestjs/common';
import { erasable } from '../erasure/erasable.js';
import { EventConsumers } from './event-consumers.js';
import { EventDelivery } from './event-delivery.js';
import { EventFeed } from './event-feed.js';
import { EventHistory } from './event-history.js';
import { EventLog } from './event-log.js';
import { EventSignal } from './event-signal.js';
import { EventTurns } from './event-turns.js';
import { EVENT_CONTENT } from './events.erasure.js';
import { Events } from './events.js';

/** The event log: publishing, following, waking. */
@Global()
@Module({ providers: [Events, EventLog, EventHistory, EventSignal, EventDelivery, EventTurns, EventConsumers, EventFeed, erasable({ ofAgents: EVENT_CONTENT })], exports: [Events, EventLog, EventHistory, EventSignal, EventConsumers, EventFeed] })
export class EventsModule {}
