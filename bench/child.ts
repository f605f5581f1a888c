import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { plainEnvironment, projectNode } from '../scripts/demo/plane-process.ts';
import type { AuditRows } from './audit-writer.ts';
import type { Load } from './loads.ts';
import type { Measurement } from './stats.ts';

/** Runs a script of this folder with an order on stdin; its answer is on stdout. */
async function measureIn(script: string, order: object): Promise<Measurement> {
  const child = spawn(projectNode(), [join(process.cwd(), 'bench', script)], {
    env: plainEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(order));
  const [answer, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  return JSON.parse(answer) as Measurement;
}

export const generate = (load: Load): Promise<Measurement> => measureIn('load-generator.ts', load);

export const writeAuditRows = (order: AuditRows): Promise<Measurement> => measureIn('audit-writer.ts', order);

export const runPgBoss = (order: { url: string; seconds: number; clients: number; batch: number; jobs: number }): Promise<Measurement> =>
  measureIn(join('peers', 'pg-boss.ts'), order);

export const runDbos = (order: { url: string; seconds: number; clients: number }): Promise<Measurement> => measureIn(join('peers', 'dbos.ts'), order);

export const postBarely = (order: { url: string; count: number; concurrent: number }): Promise<Measurement> => measureIn(join('peers', 'bare-posts.ts'), order);
