import { writeFile } from 'node:fs/promises';
import pg from 'pg';
import { Config, loadConfig } from '../platform/config/config.js';
import { KeyRotation } from '../platform/crypto/key-rotation.js';
import { type MasterKey, newMasterKey } from '../platform/crypto/master-key.js';
import { replaceMasterKeys } from '../platform/crypto/master-key-file.js';
import { masterKeyOf, masterKeySource, type MasterKeySource, textsFrom } from '../platform/crypto/master-key-source.js';
import { poolOptions } from '../platform/database/pool-options.js';
import { SYSTEM_ROLE } from '../platform/database/tenant-table.js';
import { errorCode } from '../platform/startup-error.js';
import { type Command, type Output, UsageError } from './command.js';
import { withDatabase } from './with-database.js';

/** Puts another master key in the place of the current one. */
export const keysRotate: Command = {
  name: 'keys rotate',
  usage: `keys rotate
    Makes a new master key and wraps the keys of all tenants under it, while the planes work. With the settings of a plane
    (DATABASE_URL, MASTER_KEY_FILE, WHEELHOUSE_DATA). Killed, it goes on when it is called again. The old key is kept beside the file,
    for dumps that were made before. With MASTER_KEY in the environment, or files on several machines: first put a new key
    before the old one everywhere (openssl rand -hex 32) and restart, then call this.`,
  async run(args, output) {
    if (args.length > 0) throw new UsageError('keys rotate takes no arguments.');
    const given = loadConfig();
    if (given.get('KMS_URL') !== undefined) throw new Error('the master key is in a key service: rotate it there');
    return withDatabase(given, (url) => rotate(new Config({ ...given.settings, DATABASE_URL: url }, given.files), output));
  },
};

async function rotate(config: Config, output: Output): Promise<number> {
  const client = new pg.Client(poolOptions(config, SYSTEM_ROLE, 1));
  await client.connect();
  try {
    const rotation = new KeyRotation(client);
    await rotation.begin();
    const source = masterKeySource(config);
    const texts = prepare(source, textsFrom(source, config), await rotation.currentId());
    const [next, ...others] = texts.map(masterKeyOf);
    if (!next) throw new Error('there is no master key');
    await rotation.switchTo(next);
    const count = await rewrapAll(rotation, next, new Map([next, ...others].map((key) => [key.id, key])), output);
    await rotation.retireOthers(next);
    await putAway(source, texts, others, output);
    output.out(`done: ${count} keys of tenants are under ${next.id} now, and none under another.`);
    return 0;
  } finally {
    await client.end();
  }
}

/** The keys to work with, the new one first. One that was written down before is gone on with; else it is made here. */
function prepare(source: MasterKeySource, texts: string[], currentId: string | undefined): string[] {
  const first = texts[0] === undefined ? undefined : masterKeyOf(texts[0]).id;
  if (texts.length > 1) return texts;
  if (currentId !== undefined && first !== currentId) throw new Error(`the master key that was given (${String(first)}) is not the one in use (${currentId}): put that one behind it`);
  if (source.file === undefined) throw new Error('MASTER_KEY comes with the environment: put a new key before it (openssl rand -hex 32), restart every process, then call this again');
  const prepared = [newMasterKey(), ...texts];
  try {
    replaceMasterKeys(source.file, prepared);
  } catch (cause) {
    throw new Error(`${source.file} cannot be written (${errorCode(cause) ?? 'unknown error'}): put a new key before the old one yourself (openssl rand -hex 32), in every copy of the file, then call this again`, { cause });
  }
  return prepared;
}

async function rewrapAll(rotation: KeyRotation, next: MasterKey, known: ReadonlyMap<string, MasterKey>, output: Output): Promise<number> {
  let total = 0;
  for (;;) {
    const count = await rotation.rewrapSome(next, known);
    if (count === 0) return total;
    total += count;
    output.out(`rewrapped ${total}`);
  }
}

/** Takes the old keys out of the file, each into one beside it. */
async function putAway(source: MasterKeySource, texts: readonly string[], others: readonly MasterKey[], output: Output): Promise<void> {
  if (others.length === 0) return;
  if (source.file === undefined) return output.out('Take the old key out of MASTER_KEY now, and keep it as long as dumps that were made before.');
  try {
    for (const [index, { id }] of others.entries()) await keep(`${source.file}.${id.replace(':', '-')}`, texts[index + 1] ?? '');
    replaceMasterKeys(source.file, texts.slice(0, 1));
    output.out(`the old key is kept beside ${source.file}: it opens dumps that were made before, and can go when those have gone.`);
  } catch (cause) {
    output.out(`${source.file} cannot be written (${errorCode(cause) ?? 'unknown error'}): take the old key out of it, and keep it as long as dumps that were made before.`);
  }
}

const keep = (path: string, text: string): Promise<void> => writeFile(path, `${text}\n`, { mode: 0o600, flush: true });
