import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Sql } from '../../platform/database/sql.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { LaneTimes } from './lane-times.js';

/** What a lane stands for: for this agent or any, on this board or none, with these tools. */
export interface LaneKey {
  agent_id: string | null;
  board_id: string | null;
  required_tools: readonly string[];
}

const MOST_KNOWN = 20_000;
const MOST_TRIES = 5;

/**
 * Lanes are made on demand and never change, so their ids are kept in memory for a while. An id is kept only when the
 * transaction that looked it up has committed (its lane may be its own, and rolled back with it), and not while the lane
 * is marked as idle: whoever uses such a lane takes the mark off, or finds it removed and makes it again (`LaneTimes`).
 */
@Injectable()
export class TaskLanesRepository {
  private readonly known = new LRUCache<string, string>({ max: MOST_KNOWN });

  constructor(
    private readonly sql: Sql,
    private readonly times: LaneTimes,
  ) {}

  /** The lane's id, for the running transaction: a task that gets it must be written in this one. */
  async idOf(tenantId: string, lane: LaneKey): Promise<string> {
    const tools = [...lane.required_tools].sort();
    const key = createHash('sha256').update(JSON.stringify([lane.agent_id, lane.board_id, tools])).digest();
    const memory = `${tenantId}:${key.toString('base64')}`;
    const known = this.known.get(memory);
    if (known) return known;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const start = performance.now();
      const found = await this.find(tenantId, key);
      if (found && !found.idle) {
        afterCommit(() => void this.known.set(memory, found.id, { ttl: this.times.knownMs, start }));
        return found.id;
      }
      if (found && (await this.use(tenantId, found.id))) return found.id;
      await this.sql.execute(
        `insert into task_lanes (tenant_id, key, agent_id, board_id, required_tools) values ($1, $2, $3, $4, $5) on conflict (tenant_id, key) do nothing`,
        [tenantId, key, lane.agent_id, lane.board_id, tools],
      );
    }
    throw new Error('A task lane vanished again and again while it was being made.');
  }

  private find(tenantId: string, key: Buffer): Promise<{ id: string; idle: boolean } | undefined> {
    return this.sql.row('select id::text, idle_since is not null as idle from task_lanes where tenant_id = $1 and key = $2', [tenantId, key]);
  }

  /** Takes the mark off; its row is held until the commit, so that nobody removes it before. @returns false when it has been removed */
  private async use(tenantId: string, id: string): Promise<boolean> {
    return (await this.sql.execute('update task_lanes set idle_since = null where tenant_id = $1 and id = $2', [tenantId, id])) > 0;
  }
}
