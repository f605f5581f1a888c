import { Injectable } from '@nestjs/common';
import { type CertifiedTree, type PurgeCertificate, signCertificate, type SignedCertificate } from '../../core/audit/certificate.js';
import { verifierKey } from '../../core/audit/checkpoint.js';
import { consistencyRanges } from '../../core/audit/merkle.js';
import type { KeySubject } from '../../platform/crypto/tenant-cipher.js';
import { AuditHistoryRepository } from './audit-history.repository.js';
import { AuditKeys, handoversOf } from './audit-keys.js';
import { AuditLogRepository } from './audit-log.repository.js';
import { AuditSigners } from './audit-signers.js';

export type CertifiedLog = Pick<PurgeCertificate['audit'], 'origin' | 'before' | 'after' | 'consistency'>;

/** The sealed log of a tenant, as certificates speak of it. */
@Injectable()
export class AuditTrees {
  constructor(
    private readonly log: AuditLogRepository,
    private readonly history: AuditHistoryRepository,
    private readonly keys: AuditKeys,
    private readonly signers: AuditSigners,
  ) {}

  /** As the newest checkpoint has it; null before the first. */
  async newest(tenantId: string): Promise<CertifiedTree | null> {
    const checkpoint = await this.log.newestCheckpoint(tenantId);
    return checkpoint ? { size: checkpoint.size, root: checkpoint.root.toString('base64'), checkpoint: checkpoint.note } : null;
  }

  /** The log since then, and the proof that it only grew. */
  async since(tenantId: string, before: CertifiedTree | null): Promise<CertifiedLog> {
    const [origin, after] = await Promise.all([this.keys.originOf(tenantId), this.newest(tenantId)]);
    const path = before && after ? await this.log.rootsOf(tenantId, consistencyRanges(before.size, after.size)) : [];
    return { origin, before, after, consistency: path.map((hash) => hash.toString('base64')) };
  }

  /** Whether the newest row of an action on a resource has its leaf. */
  isSealed(tenantId: string, action: string, resourceId: string): Promise<boolean> {
    return this.log.isSealed(tenantId, action, resourceId);
  }

  /** How many rows there are about a subject, or all of the tenant; sealed ones, and those from before contents were sealed. */
  count(tenantId: string, subject: KeySubject | 'all'): Promise<{ sealed: number; plain: number }> {
    return this.history.count(tenantId, subject);
  }

  async sign(certificate: PurgeCertificate): Promise<SignedCertificate> {
    const { key } = await this.signers.current();
    const keys = await this.keys.verifiers();
    return { certificate, signature: signCertificate(certificate, key), keys: keys.map(verifierKey), ...handoversOf(keys) };
  }
}
