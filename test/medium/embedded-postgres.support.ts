import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { until } from '../../src/platform/database/embedded-process.js';

/** Settings of databases that nobody will miss. */
export const QUICK = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** The rows that a statement answers on a connection of its own. */
export async function query<T extends pg.QueryResultRow>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

/** What postmaster.pid in a data folder says. */
export async function pidFile(dataDir: string): Promise<{ path: string; pid: number; lines: string[] }> {
  const path = join(dataDir, 'postgres', 'postmaster.pid');
  const lines = (await readFile(path, 'utf8')).split('\n');
  return { path, pid: Number(lines[0]), lines };
}

/** Starts a database in a Node.js process of its own, which then waits to be killed. */
export async function startInChild(
  dataDir: string,
  options: { uid?: number; gid?: number; cwd?: string } = {},
): Promise<{ child: ChildProcess; said: string }> {
  const source = pathToFileURL(resolve('src/platform/database/embedded-postgres.ts')).href;
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) => next(context.parentURL?.endsWith('.ts') && name.startsWith('.') ? name.replace(/\\.js$/, '.ts') : name, context) });
    const { startEmbeddedPostgres } = await import(${JSON.stringify(source)});
    try {
      const { port, reused } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, settings: ${JSON.stringify(QUICK)} });
      console.log(JSON.stringify({ port, reused }));
      setInterval(() => undefined, 1000);
    } catch (error) {
      console.log(error.name + ': ' + error.message);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let wrong = '';
  child.stderr.on('data', (text: Buffer) => (wrong += text.toString()));
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  if (!(await until(() => Promise.resolve(said.includes('\n') || child.exitCode !== null), 20_000)))
    throw new Error(`the child said nothing: ${wrong}`);
  return { child, said: said.trim() || wrong };
}

/** Kills without a chance to clean up, and waits until it is over. */
export async function kill9(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error('the child has already ended');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
