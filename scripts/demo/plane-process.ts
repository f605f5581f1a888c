import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 40_000;

/** The Node.js that the project brings along, which runs TypeScript as it is; else the one that runs this. */
export function projectNode(): string {
  const installed = join(process.cwd(), 'node_modules', 'node', 'bin', 'node');
  return existsSync(installed) ? installed : process.execPath;
}

/** A port on loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}

export const newSecret = (): string => randomBytes(24).toString('base64url');

/** Our environment without what would configure a plane. */
export function plainEnvironment(): Record<string, string | undefined> {
  const ours =
    /^(WHEELHOUSE_|DATABASE_|RATE_LIMIT_|SECURITY_HEADER_|REDIS_|AUTH_MODE|MASTER_KEY|KMS_|EGRESS_|OIDC_|PLAN_LIMITS|IP_RULES|ADMIN_TOKEN|AGENT_TOKENS|SETUP_TOKEN|JWT_SECRET|PROCESS_ROLE|PUBLIC_URL|HOST$|PORT$|LOG_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** One process of the built program, started and stopped like by an operator. */
export class PlaneProcess {
  readonly url: string;
  private readonly environment: Record<string, string>;
  private child: ChildProcess | undefined;
  private output = '';

  /** @param environment the settings; PORT is required */
  constructor(environment: Record<string, string> & { PORT: string }) {
    this.environment = environment;
    this.url = `http://127.0.0.1:${environment.PORT}`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The end of what it printed. */
  get lastOutput(): string {
    return this.output.slice(-4_000);
  }

  /** @throws Error with the output when it ends or is not ready in time */
  async start(): Promise<void> {
    const child = spawn(projectNode(), [join(process.cwd(), 'dist', 'main.js')], {
      env: { ...plainEnvironment(), HOST: '127.0.0.1', ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A Ctrl-C in our terminal is for us, who then stop it in order.
      detached: true,
    });
    this.child = child;
    const keep = (chunk: Buffer): void => void (this.output = (this.output + chunk.toString('utf8')).slice(-20_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => (this.output += error.message));
    await this.ready();
  }

  async ready(): Promise<void> {
    const limit = Date.now() + READY_LIMIT_MS;
    while (Date.now() < limit && this.isRunning) {
      if (await this.answers()) return;
      await sleep(50);
    }
    throw new Error(`the plane did not become ready:\n${this.lastOutput}`);
  }

  private async answers(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      // Not listening yet.
      return false;
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  /** Ends it like kill -9 does; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** @throws Error when it had to be killed */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const late = setTimeout(() => this.signal('SIGKILL'), STOP_LIMIT_MS);
    await this.end('SIGTERM');
    clearTimeout(late);
    if (this.child?.signalCode === 'SIGKILL')
      throw new Error(`the plane did not stop within ${STOP_LIMIT_MS / 1000} s:\n${this.lastOutput}`);
  }

  private async end(name: NodeJS.Signals): Promise<void> {
    if (!this.child || !this.isRunning) return;
    const exit = once(this.child, 'exit');
    this.child.kill(name);
    await exit;
  }
}
