import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Sql } from '../../platform/database/sql.js';

/** What a lane stands for: for this agent or any, on this board or none, with these tools. */
export interface LaneKey {
  agent_id: string | null;
  board_id: string | null;
  required_tools: readonly string[];
}

const MOST_KNOWN = 20_000;

/**
 * Lanes are made on demand and never change, so their ids are kept in memory. A lane that was rolled back together with
 * its first task is never remembered: ids are kept from look-ups alone, not from inserts.
 */
@Injectable()
export class TaskLanesRepository {
  private readonly known = new LRUCache<string, string>({ max: MOST_KNOWN });

  constructor(private readonly sql: Sql) {}

  async idOf(tenantId: string, lane: LaneKey): Promise<string> {
    const tools = [...lane.required_tools].sort();
    const key = createHash('sha256').update(JSON.stringify([lane.agent_id, lane.board_id, tools])).digest();
    const memory = `${tenantId}:${key.toString('base64')}`;
    const known = this.known.get(memory);
    if (known) return known;
    const found = await this.find(tenantId, key);
    if (found) {
      this.known.set(memory, found);
      return found;
    }
    await this.sql.execute(
      `insert into task_lanes (tenant_id, key, agent_id, board_id, required_tools) values ($1, $2, $3, $4, $5) on conflict (tenant_id, key) do nothing`,
      [tenantId, key, lane.agent_id, lane.board_id, tools],
    );
    const made = await this.find(tenantId, key);
    if (!made) throw new Error('A task lane vanished while it was being made.');
    return made;
  }

  private async find(tenantId: string, key: Buffer): Promise<string | undefined> {
    const row = await this.sql.row<{ id: string }>('select id::text from task_lanes where tenant_id = $1 and key = $2', [tenantId, key]);
    return row?.id;
  }
}
