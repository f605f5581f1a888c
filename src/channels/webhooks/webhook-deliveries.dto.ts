import { IsIn, IsObject, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { IsInstant } from '../../platform/http/is-instant.js';
import { MaxJsonBytes } from '../../platform/http/max-json-bytes.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { DELIVERY_STATUSES, type DeliveryStatus } from './webhook-delivery.entity.js';

const LARGEST_DATA = 65_536;

/** Which deliveries to list. */
export class ListDeliveriesQuery extends PageQuery {
  /**
   * Only deliveries in this state; `dead` are those that were given up.
   * @example dead
   */
  @IsOptional()
  @IsIn(DELIVERY_STATUSES)
  status?: DeliveryStatus;
}

/** Which deliveries of all webhooks to list. */
export class ListAllDeliveriesQuery extends ListDeliveriesQuery {
  /** Only those of this webhook. */
  @IsOptional()
  @IsUUID()
  webhook_id?: string;
}

/** A message of one's own. */
export class SendMessageDto {
  /**
   * What the message says that it is.
   * @example deployment.requested
   */
  @IsString()
  @MaxLength(100)
  @Matches(/^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*$/, { message: 'type must be lower-case words with dots between them' })
  type!: string;

  /**
   * What it says; at most 64 KiB.
   * @example { "version": "1.4.0" }
   */
  @IsObject()
  @MaxJsonBytes(LARGEST_DATA)
  data!: Record<string, unknown>;

  /**
   * The same key again sends nothing more, and answers with the first delivery.
   * @example release-1.4.0
   */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  @Matches(/^[\x21-\x7e]+$/, { message: 'key must consist of visible ASCII characters' })
  key?: string;
}

/** Which dead deliveries to send again. */
export class RedeliverDto {
  /**
   * Those that were given up at or after this time.
   * @example 2026-01-31T09:30:00.000Z
   */
  @IsInstant()
  @MaxLength(40)
  since!: string;
}
