import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Problem } from '../../core/problem.js';
import type { Config } from '../config/config.js';
import type { Egress } from '../egress/egress.js';
import { StartupError } from '../startup-error.js';
import { KmsMasterKey } from './kms-master-key.js';
import type { MasterKey } from './master-key.js';
import { type LocalMasterKeys, MasterKeyProvider } from './master-keys.js';
import { KEY_BYTES } from './sealing.js';

/** The key of the service that KMS_URL names; undefined when none is named. */
export function kmsMasterKey(config: Config, egress: Egress): KmsMasterKey | undefined {
  const [url, given] = [config.get('KMS_URL'), config.get('KMS_TOKEN')];
  if (url === undefined || given === undefined) return undefined;
  return new KmsMasterKey(egress.onlyTo(url), { url, key: config.get('KMS_KEY'), token: tokenOf(given, config.fileOf('KMS_TOKEN')) });
}

/** A file is read again each time: whoever renews the token writes it there. While that is under way the last one holds. */
function tokenOf(given: string, file: string | undefined): () => string {
  let last = given;
  return () => {
    if (file === undefined) return given;
    try {
      last = readFileSync(file, 'utf8').trim() || last;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
    return last;
  };
}

/** The key of a key service first; keys of this process's own behind it, on the way from one to the other. */
export class KmsMasterKeys extends MasterKeyProvider {
  constructor(
    private readonly key: KmsMasterKey,
    private readonly local: LocalMasterKeys,
  ) {
    super();
  }

  load(): readonly MasterKey[] {
    return [this.key, ...this.local.loadIfThere()];
  }

  makeUnlessThere(): void {
    // The service has made it.
  }

  /** @throws StartupError when the service is away, or its key is not one that can be relied on */
  check(): Promise<void> {
    return checkMasterKey(this.key);
  }
}

/** Wraps something and looks at what comes of it. @throws StartupError when this key had better not be used */
export async function checkMasterKey(key: MasterKey): Promise<void> {
  const about = 'is it bound?';
  const wrapped = await key.wrap(randomBytes(KEY_BYTES), about).catch(notUsable);
  const opened = await key.unwrap(wrapped, 'something else').catch((error: unknown) => (error instanceof Problem ? notUsable(error) : undefined));
  if (opened) throw new StartupError('the key in the key service does not bind what it wraps to associated data: it must be of type aes256-gcm96 (KMS_KEY)');
}

function notUsable(cause: unknown): never {
  const why = cause instanceof Problem ? 'the log above says why' : 'it refuses to wrap';
  throw new StartupError(`the key service in KMS_URL cannot be used (${why}): the master key is in it, and nothing can be opened or sealed without (KMS_URL, KMS_KEY, KMS_TOKEN)`, { cause });
}
