import type { PoolConfig } from 'pg';
import type { Config } from '../config/config.js';
import { writeInOneGo } from './one-write.js';
import type { APP_ROLE, SYSTEM_ROLE } from './tenant-table.js';

/**
 * Options of a pool whose every connection starts as `role`. The role is set as a start-up parameter, so `RESET ROLE`
 * leads back to it: a process that was given a superuser's URL still runs as a role that cannot pass by row security.
 */
export function poolOptions(config: Config, role: typeof APP_ROLE | typeof SYSTEM_ROLE | undefined, max: number): PoolConfig {
  const options = [...(role ? [`-c role=${role}`] : []), '-c timezone=UTC', '-c statement_timeout=30s', '-c idle_in_transaction_session_timeout=60s', '-c lock_timeout=10s'];
  return {
    connectionString: config.get('DATABASE_URL'),
    ...(config.get('DATABASE_PASSWORD') ? { password: config.get('DATABASE_PASSWORD') } : {}),
    options: options.join(' '),
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    application_name: 'wheelhouse',
    // The pool listens to idle connections alone. One that breaks while it is out, between two statements, would end the
    // process; whoever holds it learns from its next statement.
    onConnect: (client) => {
      client.on('error', () => undefined);
      writeInOneGo(client);
    },
  };
}
