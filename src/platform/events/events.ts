import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import type { EventType } from '../../core/event.js';
import { newId } from '../../core/ids.js';
import { RequestContext } from '../context/request-context.js';
import { prepared } from '../database/prepared.js';
import { Sql } from '../database/sql.js';
import { afterCommit } from '../database/tenant-transaction.adapter.js';
import { EventSignal } from './event-signal.js';

interface Fact<T> {
  data: T;
  requestId: string | undefined;
}

const INSERT_MANY = prepared(
  'insert into events (id, tenant_id, name, data, request_id) select id, $2, $3, data::jsonb, request_id from unnest($1::uuid[], $4::text[], $5::text[]) as fact (id, data, request_id)',
);

/** Publishes facts: one row in the event log, through the connection of the change it describes, and nothing more. */
@Injectable()
export class Events {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
    private readonly signal: EventSignal,
  ) {}

  /** Call inside the transaction of the change; a rollback takes the fact with it. */
  async publish<T extends object>(type: EventType<T>, data: T): Promise<void> {
    await this.publishEach(type, [{ data, requestId: this.context.requestId }]);
  }

  /** Like `publish`, for facts of several requests that share a transaction. */
  async publishEach<T extends object>(type: EventType<T>, facts: readonly Fact<T>[]): Promise<void> {
    if (facts.length === 0) return;
    await this.sql.execute(INSERT_MANY, manyValues(this.context.tenantId, type, facts));
    afterCommit(() => this.signal.raise());
  }

  /** Like `publish`, many facts of one kind in one statement. */
  async publishMany<T extends object>(type: EventType<T>, facts: readonly T[]): Promise<void> {
    const { requestId } = this.context;
    await this.publishEach(type, facts.map((data) => ({ data, requestId })));
  }

  /** For the hot paths: many facts in one statement, on the connection of their own transaction; then `signal.raise()`. */
  async publishAll<T extends object>(client: PoolClient, tenantId: string, type: EventType<T>, facts: readonly T[], requestId?: string): Promise<void> {
    if (facts.length === 0) return;
    await client.query({ ...INSERT_MANY, values: manyValues(tenantId, type, facts.map((data) => ({ data, requestId }))) });
  }
}

function manyValues<T extends object>(tenantId: string, type: EventType<T>, facts: readonly Fact<T>[]): unknown[] {
  return [facts.map(() => newId()), tenantId, type.name, facts.map(({ data }) => JSON.stringify(data)), facts.map(({ requestId }) => requestId ?? null)];
}
