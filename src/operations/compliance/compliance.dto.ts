import { IsIn, IsOptional, MaxLength } from 'class-validator';
import { IsInstant } from '../../platform/http/is-instant.js';

export const EXPORT_TYPES = ['audit_log', 'events'] as const;
const FORMATS = ['csv'] as const;
export type ExportType = (typeof EXPORT_TYPES)[number];

/** What is exported. */
export class ComplianceExportQuery {
  /**
   * audit_log: the rows of the audit log. events: the facts of the event log.
   * @example audit_log
   */
  @IsIn(EXPORT_TYPES)
  type!: ExportType;

  /**
   * Not before this time.
   * @example 2026-01-01T00:00:00.000Z
   */
  @IsOptional()
  @IsInstant({ dayAllowed: true })
  @MaxLength(40)
  from?: string;

  /**
   * Before this time; when left out, what is there when the export begins.
   * @example 2027-01-01T00:00:00.000Z
   */
  @IsOptional()
  @IsInstant({ dayAllowed: true })
  @MaxLength(40)
  to?: string;

  /**
   * There is one format.
   * @example csv
   */
  @IsOptional()
  @IsIn(FORMATS)
  format?: (typeof FORMATS)[number];
}
