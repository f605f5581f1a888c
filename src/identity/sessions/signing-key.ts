import { hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { errorCode, StartupError } from '../../platform/startup-error.js';

const FILE = 'jwt-secret';

/** The key of the access tokens: 32 bytes made of the secret (HKDF-SHA256), so that other uses of it share no key. */
export function accessTokenKey(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'wheelhouse access token', 32));
}

/** The key of the tokens that browsers show with their session cookie. */
const csrfKey = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'wheelhouse csrf token', 32));

/** The key of this installation: from JWT_SECRET, or made once and kept where only its owner reads it. */
@Injectable()
export class SigningKey {
  readonly bytes: Buffer;
  /** The key before the last change: tokens are checked with it, never signed. */
  readonly previous: Buffer | undefined;
  readonly csrf: Buffer;
  readonly previousCsrf: Buffer | undefined;

  /** @throws StartupError when the data folder cannot be written */
  constructor(config: Config) {
    const secret = config.get('JWT_SECRET') ?? keptSecret(config.get('WHEELHOUSE_DATA'));
    this.bytes = accessTokenKey(secret);
    this.csrf = csrfKey(secret);
    const previous = config.get('JWT_SECRET_PREVIOUS');
    this.previous = previous === undefined ? undefined : accessTokenKey(previous);
    this.previousCsrf = previous === undefined ? undefined : csrfKey(previous);
  }
}

function keptSecret(folder: string): string {
  const file = join(folder, FILE);
  try {
    mkdirSync(folder, { recursive: true });
    if (!existsSync(file)) makeOnce(file);
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new StartupError(
      `the key of the access tokens cannot be kept in ${folder} (${errorCode(cause) ?? 'unknown error'}): make the folder writable, or set JWT_SECRET`,
    );
  }
}

/** Several processes may start at once: each writes a file of its own, and the first link decides for all. */
function makeOnce(file: string): void {
  const own = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(own, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkUnlessThere(own, file);
  } finally {
    rmSync(own, { force: true });
  }
}

function linkUnlessThere(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw cause;
  }
}
