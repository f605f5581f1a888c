import { IsIn, IsOptional } from 'class-validator';
import { PageQuery } from '../../platform/http/page.dto.js';
import { PAYLOAD_STATUSES, type PayloadStatus } from './webhook-payload.entity.js';

/** Which payloads to list. */
export class ListPayloadsQuery extends PageQuery {
  /**
   * Only payloads in this state.
   * @example failed
   */
  @IsOptional()
  @IsIn(PAYLOAD_STATUSES)
  status?: PayloadStatus;
}
