import { IsOptional, IsString, IsUUID, Length, MaxLength } from 'class-validator';

export class CreateDeadLetterDto {
  /** A task that has not ended. */
  @IsUUID()
  task_id!: string;

  /** @example "The customer has left" */
  @IsString()
  @Length(1, 10_000)
  reason!: string;
}

export class RetryAllDto {
  /**
   * Only entries whose reason contains this text.
   * @example timeout
   */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  reason?: string;
}
