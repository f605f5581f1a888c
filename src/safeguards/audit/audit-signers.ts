import { Injectable, Logger } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { parseVerifierKey, rawPublicKey, verifierKey } from '../../core/audit/checkpoint.js';
import { handoverIn } from '../../core/audit/key-handover.js';
import { Problem } from '../../core/problem.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { AuditKeys, type AuditSigner, NoKey } from './audit-keys.js';
import { AuditMarks } from './audit-marks.js';
import type { KnownKey } from './mark-file.js';

const WHAT_TO_DO = 'Nothing is signed. Put the right database back; or, if an older one was put back on purpose, make a new key: npx wheelhouse keys rotate-audit.';

/**
 * The key that signs, unless the database offers another one than this process knows of: who writes the database can take the newest away, and put
 * back one that has been replaced, whose secret may have got out.
 */
@Injectable()
export class AuditSigners {
  private readonly logger = new Logger(AuditSigners.name);
  private readonly refused: Gauge;
  private said: string | undefined;

  constructor(
    private readonly keys: AuditKeys,
    private readonly marks: AuditMarks,
    metrics: Metrics,
  ) {
    this.refused = new Gauge({ name: 'wheelhouse_audit_key_refused', help: '1 while the database offers another key for checkpoints of the audit log than the newest that is known: nothing is sealed.', registers: [metrics.registry] });
  }

  /** @throws Problem `unavailable` when the key is not the one that is known */
  async current(): Promise<AuditSigner> {
    await this.marks.load();
    const signer = await this.signer();
    if (typeof signer === 'string') throw new Problem('unavailable', { detail: signer });
    return signer;
  }

  /** Like `current`, for who leads, and remembers. @returns undefined instead of a problem; a metric and a log line say it */
  async forSealing(): Promise<AuditSigner | undefined> {
    const signer = await this.signer();
    const fault = typeof signer === 'string' ? signer : undefined;
    if (fault !== undefined && fault !== this.said) this.logger.error(fault);
    this.said = fault;
    this.refused.set(fault === undefined ? 0 : 1);
    if (typeof signer === 'string') return undefined;
    this.marks.setKey({ key: verifierKey(signer.key), since: signer.key.since ?? '', handovers: signer.handovers });
    return signer;
  }

  /** Why nothing is signed. */
  async fault(): Promise<string | undefined> {
    await this.marks.load();
    const signer = await this.signer();
    return typeof signer === 'string' ? signer : undefined;
  }

  /** Or why there is none. */
  private async signer(): Promise<AuditSigner | string> {
    try {
      const signer = await this.keys.signer();
      return this.faultOf(signer) ?? signer;
    } catch (error) {
      if (error instanceof NoKey) return `${error.message} ${WHAT_TO_DO}`;
      throw error;
    }
  }

  private faultOf({ key }: AuditSigner): string | undefined {
    const known = this.marks.key;
    const line = verifierKey(key);
    if (!known || isSame(known.key, line) || (!hasHandedOver(known, line) && (key.since ?? '') > known.since)) return undefined;
    return `The database offers ${line} as the key that signs checkpoints; the newest that is known is ${known.key}${known.since === '' ? '' : `, since ${known.since}`}: an older one was put back, or the newest taken away. ${WHAT_TO_DO}`;
  }
}

const isSame = (one: string, other: string): boolean => rawOf(one).equals(rawOf(other));
const rawOf = (line: string): Buffer => rawPublicKey(parseVerifierKey(line).key);
const hasHandedOver = ({ handovers }: KnownKey, line: string): boolean => handovers.flatMap(handoverIn).some(({ from }) => isSame(from, line));
