import { Get, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { AuditExportService } from './audit-export.service.js';
import { ConsistencyQuery, InclusionQuery, VerifyQuery } from './audit-proofs.dto.js';
import { AuditProofsService } from './audit-proofs.service.js';
import {
  CheckpointView, ConsistencyProofView, InclusionProofView, PublicKeyView, toCheckpointView, toConsistencyProofView, toInclusionProofView, toVerificationView, VerificationView,
} from './audit-proofs.view.js';
import { AuditVerificationService } from './audit-verification.service.js';

@ApiController('audit', 'Safeguards / Audit')
export class AuditProofsController {
  constructor(
    private readonly proofs: AuditProofsService,
    private readonly verification: AuditVerificationService,
    private readonly exports: AuditExportService,
  ) {}

  /**
   * Lists the signed checkpoints of the audit log. Newest first: each says how many rows the log had and the root of the
   * Merkle tree over them. Whoever keeps one elsewhere can later tell whether any row before it was touched.
   */
  @Get('checkpoints')
  @Operation({ id: 'listAuditCheckpoints', allow: 'audit:read', returns: pageOf(CheckpointView) })
  async checkpoints(@Query() query: PageQuery): Promise<Page<CheckpointView>> {
    return mapPage(await this.proofs.checkpoints(query), toCheckpointView);
  }

  /** Proves that a row is in the tree. The path leads from the row's leaf to the root of a checkpoint (RFC 9162). */
  @Get('proofs/inclusion')
  @Operation({ id: 'proveAuditInclusion', allow: 'audit:read', returns: InclusionProofView, problems: ['not_found', 'not_sealed', 'conflict'] })
  async inclusion(@Query() { row, size }: InclusionQuery): Promise<InclusionProofView> {
    return toInclusionProofView(await this.proofs.inclusion(row, size));
  }

  /** Proves that an earlier tree is the beginning of a later one. Nothing was changed or taken out between the two (RFC 9162). */
  @Get('proofs/consistency')
  @Operation({ id: 'proveAuditConsistency', allow: 'audit:read', returns: ConsistencyProofView, problems: ['not_sealed', 'conflict'] })
  async consistency(@Query() { from, to }: ConsistencyQuery): Promise<ConsistencyProofView> {
    return toConsistencyProofView(await this.proofs.consistency(from, to));
  }

  /**
   * Recomputes the tree from the rows. It is measured against the checkpoints, and against one that the caller kept
   * elsewhere; the first wrong row is named. What an intruder with all rights did to rows and checkpoints alike is found
   * only with a checkpoint from elsewhere.
   */
  @Get('verify')
  @Operation({ id: 'verifyAudit', allow: 'audit:read', returns: VerificationView, rateLimit: 'audit-bulk' })
  async verify(@Query() { size, root }: VerifyQuery): Promise<VerificationView> {
    return toVerificationView(await this.verification.verify(size === undefined || root === undefined ? undefined : { size, root: Buffer.from(root, 'base64') }));
  }

  /** Answers the keys that checkpoints are signed with. Note them down at the beginning, where this installation cannot change them. */
  @Get('public-key')
  @Operation({ id: 'getAuditPublicKey', allow: 'audit:read', returns: PublicKeyView })
  async publicKey(): Promise<PublicKeyView> {
    return this.proofs.publicKeys();
  }

  /**
   * Exports the sealed audit log as a bundle. JSON Lines: a header with the public keys, the checkpoints, each row with its
   * place, leaf hash and content, and an end. `npx wheelhouse audit verify FILE` checks it with no server and no database.
   */
  @Get('export')
  @Operation({ id: 'exportAudit', allow: 'audit:export', returns: { text: 'application/x-ndjson' }, rateLimit: 'audit-bulk', problems: ['not_sealed'] })
  async export(@Res() response: Response): Promise<void> {
    await this.exports.write(response);
  }
}
