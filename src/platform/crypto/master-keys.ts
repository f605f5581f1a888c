import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { SystemDatabase } from '../database/system-database.js';
import { StartupError } from '../startup-error.js';
import { LocalMasterKey, masterKeyBytes, masterKeyTexts, type MasterKey } from './master-key.js';
import { makeMasterKeyFile, masterKeyFileIn, readMasterKeys } from './master-key-file.js';

/** Key of the advisory lock under which processes agree on the current master key; any constant will do. */
export const MASTER_KEY_LOCK = 7_305_803_922;

/** Where master keys come from. The first of `load()` is the current one; the others still open what was wrapped under them. */
export abstract class MasterKeyProvider {
  /** Reads them again: a rotation may have come by. */
  abstract load(): readonly MasterKey[];
}

/** Keys in MASTER_KEY, in the file of MASTER_KEY_FILE, or in a file that the plane makes for itself in its data folder. */
@Injectable()
export class LocalMasterKeys extends MasterKeyProvider {
  /** The file that keys are read from; undefined when they came with the environment. */
  readonly file: string | undefined;
  /** Whether this process made the key now: whoever started it has to be told. */
  made = false;

  constructor(private readonly config: Config) {
    super();
    this.file = config.fileOf('MASTER_KEY') ?? (config.get('MASTER_KEY') === undefined ? masterKeyFileIn(config.get('WHEELHOUSE_DATA')) : undefined);
  }

  /** @throws StartupError when the file cannot be read */
  load(): readonly MasterKey[] {
    const texts = this.file === undefined ? masterKeyTexts(this.config.get('MASTER_KEY') ?? '') : readMasterKeys(this.file);
    return texts.flatMap((text) => masterKeyBytes(text) ?? []).map((bytes) => new LocalMasterKey(bytes));
  }

  /** Makes the key of a new installation. @throws StartupError when the folder cannot be written */
  makeUnlessThere(): void {
    if (this.file === masterKeyFileIn(this.config.get('WHEELHOUSE_DATA'))) this.made = makeMasterKeyFile(this.file);
  }
}

/**
 * The master keys of this process, held against what the database says: under a key that the others do not know, or no
 * longer use, nothing is wrapped.
 */
@Injectable()
export class MasterKeys implements OnModuleInit {
  private keys: readonly MasterKey[] = [];

  constructor(
    private readonly provider: LocalMasterKeys,
    private readonly database: SystemDatabase,
  ) {}

  /** @throws StartupError when the database's keys are wrapped under a master key that this process does not have */
  async onModuleInit(): Promise<void> {
    await this.database.transaction(async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [MASTER_KEY_LOCK]);
      const { rows } = await client.query<{ id: string; used: boolean }>(
        `select id, exists (select from tenant_keys where master_key_id = m.id and destroyed_at is null) as used from master_keys m where retiring_at is null`,
      );
      const [known] = rows;
      if (!known?.used) this.provider.makeUnlessThere();
      this.keys = this.provider.load();
      const current = this.keys[0];
      if (!current) throw new StartupError('there is no master key');
      if (this.keys.some(({ id }) => id === known?.id)) return;
      // What nothing rests on may be replaced: a data folder that was lost before anything was sealed.
      if (known?.used) throw new StartupError(`the keys of this database are wrapped under another master key (${known.id}; given is ${current.id}): give every process the same MASTER_KEY_FILE, or put the file back from its backup`);
      await client.query('update master_keys set retiring_at = now(), retired_at = now() where id = $1', [known?.id]);
      await client.query('insert into master_keys (id) values ($1) on conflict (id) do update set retiring_at = null, retired_at = null', [current.id]);
    });
  }

  /** The key that new ones are wrapped under. */
  get current(): MasterKey {
    const [current] = this.keys;
    if (!current) throw new Error('Master keys are used before start.');
    return current;
  }

  /** The key of this id; looks for it anew when a rotation may have brought it. */
  find(id: string): MasterKey | undefined {
    return this.keys.find((key) => key.id === id) ?? this.reload().find((key) => key.id === id);
  }

  /** Reads the keys again. */
  reload(): readonly MasterKey[] {
    this.keys = this.provider.load();
    return this.keys;
  }
}
