import { existsSync } from 'node:fs';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { Config } from '../config/config.js';
import { ADVISORY_LOCKS } from '../database/advisory-locks.js';
import { SystemDatabase } from '../database/system-database.js';
import { errorText, StartupError } from '../startup-error.js';
import { aboutKey } from './about-key.js';
import type { MasterKey } from './master-key.js';
import { makeMasterKeyFile } from './master-key-file.js';
import { masterKeyOf, masterKeySource, type MasterKeySource, textsFrom } from './master-key-source.js';
import type { TenantKeyRow } from './tenant-keys.repository.js';

/** Who holds the master keys. The first is current as far as this process knows; the others open what was wrapped under them. */
export abstract class MasterKeyProvider {
  /** Reads them again: a rotation may have come by. */
  abstract load(): readonly MasterKey[];
  /** Makes the key of a new installation, where the provider is one that makes keys. */
  abstract makeUnlessThere(): void;
  /** @throws StartupError when the current key cannot be used */
  abstract check(): Promise<void>;
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

  /** None where there is nothing to read them from. */
  loadIfThere(): readonly MasterKey[] {
    return this.source.isOwn && !existsSync(this.source.file ?? '') ? [] : this.load();
  }

  async check(): Promise<void> {
    // What was read is right: it has been looked at when it was read.
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
  private readonly logger = new Logger(MasterKeys.name);
  private readonly keys = new Map<string, MasterKey>();

  constructor(
    private readonly provider: MasterKeyProvider,
    private readonly database: SystemDatabase,
  ) {}

  /** @throws StartupError when the database's keys are wrapped under a master key that this process does not have */
  async onModuleInit(): Promise<void> {
    await this.provider.check();
    await this.agree();
    await this.tryOne();
  }

  private async agree(): Promise<void> {
    await this.database.transaction(async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.masterKey]);
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
    if (!this.keys.has(id)) this.reloadIfItCan();
    return this.keys.get(id);
  }

  /** A key's id says which it is, for a key service only by its name: one that was made anew there has the same, and opens nothing. */
  private async tryOne(): Promise<void> {
    const [row] = await this.database.query<TenantKeyRow>(
      `select tenant_id, id, subject_type, subject_id, wrapped, master_key_id from tenant_keys
       where master_key_id = (select id from master_keys where retiring_at is null) and destroyed_at is null limit 1`,
    );
    if (!row?.wrapped) return;
    try {
      (await this.keys.get(row.master_key_id)?.unwrap(row.wrapped, aboutKey(row)))?.fill(0);
    } catch (cause) {
      if (cause instanceof Problem) throw new StartupError('the key service in KMS_URL gave no answer', { cause });
      throw new StartupError(`the master key ${row.master_key_id} does not open the keys of this database, though it has the same name: put back the key that wrapped them`, { cause });
    }
  }

  /** While somebody edits the file it may hold anything: who needs the key then is told to come again. */
  private reloadIfItCan(): void {
    try {
      this.reload();
    } catch (error) {
      this.logger.error(`The master keys cannot be read: ${errorText(error)}`);
    }
  }

  /** Reads the keys again. Those known before stay known: a row that was read a moment ago may be wrapped under one. */
  private reload(): readonly MasterKey[] {
    const loaded = this.provider.load();
    for (const key of loaded) this.keys.set(key.id, key);
    return loaded;
  }
}
