import { IsIn, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { IfGiven } from '../../platform/http/if-given.js';
import { PURGE_ENTITIES, type PurgeEntity } from './purge.entity.js';

/** What is to be purged. */
export class PurgeDto {
  /** @example agent */
  @IsIn(PURGE_ENTITIES)
  entity_type!: PurgeEntity;

  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  @IsUUID()
  @MaxLength(36)
  entity_id!: string;

  /**
   * Stands in the certificate and in the audit log: name no one in it.
   * @example "Request 2026-17"
   */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string | null;

  /**
   * The slug or the name of the agent or tenant, so that a wrong id is noticed; another one is refused.
   * @example research-agent
   */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  confirm?: string;
}
