import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { signal } from '../../src/platform/database/embedded-process.js';
import { eventually } from './eventually.js';
import { createDatabase } from './databases.js';
import { memoryFolder } from './memory-folder.mjs';
import { ADMIN_TOKEN, type ApiResponse, JWT_SECRET, MASTER_KEY, request, type RequestOptions, type RunningPlane } from './requests.js';

/** The built program; `npm test` builds it first. */
const PROGRAM = resolve(process.env['WH_TEST_PROGRAM'] ?? 'dist/main.js');
const READY = /^Wheelhouse is ready\.$/m;
const STARTUP_MS = 60_000;

/** The whole environment of a process but PATH and a port of its own: nothing of the tests' environment leaks in. */
export type Environment = Record<string, string>;

/** One process of the built program, as an operator would start it. */
export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  /** Milliseconds from the start of the process to its banner. */
  readyAfter: number | undefined;
  private readonly began = performance.now();

  constructor(environment: Environment) {
    this.child = spawn(process.execPath, [PROGRAM], {
      cwd: dirname(dirname(PROGRAM)),
      env: { PATH: process.env['PATH'] ?? '', PORT: '0', LOG_LEVEL: 'warn', ...shared(environment), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (text: Buffer) => {
      this.stdout += text.toString();
      if (READY.test(this.stdout)) this.readyAfter ??= performance.now() - this.began;
    });
    this.child.stderr?.on('data', (text: Buffer) => (this.stderr += text.toString()));
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** What the banner says behind a name. */
  said(name: string): string | undefined {
    return new RegExp(`^ {2}${name} +(.+)$`, 'm').exec(this.stdout)?.[1];
  }

  /** `http://host:port`. */
  get url(): string {
    return new URL(this.said('API') ?? '').origin;
  }

  /** Waits until it says that it is ready; fails with what it said when it ended instead. */
  async ready(): Promise<this> {
    await eventually(() => this.readyAfter !== undefined || this.ended, STARTUP_MS);
    if (this.readyAfter === undefined) throw new Error(`The program ended: ${this.stderr}${this.stdout}`);
    return this;
  }

  /** Waits for its end. */
  async end(milliseconds = 40_000): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    await eventually(() => this.ended, milliseconds);
    return { code: this.child.exitCode, signal: this.child.signalCode };
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** `kill -9`, and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.ended) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  request<T = Record<string, unknown>>(method: string, path: string, options?: RequestOptions): Promise<ApiResponse<T>> {
    return request<T>(this.url, method, path, options);
  }
}

/** Processes with data folders of their own on one database need the same master key. */
const shared = ({ DATABASE_URL, MASTER_KEY_FILE }: Environment): Environment => (DATABASE_URL !== undefined && MASTER_KEY_FILE === undefined ? { MASTER_KEY } : {});

/** Folders and processes of one suite, all of which end with it. */
export class Launcher {
  private readonly programs: Program[] = [];
  private readonly folders: string[] = [];

  start(environment: Environment): Program {
    const program = new Program(environment);
    this.programs.push(program);
    return program;
  }

  /** A folder that does not exist yet, as WHEELHOUSE_DATA; others may pass through the ones above it. */
  async dataFolder(): Promise<string> {
    const base = realpathSync(await mkdtemp(join(memoryFolder(), 'wheelhouse-process-')));
    await chmod(base, 0o755);
    this.folders.push(base);
    return join(base, 'data');
  }

  /** Ends what still runs, databases too. */
  async clear(): Promise<void> {
    await Promise.all(this.programs.splice(0).map((program) => program.kill()));
    for (const folder of this.folders) for (const pid of serversIn(folder)) signal(pid, 'SIGQUIT');
    for (const folder of this.folders.splice(0)) {
      await eventually(() => serversIn(folder).length === 0);
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Like `startPlane`, in a process of its own: for suites that ask much. It says on stderr what it logs of failures. */
export async function startPlaneProcess(environment: Environment = {}): Promise<RunningPlane> {
  const database = await createDatabase();
  const launcher = new Launcher();
  const program = launcher.start({ DATABASE_URL: database.url, WHEELHOUSE_DATA: await launcher.dataFolder(), LOG_LEVEL: 'error', ADMIN_TOKEN, JWT_SECRET, DATABASE_POOL: '8', ...environment });
  program.child.stdout?.on('data', (text: Buffer) => /"level":(?:"error"|50)/.test(text.toString()) && process.stderr.write(text));
  const { url } = await program.ready();
  return {
    url,
    database,
    request: (method, path, options) => request(url, method, path, options),
    stop: async () => {
      program.signal('SIGTERM');
      await program.end();
      await launcher.clear();
      await database.drop();
    },
  };
}

/** Process ids of everything that works in a folder: a PostgreSQL server and its children do in their data folder. */
export function serversIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => workingFolder(pid)?.startsWith(`${folder}/`))
    .map(Number);
}

function workingFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // Ended since it was listed, or is not ours to look at.
    return undefined;
  }
}

/** What the system tells of a process under `/proc`; undefined when it has ended since it was listed. */
export function procFile(pid: number, name: 'cmdline' | 'environ'): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** The process id of the PostgreSQL server of a data folder. */
export function serverOf(dataFolder: string): number {
  return Number(readFileSync(join(dataFolder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** The superuser's URL of the PostgreSQL in a data folder. */
export function adminUrlOf(dataFolder: string, database = 'wheelhouse'): string {
  const { superuser } = JSON.parse(readFileSync(join(dataFolder, 'postgres.password'), 'utf8')) as { superuser: string };
  const port = readFileSync(join(dataFolder, 'postgres.port'), 'utf8').trim();
  return `postgres://postgres:${superuser}@127.0.0.1:${port}/${database}`;
}
