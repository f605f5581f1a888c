import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type NoteKey, publicKeyOf, rawPublicKey } from '../../core/audit/checkpoint.js';
import { newId } from '../../core/ids.js';
import { Config } from '../../platform/config/config.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { errorCode, StartupError } from '../../platform/startup-error.js';

const FILE = 'audit-key';

/** What checkpoints are signed with, and the name of each tenant's log. */
export interface AuditSigner {
  key: NoteKey;
  originOf(tenantId: string): string;
}

/**
 * The keys of this installation's checkpoints. The private one is made at first start and kept where only its owner reads
 * it; the public ones, of every process there ever was, are in the database.
 */
@Injectable()
export class AuditKeys implements OnModuleInit {
  private made: Promise<AuditSigner> | undefined;

  constructor(
    private readonly config: Config,
    private readonly database: SystemDatabase,
  ) {}

  onModuleInit(): void {
    // A folder that cannot be written stops the start, not the first seal.
    keptKey(this.config.get('WHEELHOUSE_DATA'));
  }

  signer(): Promise<AuditSigner> {
    this.made ??= this.load().catch((error: unknown) => {
      this.made = undefined;
      throw error;
    });
    return this.made;
  }

  /** Public keys, the oldest first: each checkpoint is signed by one of them. */
  async verifiers(): Promise<NoteKey[]> {
    const { key } = await this.signer();
    const rows = await this.database.query<{ public_key: Buffer }>(`select public_key from audit_keys where purpose = 'checkpoint' order by created_at, id`);
    return rows.map((row) => ({ name: key.name, key: publicKeyOf(row.public_key) }));
  }

  async originOf(tenantId: string): Promise<string> {
    return (await this.signer()).originOf(tenantId);
  }

  private async load(): Promise<AuditSigner> {
    const privateKey = keptKey(this.config.get('WHEELHOUSE_DATA'));
    await this.database.execute(
      `insert into audit_keys (id, purpose, public_key) select $1, 'checkpoint', $2 where not exists (select from audit_keys where public_key = $2)`,
      [newId(), rawPublicKey(createPublicKey(privateKey))],
    );
    const [row] = await this.database.query<{ id: string }>('select id from installation');
    const name = `wheelhouse.audit/${row?.id ?? ''}`;
    return { key: { name, key: privateKey }, originOf: (tenantId) => `${name}/${tenantId}` };
  }
}

/** @throws StartupError when the data folder cannot be written */
function keptKey(folder: string): KeyObject {
  const file = join(folder, FILE);
  try {
    mkdirSync(folder, { recursive: true });
    if (!existsSync(file)) makeOnce(file);
    return createPrivateKey(readFileSync(file));
  } catch (cause) {
    throw new StartupError(`the key of the audit log cannot be kept in ${folder} (${errorCode(cause) ?? 'unknown error'}): make the folder writable`, { cause });
  }
}

/** Several processes may start at once: each writes a file of its own, and the first link decides for all. */
function makeOnce(file: string): void {
  const own = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(own, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(own, file);
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw cause;
  } finally {
    rmSync(own, { force: true });
  }
}
