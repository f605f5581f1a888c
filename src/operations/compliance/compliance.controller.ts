import { Get, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { ApiController, Operation } from '../../platform/http/operation.decorator.js';
import { ComplianceExportService } from './compliance-export.service.js';
import { ComplianceExportQuery } from './compliance.dto.js';

@ApiController('compliance', 'Operations / Compliance')
export class ComplianceController {
  constructor(private readonly exports: ComplianceExportService) {}

  /**
   * Exports the audit log or the event log as CSV. One line per row after a header line, oldest first, up to what is there
   * when the export begins (RFC 4180, UTF-8). A cell that a spreadsheet would take for a formula gets an apostrophe before
   * it. An answer that is cut off ends its connection in the middle: what came is not the whole.
   */
  @Get('export')
  @Operation({ id: 'exportCompliance', allow: 'audit:export', returns: { text: 'text/csv' }, rateLimit: 'audit-bulk' })
  async export(@Query() { type, from, to }: ComplianceExportQuery, @Res() response: Response): Promise<void> {
    await this.exports.write({ type, from: from ? new Date(from) : undefined, to: to ? new Date(to) : undefined }, response);
  }
}
