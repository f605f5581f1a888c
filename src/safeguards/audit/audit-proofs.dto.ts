import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min, ValidateIf } from 'class-validator';

/** Which row a proof is about, in which tree. */
export class InclusionQuery {
  /**
   * Id of the audit row; left out, the newest one of the tree.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  @IsOptional()
  @IsUUID()
  @MaxLength(36)
  row?: string;

  /**
   * How many rows the tree has; left out, as many as the newest checkpoint.
   * @example 1
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  size?: number;
}

/** Two sizes of the tree. */
export class ConsistencyQuery {
  /**
   * Size of the smaller tree; left out, that of the larger one.
   * @example 1
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  from?: number;

  /**
   * Size of the larger tree; left out, that of the newest checkpoint.
   * @example 1
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  to?: number;
}

/** A checkpoint that was kept elsewhere, to measure the log against. */
export class VerifyQuery {
  /**
   * Its size; goes with root.
   * @example 1
   */
  @ValidateIf(({ size, root }: VerifyQuery) => size !== undefined || root !== undefined)
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  size?: number;

  /**
   * Its root, in base64; goes with size.
   * @example K6gVpZuFLjVC4TGJ8fZqmbVXwVzTcrvCyYmzqxqQ7h0=
   */
  @ValidateIf(({ size, root }: VerifyQuery) => size !== undefined || root !== undefined)
  @IsString()
  @MaxLength(44)
  @Matches(/^[A-Za-z0-9+/]{43}=$/, { message: 'root must be 32 bytes in base64' })
  root?: string;
}
