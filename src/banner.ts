import { resolve } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { SetupService } from './identity/setup/setup.service.js';
import type { Config } from './platform/config/config.js';
import { LocalMasterKeys } from './platform/crypto/master-keys.js';
import type { EmbeddedPostgres } from './platform/database/embedded-postgres.js';

interface Started {
  app: INestApplication;
  config: Config;
  url: string;
  migrations: number;
  postgres?: EmbeddedPostgres;
}

/** Tells the person at the terminal where everything is; the setup token on a first start, and only there. */
export async function announce({ app, config, url: local, migrations, postgres }: Started): Promise<void> {
  const url = config.servesApi ? (config.get('PUBLIC_URL')?.replace(/\/+$/, '') ?? local) : local;
  const lines = [
    ['API', config.servesApi ? `${url}/api/v1` : `${url}/readyz (probes only: this is a worker)`],
    ...(config.servesApi ? [['Swagger', `${url}/docs`]] : []),
    ['Data', postgres ? `${resolve(config.get('WHEELHOUSE_DATA'))} (embedded PostgreSQL on 127.0.0.1:${postgres.port})` : 'the PostgreSQL of DATABASE_URL'],
    ...(postgres && resolve(postgres.dataDir) !== resolve(config.get('WHEELHOUSE_DATA')) ? [['Cluster', postgres.dataDir]] : []),
    ...(migrations > 0 ? [['Schema', `${migrations} migrations applied`]] : []),
  ];
  if (config.servesApi && config.get('REGISTRATION')) lines.push(['Registration', 'open to anyone who reaches the API; REGISTRATION=false shuts it.']);
  const masterKeys = app.get(LocalMasterKeys);
  if (masterKeys.made !== undefined) lines.push(['Master key', resolve(masterKeys.made)], ['', 'Made now. Keep a copy of it apart from the database: without it no secret can be read.']);
  const token = config.servesApi ? await app.get(SetupService).issueToken() : undefined;
  if (token) lines.push(['Setup token', token], ['', 'POST it to /api/v1/setup/complete with email, password and full_name.']);
  const text = lines.map(([name, value]) => `  ${(name ?? '').padEnd(14)}${value ?? ''}`).join('\n');
  process.stdout.write(`\nWheelhouse is ready.\n${text}\n\n`);
}
