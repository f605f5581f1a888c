import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Response } from 'express';
import { BUNDLE_FORMAT, type BundleHeader, type BundleRow, writeLine } from '../../core/audit/bundle.js';
import { type NoteKey, verifierKey } from '../../core/audit/checkpoint.js';
import { ErasedDigest, signStatement } from '../../core/audit/export-statement.js';
import { asSealed } from '../../core/audit/log-verifier.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { sendAttachment } from '../../platform/http/attachment.js';
import { AuditContents } from './audit-contents.js';
import { AuditKeys, handoversOf } from './audit-keys.js';
import { AuditLogRepository, type StoredLeaf } from './audit-log.repository.js';
import { AuditSigners } from './audit-signers.js';
import type { LostContent } from './audit-row.entity.js';

const PAGE = 500;
/** More would make a bundle heavy and its checking slow: each is a signature. */
const MOST_CHECKPOINTS = 1_000;

/** The header, and what is signed in the end. */
type Header = BundleHeader & { root: Buffer };

/** Writes the running tenant's log as a bundle that can be checked without this installation. */
@Injectable()
export class AuditExportService {
  constructor(
    private readonly context: RequestContext,
    private readonly log: AuditLogRepository,
    private readonly contents: AuditContents,
    private readonly keys: AuditKeys,
    private readonly signers: AuditSigners,
    private readonly audit: AuditPort,
  ) {}

  /** The export is recorded before its first line leaves. The bundle holds what was sealed when it began. */
  async write(response: Response): Promise<void> {
    const { header, key } = await this.begin();
    await this.record(header.size);
    await sendAttachment(response, { type: 'application/x-ndjson; charset=utf-8', filename: `audit-${header.size}.jsonl` }, this.lines(header, key));
  }

  @Transactional()
  private async record(size: number): Promise<void> {
    await this.audit.record({ action: 'audit.export', resource: { type: 'audit_log', id: this.context.tenantId }, detail: { size } });
  }

  /** The key that signs is the newest of those in the header, whatever replaces it meanwhile. */
  private async begin(): Promise<{ header: Header; key: NoteKey }> {
    for (;;) {
      const { id, key } = await this.signers.current();
      const header = await this.header();
      if ((await this.signers.current()).id === id) return { header, key };
    }
  }

  private async header(): Promise<Header> {
    const { tenantId } = this.context;
    // Not later than the key signs: by the clock that this is told from.
    const now = await this.log.now(tenantId);
    const [newest, keys, origin] = await Promise.all([this.log.newestCheckpoint(tenantId), this.keys.verifiers(), this.keys.originOf(tenantId)]);
    if (!newest) throw new Problem('not_sealed');
    return { root: newest.root, format: BUNDLE_FORMAT, origin, tenant_id: tenantId, keys: keys.map(verifierKey), ...handoversOf(keys), size: newest.size, exported_at: now.toISOString() };
  }

  private async *lines({ root, ...header }: Header, signer: NoteKey): AsyncGenerator<string> {
    const { tenant_id: tenantId, size, origin, exported_at: time } = header;
    const erased = new ErasedDigest();
    yield writeLine({ header });
    for (const { note } of await this.log.someCheckpoints(tenantId, size, MOST_CHECKPOINTS)) yield writeLine({ checkpoint: note });
    let [next, rows] = [0, 0];
    while (next < size) {
      const leaves = await this.log.leavesFrom(tenantId, next, size, PAGE);
      const last = leaves.at(-1);
      if (!last) break;
      const lines = (await Promise.all(leaves.map((leaf) => this.line(leaf)))).filter((line) => line !== undefined);
      yield lines.map(({ line }) => writeLine(line)).join('');
      // Content that is gone without a purge is not among what the installation signs as erased.
      for (const { line, lost } of lines) if (lost === 'erased') erased.add(line.seq);
      rows += lines.length;
      next = last.seq + 1;
    }
    yield writeLine({ end: { rows, note: signStatement({ origin, size, root, time, erased: erased.value }, signer) } });
  }

  /** A row that is not there any more has no line: the bundle's reader finds that out. */
  private async line({ seq, leaf_hash: leafHash, row, stored }: StoredLeaf): Promise<{ line: BundleRow; lost: LostContent | undefined } | undefined> {
    if (!row) return undefined;
    const content = stored ? await this.contents.text(stored) : 'missing';
    const lost = typeof content === 'string' ? content : undefined;
    // What stands for damaged bytes fits no row.
    const shown = typeof content !== 'string' ? { content: content.text, salt: content.salt.toString('base64') } : { content: content === 'damaged' ? 'null' : null, salt: null };
    const said = asSealed({ seq, row, leafHash, content: null }).row;
    return { line: { seq, leaf_hash: leafHash.toString('base64'), row: said, ...shown }, lost };
  }
}
