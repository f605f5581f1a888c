import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../../src/platform/config/config.js';
import { parseSettings, SETTINGS } from '../../src/platform/config/settings.js';
import { MASTER_KEY } from '../support/requests.js';

interface Service {
  image: string;
  build?: string;
  environment?: Record<string, string>;
  secrets?: string[];
  networks: string[];
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck: { test: string[] };
  read_only?: boolean;
  stop_grace_period?: string;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
  secrets: Record<string, { file: string }>;
}

const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;
const nginx = readFileSync('deploy/nginx.conf', 'utf8');
const secretsScript = readFileSync('deploy/make-secrets.sh', 'utf8');
const service = (name: string): Service => {
  const found = compose.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const OURS = ['api-1', 'api-2', 'worker'];
const { properties = {} } = z.toJSONSchema(z.object(SETTINGS), { io: 'input', unrepresentable: 'any' });
const isSecret = (name: string): boolean => (properties[name] as { secret?: boolean } | undefined)?.secret === true;
/** Every *_FILE stands for the secret it holds. */
const secretBehind = (name: string): string | undefined => (name.endsWith('_FILE') ? name.slice(0, -5) : undefined);
const VALUES: Record<string, string> = { REDIS_URL: 'redis://:x@redis:6379', MASTER_KEY };

describe('docker-compose.yml', () => {
  it('runs two API processes behind nginx, a worker, Redis and PostgreSQL 18', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['api-1', 'api-2', 'nginx', 'postgres', 'redis', 'worker']);
    expect(service('postgres').image).toMatch(/^postgres:18\b/);
    expect(service('redis').image).toMatch(/^redis:\d/);
    expect(OURS.map((name) => service(name).environment?.['PROCESS_ROLE'])).toEqual(['api', 'api', 'worker']);
    expect(new Set(OURS.map((name) => service(name).build))).toEqual(new Set(['.']));
    expect(existsSync('Dockerfile')).toBe(true);
  });

  it.each(OURS)('%s: every variable is a setting, or the file of a secret one', (name) => {
    for (const variable of Object.keys(service(name).environment ?? {})) {
      const secret = secretBehind(variable);
      expect([variable, (secret ?? variable) in SETTINGS]).toEqual([variable, true]);
      if (secret) expect([variable, isSecret(secret)]).toEqual([variable, true]);
    }
  });

  it.each(OURS)('%s: the settings are valid and complete for several processes', (name) => {
    const given = Object.fromEntries(
      Object.entries(service(name).environment ?? {}).map(([variable, value]) => {
        const secret = secretBehind(variable);
        return secret ? [secret, VALUES[secret] ?? 'x'.repeat(64)] : [variable, value];
      }),
    );
    expect(parseSettings(given)).toHaveProperty('settings');
    for (const needed of ['DATABASE_URL', 'DATABASE_PASSWORD', 'JWT_SECRET', 'SETUP_TOKEN', 'MASTER_KEY', 'REDIS_URL', 'WHEELHOUSE_DATA', 'HOST']) {
      expect([needed, given[needed] === undefined]).toEqual([needed, false]);
    }
    expect(given['RATE_LIMIT_BACKEND']).toBe('redis');
    expect(given['HOST']).toBe('0.0.0.0');
    expect(loadConfig(given).servesApi).toBe(name !== 'worker');
    expect(Number.parseInt(service(name).stop_grace_period ?? '', 10)).toBeGreaterThan(loadConfig(given).get('SHUTDOWN_SECONDS'));
  });

  it('gives the API processes the same settings', () => {
    expect(service('api-2').environment).toEqual(service('api-1').environment);
  });

  it('keeps secrets in files, all of which the script makes, and none in the environment', () => {
    for (const [name, { environment = {}, secrets = [] }] of Object.entries(compose.services)) {
      for (const secret of secrets) expect([name, secret, secret in compose.secrets]).toEqual([name, secret, true]);
      for (const [variable, value] of Object.entries(environment)) {
        if (variable.endsWith('_FILE')) expect([variable, secrets.map((secret) => `/run/secrets/${secret}`).includes(value)]).toEqual([variable, true]);
        else if (variable in SETTINGS && variable !== 'DATABASE_URL') expect([variable, isSecret(variable)]).toEqual([variable, false]);
        expect(value).not.toMatch(/\/\/[^/@]*:[^/@]+@/);
      }
    }
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(file).toBe(`./deploy/secrets/${name}`);
      expect(secretsScript).toMatch(new RegExp(`\\b${name}\\b`));
    }
    expect(readFileSync('deploy/secrets/.gitignore', 'utf8')).toMatch(/^\*$/m);
  });

  it('checks the health of every service, ours on real paths', () => {
    const document = JSON.parse(readFileSync('openapi/openapi.json', 'utf8')) as { paths: Record<string, unknown> };
    for (const [name, { healthcheck }] of Object.entries(compose.services)) {
      const test = healthcheck.test.join(' ');
      expect([name, test.length > 0]).toEqual([name, true]);
      const url = /http:\/\/127\.0\.0\.1:(\d+)(\/\w*)/.exec(test);
      if (![...OURS, 'nginx'].includes(name)) continue;
      expect(Object.keys(document.paths)).toContain(url?.[2]);
      expect(url?.[1]).toBe(name === 'nginx' ? /listen (\d+)/.exec(nginx)?.[1] : service(name).environment?.['PORT']);
    }
    const image = /\/readyz/.exec(readFileSync('Dockerfile', 'utf8'));
    expect(image).not.toBeNull();
  });

  it('starts each service when what it needs is healthy', () => {
    for (const name of OURS) expect(service(name).depends_on).toEqual({ postgres: { condition: 'service_healthy' }, redis: { condition: 'service_healthy' } });
    expect(Object.keys(service('nginx').depends_on ?? {}).sort()).toEqual(['api-1', 'api-2']);
  });

  it('shows nothing but nginx outside, on loopback, and keeps the database where there is no way out', () => {
    expect(Object.entries(compose.services).filter(([, { ports }]) => ports).map(([name, { ports }]) => [name, ports])).toEqual([['nginx', ['127.0.0.1:8080:8080']]]);
    expect(compose.networks['inside']?.internal).toBe(true);
    expect([service('postgres').networks, service('redis').networks]).toEqual([['inside'], ['inside']]);
    expect(OURS.every((name) => service(name).read_only)).toBe(true);
  });
});

describe('deploy/nginx.conf', () => {
  it('passes requests to the API services and to nothing else, on the port they listen on', () => {
    const upstreams = [...nginx.matchAll(/^\s*server ([\w-]+):(\d+)/gm)].map(([, name, port]) => [name, port]);
    expect(upstreams).toEqual(['api-1', 'api-2'].map((name) => [name, service(name).environment?.['PORT']]));
    const pool = /upstream (\w+) \{/.exec(nginx)?.[1];
    expect([...nginx.matchAll(/proxy_pass http:\/\/(\w+);/g)].map(([, name]) => name)).toEqual([pool, pool]);
  });

  it('is one trusted hop, and does not show what each process counts', () => {
    expect(service('api-1').environment?.['TRUST_PROXY']).toBe('1');
    expect(nginx).toContain('proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;');
    expect(nginx).toMatch(/location = \/metrics \{\s*return 404;/);
    expect(nginx).not.toMatch(/log_format[^;]*\$(?:request|request_uri|args)\b/);
  });
});

describe('deploy/postgres-init.sh', () => {
  it('makes the role of DATABASE_URL: no superuser, and bound by row-level security', () => {
    const script = readFileSync('deploy/postgres-init.sh', 'utf8');
    const { username, pathname, hostname } = new URL(service('api-1').environment?.['DATABASE_URL'] ?? '');
    expect(hostname in compose.services).toBe(true);
    expect(script).toMatch(new RegExp(`create role ${username} login createrole nosuperuser [^;]*nobypassrls`));
    expect(script).toMatch(new RegExp(`create database ${pathname.slice(1)} owner ${username};`));
    expect(service('postgres').volumes).toContain('./deploy/postgres-init.sh:/docker-entrypoint-initdb.d/10-wheelhouse.sh:ro');
  });
});
