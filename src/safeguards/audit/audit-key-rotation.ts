import { Injectable } from '@nestjs/common';
import { type NoteKey, verifierKey } from '../../core/audit/checkpoint.js';
import { type Handover, signHandover } from '../../core/audit/key-handover.js';
import { OPERATOR_TENANT_ID } from '../../core/ids.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { AuditKeys } from './audit-keys.js';
import { AuditKeysRepository } from './audit-keys.repository.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

const ACTOR = 'keys rotate-audit';

/** Puts another key in the place of the one that signs checkpoints, while the planes work: they ask for it each time. */
@Injectable()
export class AuditKeyRotation {
  constructor(
    private readonly context: RequestContext,
    private readonly keys: AuditKeys,
    private readonly rows: AuditKeysRepository,
    private readonly audit: AuditService,
    private readonly log: AuditRepository,
    private readonly database: SystemDatabase,
  ) {}

  /**
   * One transaction: the secret of the old key goes, the new one is there, and the operator's log says so.
   * @throws Error when the key was replaced meanwhile
   */
  async rotate(): Promise<Handover> {
    const { id, key } = await this.keys.signer();
    const { row, secret } = await this.keys.newSigningKey();
    const next: NoteKey = { name: key.name, key: secret };
    const keys = { from: verifierKey(key), to: verifierKey(next) };
    const old = { id, sealed_public: await this.keys.sealPublic(id, key) };
    const entry = await this.context.runAsSystem(OPERATOR_TENANT_ID, ACTOR, () => this.audit.prepare({ action: 'audit.rotate_key', resource: { type: 'audit_key', id: row.id }, detail: keys }));
    const signed = (time: Date): string => signHandover(key, next, time.toISOString());
    return this.database.transaction(async (client) => {
      const time = await this.rows.replace(client, old, (now) => ({ ...row, handover: signed(now) }));
      if (!time) throw new Error('the key was replaced by somebody else meanwhile; see GET /api/v1/audit/public-key');
      await this.log.insertBy(client, entry);
      return { ...keys, time: time.toISOString() };
    });
  }
}
