import { IsInt, IsString, Matches, Max, MaxLength, Min, MinLength } from 'class-validator';

/** Which state of a log is accepted, as GET /audit/holds has shown it, and why. */
export class AcceptRestoreDto {
  /**
   * How many rows the log has that is accepted.
   * @example 17
   */
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  size!: number;

  /**
   * Its root, in base64.
   * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
   */
  @IsString()
  @MaxLength(44)
  @Matches(/^[A-Za-z0-9+/]{43}=$/, { message: 'root must be 32 bytes in base64' })
  root!: string;

  /**
   * Stands in the audit log and in what GET /audit/verify answers from then on: name no one in it.
   * @example "Restored from the backup of 3 May after a disk failure"
   */
  @IsString()
  @MinLength(3)
  @MaxLength(500)
  reason!: string;
}
