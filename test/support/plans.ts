import type { INestApplication } from '@nestjs/common';
import type pg from 'pg';
import { SystemDatabase } from '../../src/platform/database/system-database.js';
import { TenantDatabase } from '../../src/platform/database/tenant-database.js';
import { withAdmin } from './databases.js';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** What PostgreSQL did for one statement. */
export interface Work {
  statement: string;
  /** Rows that its busiest part went over, also those that it then left out. */
  rows: number;
  where: string;
}

/** Connections of a database made from now on tell the client what each of their statements went over. */
export async function explainEverything(database: string): Promise<void> {
  const settings = { session_preload_libraries: 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_analyze': 'on', 'auto_explain.log_timing': 'off', 'auto_explain.log_format': 'json', 'auto_explain.log_level': 'notice' };
  await withAdmin(async (admin) => {
    for (const [name, value] of Object.entries(settings)) await admin.query(`alter database ${database} set ${name} = '${value}'`);
  });
}

/** Notes the work of the statements of a plane whose database explains everything. */
export class PlanRecorder {
  private readonly heard = new WeakSet<pg.PoolClient>();
  private noted: Work[] = [];

  constructor(app: INestApplication) {
    for (const { pool } of [app.get(TenantDatabase), app.get(SystemDatabase)]) {
      pool.on('acquire', (client) => {
        if (this.heard.has(client)) return;
        this.heard.add(client);
        client.on('notice', ({ message = '' }) => this.note(message));
      });
    }
  }

  /** What was done since it was last asked. */
  take(): Work[] {
    const noted = this.noted;
    this.noted = [];
    return noted;
  }

  private note(message: string): void {
    const [, json] = /^duration: [^{]*plan:\s*(\{[\s\S]*)$/.exec(message) ?? [];
    if (json === undefined) return;
    const { 'Query Text': statement, Plan: plan } = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
    this.noted.push({ statement, ...busiest(plan) });
  }
}

function busiest(node: PlanNode): { rows: number; where: string } {
  const own = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) * node['Actual Loops'];
  const all = [{ rows: own, where: `${node['Node Type']} ${node['Relation Name'] ?? ''}`.trim() }, ...(node.Plans ?? []).map(busiest)];
  return all.reduce((most, part) => (part.rows > most.rows ? part : most));
}
