import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { chmod, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { StartupError } from '../startup-error.js';
import { readIfThere, writeAtomically } from './embedded-files.js';

/** Name of the cluster's superuser, and of the login role that owns the application's database of the same name. */
export const SUPERUSER = 'postgres';
export const OWNER = 'wheelhouse';

/** Passwords of the two login roles, as kept in `<data folder>/postgres.password`. */
export interface Credentials {
  superuser: string;
  wheelhouse: string;
}

/**
 * Reads the passwords, or makes them when there is no cluster yet.
 *
 * @throws StartupError when the file is gone although the cluster exists, or malformed
 */
export async function loadCredentials(path: string, clusterExists: boolean): Promise<Credentials> {
  const text = await readIfThere(path);
  if (text === undefined) {
    if (clusterExists) throw new StartupError(`${path} is missing: the database cannot be opened without it; put it back from a backup`);
    const made = { superuser: randomBytes(32).toString('base64url'), wheelhouse: randomBytes(32).toString('base64url') };
    await writeAtomically(path, `${JSON.stringify(made, null, 2)}\n`);
    return made;
  }
  const parsed = parse(text);
  if (!parsed) throw new StartupError(`${path} is malformed: put it back from a backup`);
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  return parsed;
}

function parse(text: string): Credentials | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('superuser' in value) || !('wheelhouse' in value)) return undefined;
    const { superuser, wheelhouse } = value;
    return typeof superuser === 'string' && typeof wheelhouse === 'string' ? { superuser, wheelhouse } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The form in which PostgreSQL stores a password (SCRAM-SHA-256). The server only ever receives this, so the password
 * itself is in no statement, and in no log of one.
 */
export async function scramVerifier(password: string): Promise<string> {
  const salt = randomBytes(16);
  const iterations = 4096;
  const salted = await promisify(pbkdf2)(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}

/** A connection address on loopback. The passwords made here need no escaping; others may. */
export function connectionUrl(user: string, password: string, port: number, database: string): string {
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}
