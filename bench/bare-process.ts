import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, plainEnvironment, projectNode } from '../scripts/demo/plane-process.ts';

/** The bare server in a process of its own. */
export class BareProcess {
  url = '';
  private child: ChildProcess | undefined;

  async start(databaseUrl: string): Promise<void> {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    this.child = spawn(projectNode(), [join(process.cwd(), 'bench', 'peers', 'bare-server.ts')], {
      env: { ...plainEnvironment(), DATABASE_URL: databaseUrl, PORT: String(port), NODE_ENV: 'production' },
      stdio: 'inherit',
    });
    for (let tries = 0; tries < 200; tries++) {
      if (await this.answers()) return;
      await sleep(50);
    }
    throw new Error('the bare server did not start');
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      // Not listening yet.
      return false;
    }
  }

  async stop(): Promise<void> {
    if (!this.child || this.child.exitCode !== null) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
  }
}
