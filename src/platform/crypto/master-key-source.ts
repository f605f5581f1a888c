import type { Config } from '../config/config.js';
import { LocalMasterKey, masterKeyBytes, masterKeyTexts } from './master-key.js';
import { masterKeyFileIn, readMasterKeys } from './master-key-file.js';

/** Where the master keys of a process come from. */
export interface MasterKeySource {
  /** The file that they are read from; undefined when they came with the environment. */
  file: string | undefined;
  /** Whether the file is one that the plane makes for itself. */
  isOwn: boolean;
}

/** MASTER_KEY_FILE, MASTER_KEY, or a file in the data folder. */
export function masterKeySource(config: Config): MasterKeySource {
  const given = config.fileOf('MASTER_KEY');
  if (given !== undefined) return { file: given, isOwn: false };
  if (config.get('MASTER_KEY') !== undefined) return { file: undefined, isOwn: false };
  return { file: masterKeyFileIn(config.get('WHEELHOUSE_DATA')), isOwn: true };
}

/** The keys as they are written, the current one first. @throws StartupError when the file cannot be read */
export function textsFrom({ file, isOwn }: MasterKeySource, config: Config): string[] {
  return file === undefined ? masterKeyTexts(config.get('MASTER_KEY') ?? '') : readMasterKeys(file, isOwn ? 'own' : 'given');
}

export function masterKeyOf(text: string): LocalMasterKey {
  const bytes = masterKeyBytes(text);
  if (!bytes) throw new Error('That is no master key.');
  return new LocalMasterKey(bytes);
}
