import { ApiProperty } from '@nestjs/swagger';

/** One wrong field of a request. */
export class FieldErrorView {
  /**
   * Dotted path of the field.
   * @example title
   */
  field!: string;
  /**
   * Stable word for the rule that was broken.
   * @example maxLength
   */
  code!: string;
  /**
   * The rule in words.
   * @example "title must be shorter than or equal to 500 characters"
   */
  message!: string;
}

/** A refusal: RFC 9457 problem details, with a stable code and what to do about it. */
export class ProblemView {
  /**
   * Relative reference of the problem's page in the documents.
   * @example /problems/lease-lost
   */
  type!: string;
  /**
   * Short name of the kind of problem.
   * @example "Lease lost"
   */
  title!: string;
  /**
   * HTTP status.
   * @example 409
   */
  status!: number;
  /**
   * Stable code of the kind of problem.
   * @example lease_lost
   */
  code!: string;
  /**
   * What happened, in words.
   * @example "The lease on this task is no longer held."
   */
  detail!: string;
  /**
   * The same as detail.
   * @example "The lease on this task is no longer held."
   */
  error!: string;
  /**
   * Id of the request, as in X-Request-Id.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  request_id!: string | null;
  /** The wrong fields, when fields are wrong. */
  errors!: FieldErrorView[];
  /**
   * What the caller can do.
   * @example "Claim the task again."
   */
  remedy!: string | null;
  /**
   * When the same request may succeed.
   * @example 2026-01-31T09:30:00.000Z
   */
  retry_at!: string | null;
  /**
   * The limit that was met.
   * @example 20
   */
  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'number' }], nullable: true })
  limit!: string | number | null;
  /**
   * The value that met it.
   * @example 21
   */
  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'number' }], nullable: true })
  current!: string | number | null;
}

/** What every list carries beside its items. */
export class PageView {
  /**
   * How many there are: exact up to 10,000, an estimate beyond.
   * @example 1
   */
  total!: number;
  /** True when total is an estimate. */
  total_is_estimate?: boolean;
  /**
   * Most items on this page.
   * @example 50
   */
  limit!: number;
  /**
   * How many were skipped before this page.
   * @example 0
   */
  offset!: number;
  /**
   * Give it back as cursor for the next page; null on the last.
   * @example null
   */
  next_cursor!: string | null;
}
