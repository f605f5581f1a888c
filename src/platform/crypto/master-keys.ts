import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config.js';
import { SystemDatabase } from '../database/system-database.js';
import { StartupError } from '../startup-error.js';
import type { MasterKey } from './master-key.js';
import { makeMasterKeyFile } from './master-key-file.js';
import { masterKeyOf, masterKeySource, type MasterKeySource, textsFrom } from './master-key-source.js';

/** Key of the advisory lock under which processes agree on the current master key; any constant will do. */
export const MASTER_KEY_LOCK = 7_305_803_922;

/** Who holds the master keys. The first is current as far as this process knows; the others open what was wrapped under them. */
export abstract class MasterKeyProvider {
  /** Reads them again: a rotation may have come by. */
  abstract load(): readonly MasterKey[];
  /** Makes the key of a new installation, where the provider is one that makes keys. */
  abstract makeUnlessThere(): void;
}

/** Keys in MASTER_KEY, in the file of MASTER_KEY_FILE, or in a file that the plane makes for itself in its data folder. */
@Injectable()
export class LocalMasterKeys extends MasterKeyProvider {
  /** The file that this process made now: whoever started it has to be told. */
  made: string | undefined;
  private readonly source: MasterKeySource;

  constructor(private readonly config: Config) {
    super();
    this.source = masterKeySource(config);
  }

  /** @throws StartupError when the file cannot be read */
  load(): readonly MasterKey[] {
    return textsFrom(this.source, this.config).map(masterKeyOf);
  }

  /** @throws StartupError when the folder cannot be written */
  makeUnlessThere(): void {
    const { file, isOwn } = this.source;
    if (file !== undefined && isOwn && makeMasterKeyFile(file)) this.made = file;
  }
}

/** The master keys of this process. Which of them is current is for the database to say, the same for all processes. */
@Injectable()
export class MasterKeys implements OnModuleInit {
  private readonly keys = new Map<string, MasterKey>();

  constructor(
    private readonly provider: MasterKeyProvider,
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
      const [first] = this.reload();
      if (!first) throw new StartupError('there is no master key');
      if (known && this.keys.has(known.id)) return;
      // What nothing rests on may be replaced: a data folder that was lost before anything was sealed.
      if (known?.used) throw new StartupError(`the keys of this database are wrapped under another master key (${known.id}; given is ${first.id}): give every process the same MASTER_KEY_FILE, or put the file back from its backup`);
      await client.query('update master_keys set retiring_at = now(), retired_at = now() where id = $1', [known?.id]);
      await client.query('insert into master_keys (id) values ($1) on conflict (id) do update set retiring_at = null, retired_at = null', [first.id]);
    });
  }

  /** The key of this id; looks for it anew when a rotation may have brought it. */
  find(id: string): MasterKey | undefined {
    if (!this.keys.has(id)) this.reload();
    return this.keys.get(id);
  }

  /** Reads the keys again. Those known before stay known: a row that was read a moment ago may be wrapped under one. */
  private reload(): readonly MasterKey[] {
    const loaded = this.provider.load();
    for (const key of loaded) this.keys.set(key.id, key);
    return loaded;
  }
}
