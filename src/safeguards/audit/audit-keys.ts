import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type NoteKey, publicKeyOf, rawPublicKey } from '../../core/audit/checkpoint.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import { type SealedPlace, TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { ADVISORY_LOCKS } from '../../platform/database/advisory-locks.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { beforeTransaction } from '../../platform/database/transaction-scope.js';

type Purpose = 'checkpoint' | 'label';

/** What checkpoints are signed with, and the name of each tenant's log. */
export interface AuditSigner {
  key: NoteKey;
  originOf(tenantId: string): string;
}

interface NewKey {
  secret: Buffer;
  publicKey: Buffer | null;
}

const LABEL_KEY_BYTES = 32;

/**
 * The keys of this installation's audit log: the one that signs checkpoints, and the one under which labels are looked up.
 * They are made when first needed and stand in the database, sealed under the operator's key.
 */
@Injectable()
export class AuditKeys {
  private readonly known = new Map<Purpose, Buffer>();
  private readonly loading = new Map<Purpose, Promise<Buffer>>();
  private installation: Promise<string> | undefined;

  constructor(
    private readonly cipher: TenantCipher,
    private readonly database: SystemDatabase,
  ) {}

  async signer(): Promise<AuditSigner> {
    const [name, secret] = await Promise.all([this.name(), this.secret('checkpoint')]);
    return { key: { name, key: createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' }) }, originOf: (tenantId) => `${name}/${tenantId}` };
  }

  /** Public keys, the oldest first: each checkpoint is signed by one of them. */
  async verifiers(): Promise<NoteKey[]> {
    const name = await this.name();
    await this.secret('checkpoint');
    const rows = await this.database.query<{ public_key: Buffer }>(`select public_key from audit_keys where purpose = 'checkpoint' order by created_at, id`);
    return rows.map((row) => ({ name, key: publicKeyOf(row.public_key) }));
  }

  async originOf(tenantId: string): Promise<string> {
    return `${await this.name()}/${tenantId}`;
  }

  /** What rows are found by when their label is sealed: nobody can try names on it without the key. */
  async labelHash(tenantId: string, label: string): Promise<Buffer> {
    return createHmac('sha256', await this.secret('label')).update(`${tenantId}\n${label}`).digest();
  }

  private name(): Promise<string> {
    this.installation ??= this.database.query<{ id: string }>('select id from installation').then(
      ([row]) => `wheelhouse.audit/${row?.id ?? ''}`,
      (error: unknown) => {
        this.installation = undefined;
        throw error;
      },
    );
    return this.installation;
  }

  /** Of all who need it meanwhile one loads it. */
  private async secret(purpose: Purpose): Promise<Buffer> {
    const known = this.known.get(purpose);
    if (known) return known;
    beforeTransaction(() => this.secret(purpose));
    const running = this.loading.get(purpose);
    if (running) return running;
    const started = this.load(purpose).finally(() => this.loading.delete(purpose));
    this.loading.set(purpose, started);
    return started;
  }

  private async load(purpose: Purpose): Promise<Buffer> {
    const found = (await this.stored(purpose)) ?? (await this.make(purpose));
    const secret = Buffer.from(await this.cipher.open(placeOf(found.id), found.sealed_key), 'base64');
    this.known.set(purpose, secret);
    return secret;
  }

  private async stored(purpose: Purpose): Promise<{ id: string; sealed_key: Buffer } | undefined> {
    const rows = await this.database.query<{ id: string; sealed_key: Buffer }>(
      'select id, sealed_key from audit_keys where purpose = $1 and sealed_key is not null order by created_at desc, id desc limit 1', [purpose],
    );
    return rows[0];
  }

  /** Of several processes that start at once, one makes it for all. */
  private async make(purpose: Purpose): Promise<{ id: string; sealed_key: Buffer }> {
    const [id, { secret, publicKey }] = [newId(), purpose === 'checkpoint' ? signingKey() : { secret: randomBytes(LABEL_KEY_BYTES), publicKey: null }];
    const sealed = await this.cipher.seal(placeOf(id), secret.toString('base64'));
    await this.database.transaction(async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.auditKeys]);
      await client.query(
        `insert into audit_keys (id, purpose, public_key, sealed_key) select $1, $2, $3, $4
         where not exists (select from audit_keys where purpose = $2 and sealed_key is not null)`,
        [id, purpose, publicKey, sealed],
      );
    });
    const made = await this.stored(purpose);
    if (!made) throw new Error('A key of the audit log was not kept.');
    return made;
  }
}

function signingKey(): NewKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { secret: privateKey.export({ format: 'der', type: 'pkcs8' }), publicKey: rawPublicKey(createPublicKey(privateKey)) };
}

const placeOf = (id: string): SealedPlace => ({ tenantId: OPERATOR_TENANT_ID, row: `audit_keys/${id}/sealed_key` });
