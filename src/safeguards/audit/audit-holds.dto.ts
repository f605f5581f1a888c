import { IsString, MaxLength, MinLength } from 'class-validator';

/** Why a log that was put back is accepted. */
export class AcceptRestoreDto {
  /**
   * Stands in the audit log and in what GET /audit/verify answers from then on: name no one in it.
   * @example "Restored from the backup of 3 May after a disk failure"
   */
  @IsString()
  @MinLength(3)
  @MaxLength(500)
  reason!: string;
}
