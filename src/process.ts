import type { NestExpressApplication } from '@nestjs/platform-express';
import { Drain } from './platform/http/drain.js';
import { Config, loadConfig } from './platform/config/config.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './platform/database/embedded-postgres.js';
import { migrate } from './platform/database/migrator.js';
import { giveBackStartMemory } from './platform/start-memory.js';
import { StartupError } from './platform/startup-error.js';

/** A terminal's Ctrl-C reaches this process directly and through npm: what comes within a second is the same signal. */
const SAME_SIGNAL_MS = 1_000;

const OLDEST_NODE = 24;
/** How often the embedded database is looked for. */
const WATCH_MS = 1_000;

interface Running {
  /** Settled when nothing more is being started. */
  starting?: Promise<void>;
  app?: NestExpressApplication;
  postgres?: EmbeddedPostgres;
}

/**
 * The life of a process: settings, database, migrations, application; then a drain on SIGINT or SIGTERM. What keeps it
 * from starting is one line on standard error and exit code 1.
 */
export async function runProcess(): Promise<void> {
  const running: Running = {};
  const stop = new Stop(running);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.signal(name));
  try {
    running.starting = start(running, stop);
    await running.starting;
  } catch (error) {
    if (stop.requested) return;
    process.stderr.write(`wheelhouse: ${error instanceof StartupError ? error.message : `start failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`}\n`);
    await stop.now(1);
  }
}

async function start(running: Running, stop: Stop): Promise<void> {
  refuseOldNode();
  const given = loadConfig();
  stop.seconds = given.get('SHUTDOWN_SECONDS');
  const config = given.get('DATABASE_URL') ? given : await withEmbeddedPostgres(given, running);
  if (stop.requested) return;
  const migrations = await migrate(config);
  if (stop.requested) return;
  // Most of what there is to load: what keeps a process from starting is said without it.
  const [{ createApp, listen }, { announce }] = await Promise.all([import('./app.js'), import('./banner.js')]);
  running.app = await createApp(config);
  if (stop.requested) return;
  const url = await listen(running.app, config);
  if (stop.requested) return;
  if (running.postgres) watch(running.postgres, stop);
  await announce({ app: running.app, config, url, migrations, ...(running.postgres ? { postgres: running.postgres } : {}) });
  giveBackStartMemory();
}

/** An older one would start, and then fail in the middle of work at the first function that it lacks. */
function refuseOldNode(): void {
  const version = process.versions.node;
  if (Number.parseInt(version, 10) < OLDEST_NODE) throw new StartupError(`Node.js ${OLDEST_NODE} or newer is needed, this is ${version}: npm start brings its own`);
}

/** Without DATABASE_URL the plane brings its own PostgreSQL. */
async function withEmbeddedPostgres(config: Config, running: Running): Promise<Config> {
  running.postgres = await startEmbeddedPostgres({ dataDir: config.get('WHEELHOUSE_DATA') });
  return new Config({ ...config.settings, DATABASE_URL: running.postgres.url }, config.files);
}

/** A plane whose own database has gone ends too, visibly: whoever supervises it starts both again. */
function watch(postgres: EmbeddedPostgres, stop: Stop): void {
  const timer = setInterval(() => {
    void postgres.isRunning().then((running) => {
      if (running || stop.requested) return;
      clearInterval(timer);
      process.stderr.write('wheelhouse: the embedded PostgreSQL has ended: start again to recover\n');
      stop.requested = true;
      void stop.now(1);
    });
  }, WATCH_MS);
  timer.unref();
}

/** Ends the process once, in order: no new work, what runs is finished, connections closed, the embedded server last. */
class Stop {
  seconds = 30;
  requested = false;
  private firstSignal = 0;

  constructor(private readonly running: Running) {}

  signal(name: NodeJS.Signals): void {
    const now = performance.now();
    if (this.requested && now - this.firstSignal < SAME_SIGNAL_MS) return;
    if (this.requested) {
      process.stderr.write('wheelhouse: stopping at once\n');
      void this.stopPostgres().finally(() => process.exit(1));
      return;
    }
    this.requested = true;
    this.firstSignal = now;
    process.stderr.write(`wheelhouse: ${name}: draining, at most ${this.seconds} s (again to stop at once)\n`);
    void this.now(0);
  }

  async now(code: number): Promise<void> {
    const late = setTimeout(() => {
      process.stderr.write('wheelhouse: the drain took too long; stopping at once\n');
      void this.stopPostgres().finally(() => process.exit(1));
    }, this.seconds * 1000);
    try {
      // What a signal interrupts in the middle (a database that starts, an application that opens its pools) could not be stopped.
      await this.running.starting?.catch(() => undefined);
      await this.running.app?.get(Drain).drain();
      await this.running.app?.close();
      await this.stopPostgres();
    } catch (error) {
      process.stderr.write(`wheelhouse: stopping failed: ${error instanceof Error ? error.message : String(error)}\n`);
      code = 1;
    }
    clearTimeout(late);
    process.exit(code);
  }

  private async stopPostgres(): Promise<void> {
    const postgres = this.running.postgres;
    delete this.running.postgres;
    await postgres?.stop();
  }
}
