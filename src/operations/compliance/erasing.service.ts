import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { type AgentContent, Erasures } from '../../platform/erasure/erasures.js';
import { tenantTables } from '../../platform/erasure/tenant-tables.js';
import { type Place, type Step, STEP, walkStatement } from '../../platform/erasure/walk.js';
import type { Purge } from './purge.entity.js';
import { PurgesRepository } from './purges.repository.js';

/** With each pass less is left to find; who still writes after so many is no straggler. */
const MOST_PASSES = 20;

/**
 * Erases the content of an agent or a tenant, in short transactions that each count what they erased. Killed at any
 * moment, it is begun again and finds less.
 */
@Injectable()
export class Erasing {
  constructor(
    private readonly erasures: Erasures,
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly repository: PurgesRepository,
  ) {}

  /** @returns how many rows were removed or emptied */
  erase(purge: Purge, signal: AbortSignal): Promise<number> {
    return purge.entity_type === 'agent' ? this.eraseAgent(purge, signal) : this.eraseTenant(purge, signal);
  }

  /** How much there is that holds something of the agent and is erased only when it has ended. */
  @Transactional()
  async unfinished({ entity_type, tenant_id, entity_id }: Purge): Promise<number> {
    let total = 0;
    for (const statement of entity_type === 'agent' ? this.erasures.unfinishedOfAgents : []) total += (await this.sql.row<{ count: number }>(statement, [tenant_id, entity_id]))?.count ?? 0;
    return total;
  }

  /** The planner's statistics hold samples of what was in the columns: they are taken anew. */
  async forgetSamples({ entity_type }: Purge, signal: AbortSignal): Promise<void> {
    const tables = entity_type === 'agent' ? this.erasures.agentContents : [...(await tenantTables(this.database.pool)), { table: 'tenants' }];
    for (const table of new Set(tables.map((content) => content.table))) {
      signal.throwIfAborted();
      await this.database.query('select forget_samples($1)', [table]);
    }
  }

  private async eraseAgent(purge: Purge, signal: AbortSignal): Promise<number> {
    let total = 0;
    for (const content of this.erasures.agentContents) {
      let place: Place | undefined;
      do {
        signal.throwIfAborted();
        const { erased, seen, last } = await this.step(purge, content, place);
        total += erased;
        place = seen === STEP && last ? last : undefined;
      } while (place);
    }
    return total;
  }

  @Transactional()
  protected async step(purge: Purge, content: AgentContent, place: Place | undefined): Promise<Step> {
    const step = await this.sql.row<Step>(walkStatement(content, place), [purge.tenant_id, purge.entity_id, ...(place ?? [])]);
    if (!step) throw new Error('A step of a walk answered nothing.');
    if (step.erased > 0) await this.repository.count(purge, content.table, step.erased);
    return step;
  }

  /** Until a pass through all tables finds nothing: meanwhile somebody who had begun before may have written. */
  private async eraseTenant(purge: Purge, signal: AbortSignal): Promise<number> {
    const tables = await tenantTables(this.database.pool);
    const statements = [
      ...this.erasures.tenantContents,
      ...tables.flatMap(({ table, own }) => own.map((column) => ({ table: '', statement: `update ${table} set ${column} = null where ctid = any(array(select ctid from ${table} where tenant_id = $1 and ${column} is not null limit $2))` }))),
      ...tables.map(({ table }) => ({ table, statement: `delete from ${table} where ctid = any(array(select ctid from ${table} where tenant_id = $1 limit $2))` })),
    ];
    let total = 0;
    for (let pass = 0; pass < MOST_PASSES; pass += 1) {
      let found = 0;
      for (const { table, statement } of statements) found += await this.empty(purge, table, statement, signal);
      total += found;
      if (found === 0) return total;
    }
    throw new Error('Rows of the tenant are still being written.');
  }

  /** @param table what the rows count as; nothing for those that only let go of each other */
  private async empty(purge: Purge, table: string, statement: string, signal: AbortSignal): Promise<number> {
    for (let total = 0; ; ) {
      signal.throwIfAborted();
      const rows = await this.database.transaction(async (client) => {
        const { rowCount } = await client.query(statement, [purge.entity_id, STEP]);
        if (rowCount && table !== '') await this.repository.countBy(client, purge, table, rowCount);
        return rowCount ?? 0;
      });
      total += rows;
      if (rows < STEP) return total;
    }
  }
}
