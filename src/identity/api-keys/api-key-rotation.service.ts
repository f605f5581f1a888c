import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { API_KEY_PREFIX } from '../../platform/auth/credentials.js';
import { ownUserId } from '../../platform/auth/own-user.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { newToken } from '../../platform/crypto/tokens.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import type { ApiKey } from './api-key.entity.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { auditedKey } from './api-keys.view.js';

/** Gives an API key a new value. What it may do, until when and from where stays. */
@Injectable()
export class ApiKeyRotationService {
  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly context: RequestContext,
    private readonly audit: AuditPort,
    private readonly revocations: Revocations,
  ) {}

  /** Whoever gets the new value can act as its owner: that is for the owner alone, also where an administrator may revoke. */
  @Transactional()
  async rotate(id: string, overlapSeconds: number): Promise<{ key: ApiKey; secret: string }> {
    const seen = await this.keys.revisionOf(id);
    const before = await this.keys.lock(id);
    if (!before || before.owner_id !== ownUserId(this.context)) throw notFound('API key');
    this.checkCaller(before);
    checkIfMatch(this.context.get('ifMatch'), before);
    // Of several at once one gives out a value that lasts: the others would hand out values that are dead on arrival.
    if (seen !== before.revision) throw new Problem('conflict', { detail: 'The key was changed by another request meanwhile.' });
    const { token, hash, shown } = newToken(API_KEY_PREFIX);
    const key = await this.keys.rotate(id, { hash, prefix: shown, overlapSeconds });
    await this.audit.record({
      action: 'api-key.rotate',
      resource: { type: 'api-key', id },
      before: auditedKey(before),
      after: auditedKey(key),
      detail: { previous_valid_until: key.previous_valid_until },
    });
    this.revocations.afterCommit(`api-key:${id}`);
    return { key, secret: token };
  }

  /** A key renews itself and what was made with it: any other key of its owner may do more than it. */
  private checkCaller({ id, parent_id }: ApiKey): void {
    const { actor } = this.context;
    if (actor.kind !== 'api_key' || actor.id === id || actor.id === parent_id) return;
    throw new Problem('scope_exceeded', { detail: 'A key rotates itself and the keys that were made with it, no others.' });
  }
}
