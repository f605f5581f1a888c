import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { HttpAdapterHost } from '@nestjs/core';
import pg from 'pg';
import { Config, loadConfig } from '../platform/config/config.js';
import { KeyRotation } from '../platform/crypto/key-rotation.js';
import { checkMasterKey, kmsMasterKey } from '../platform/crypto/kms-master-keys.js';
import { type MasterKey, newMasterKey } from '../platform/crypto/master-key.js';
import { makeMasterKeyFile, replaceMasterKeys } from '../platform/crypto/master-key-file.js';
import { masterKeyOf, masterKeySource, type MasterKeySource, textsFrom } from '../platform/crypto/master-key-source.js';
import { poolOptions } from '../platform/database/pool-options.js';
import { SYSTEM_ROLE } from '../platform/database/tenant-table.js';
import { AddressResolver } from '../platform/egress/address-resolver.js';
import { Egress } from '../platform/egress/egress.js';
import { WITHOUT_BREAKERS } from '../platform/egress/egress-passages.js';
import { EgressPolicy } from '../platform/egress/egress-policy.js';
import { errorCode } from '../platform/startup-error.js';
import { type Command, type Output, UsageError } from './command.js';
import { withDatabase } from './with-database.js';

type Place = 'local' | 'kms';

/** What the database says of master keys. */
interface Recorded {
  currentId: string | undefined;
  /** Whether a rotation has begun and not come to its end. */
  isUnderWay: boolean;
}

/** What a rotation works with. */
interface Plan {
  next: MasterKey;
  others: readonly MasterKey[];
  /** What is left to do when nothing rests on the others any more. */
  finish: (output: Output) => Promise<void>;
}

/** Puts another master key in the place of the current one. */
export const keysRotate: Command = {
  name: 'keys rotate',
  usage: `keys rotate [--to local|kms]
    Makes a new master key and wraps the keys of all tenants under it, while the planes work. With the settings of a plane
    (DATABASE_URL, MASTER_KEY_FILE, WHEELHOUSE_DATA). Killed, it goes on when it is called again. The old key is kept beside the file,
    for dumps that were made before. With MASTER_KEY in the environment, or files on several machines: first put a new key
    before the old one everywhere (openssl rand -hex 32) and restart, then call this.
    --to kms    moves to the key of the service in KMS_URL; when it is there already: wraps all anew, under that key's latest version
    --to local  moves from the key service to MASTER_KEY_FILE, MASTER_KEY or the file in WHEELHOUSE_DATA, which is made when there is none
                Before either, give every plane the settings of both, and restart.`,
  async run(args, output) {
    const to = placeOf(args);
    const given = loadConfig();
    const hasService = given.get('KMS_URL') !== undefined;
    if (hasService && to === undefined) throw new UsageError('there is a key service in KMS_URL: say where the master key shall be, --to kms or --to local.');
    if (to === 'kms' && !hasService) throw new UsageError('--to kms needs KMS_URL.');
    return withDatabase(given, (url) => rotate(new Config({ ...given.settings, DATABASE_URL: url }, given.files), to ?? 'local', output));
  },
};

function placeOf(args: readonly string[]): Place | undefined {
  try {
    const { to } = parseArgs({ args: [...args], options: { to: { type: 'string' } } }).values;
    if (to === undefined || to === 'local' || to === 'kms') return to;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  throw new UsageError('--to takes local or kms.');
}

async function rotate(config: Config, to: Place, output: Output): Promise<number> {
  const egress = new Egress(new EgressPolicy(config, new AddressResolver(), new HttpAdapterHost()), { count: () => undefined }, WITHOUT_BREAKERS);
  const client = new pg.Client(poolOptions(config, SYSTEM_ROLE, 1));
  await client.connect();
  try {
    const rotation = new KeyRotation(client);
    await rotation.begin();
    const now: Recorded = { currentId: await rotation.currentId(), isUnderWay: await rotation.isUnderWay() };
    const { currentId } = now;
    const service = kmsMasterKey(config, egress);
    const { next, others, finish } = to === 'kms' && service ? await toService(config, service) : toLocal(config, service, now);
    const known = new Map([next, ...others].map((key) => [key.id, key]));
    if (currentId !== undefined && !known.has(currentId)) throw new Error(`the master key in use (${currentId}) was not given: give that one too`);
    await rotation.switchTo(next);
    const count = await rewrapAll(rotation, next, known, currentId === next.id && to === 'kms', output);
    await rotation.retireOthers(next);
    await finish(output);
    output.out(`done: ${count} keys of tenants are under ${next.id} now, and none under another.`);
    return 0;
  } finally {
    await client.end();
    await egress.onApplicationShutdown();
  }
}

async function toService(config: Config, service: MasterKey): Promise<Plan> {
  await checkMasterKey(service);
  const source = masterKeySource(config);
  const others = textsIfThere(source, config).map(masterKeyOf);
  const where = source.file ?? 'MASTER_KEY';
  const finish = async (output: Output): Promise<void> => {
    if (others.length > 0) output.out(`Take ${where} away from every plane now, and keep the key in it apart, as long as dumps that were made before.`);
  };
  return { next: service, others, finish };
}

function toLocal(config: Config, service: MasterKey | undefined, now: Recorded): Plan {
  const source = masterKeySource(config);
  const isMove = service !== undefined && now.currentId === service.id;
  if (isMove && source.isOwn && source.file !== undefined) makeMasterKeyFile(source.file);
  const texts = isMove ? textsFrom(source, config) : prepare(source, textsFrom(source, config), now);
  const [next, ...others] = texts.map(masterKeyOf);
  if (!next) throw new Error('there is no master key');
  const finish = async (output: Output): Promise<void> => {
    await putAway(source, texts, others, output);
    if (service) output.out('Take KMS_URL, KMS_KEY and KMS_TOKEN away from every plane now, and keep the key in the service as long as dumps that were made before.');
  };
  return { next, others: service ? [...others, service] : others, finish };
}

const textsIfThere = (source: MasterKeySource, config: Config): string[] => (source.isOwn && !existsSync(source.file ?? '') ? [] : textsFrom(source, config));

/** The keys to work with, the new one first. One that was written down before is gone on with; else it is made here: what stands behind the current one may be left from before. */
function prepare(source: MasterKeySource, texts: string[], { currentId, isUnderWay }: Recorded): string[] {
  const first = texts[0] === undefined ? undefined : masterKeyOf(texts[0]).id;
  if (texts.length > 1 && (first !== currentId || isUnderWay)) return texts;
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

async function rewrapAll(rotation: KeyRotation, next: MasterKey, known: ReadonlyMap<string, MasterKey>, again: boolean, output: Output): Promise<number> {
  let total = 0;
  for (;;) {
    const count = await rotation.rewrapSome(next, known);
    if (count === 0) break;
    total += count;
    output.out(`rewrapped ${total}`);
  }
  return again ? total + (await rotation.rewrapAgain(next, (count) => output.out(`rewrapped ${count}`))) : total;
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
