import type { SecretGrant } from './secret-grant.entity.js';
import type { SecretVersion, VersionOrigin } from './secret-version.entity.js';
import { type Charset, MASKED_VALUE, type Secret } from './secret.entity.js';

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** How values are made. */
export class GeneratorView {
  /** @example 40 */
  length!: number;
  /** @example alphanumeric */
  charset!: Charset;
}

/** Rotation by the clock. */
export class RotationView {
  /** @example 30 */
  every_days!: number;
  generate!: GeneratorView;
  /** @example 2026-03-02T09:30:00.000Z */
  next_at!: string | null;
  /**
   * How often it has failed since it last worked; then next_at is when it is tried again, within an hour.
   * @example 0
   */
  failures!: number;
  /**
   * Why it failed: the code of a problem.
   * @example null
   */
  last_error!: string | null;
}

/** A secret without its value. */
export class SecretView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example MAIL_API_KEY */
  name!: string;
  /**
   * Always masked: only revealing shows a value.
   * @example "********"
   */
  value!: string;
  /** @example api-keys */
  category!: string | null;
  /** @example "Key of the mail provider" */
  description!: string | null;
  /**
   * The current one.
   * @example 1
   */
  version!: number;
  /** @example 2027-01-31T09:30:00.000Z */
  expires_at!: string | null;
  /** Null when it is rotated by hand. */
  rotation!: RotationView | null;
  /** @example 3600 */
  grace_seconds!: number;
  /**
   * Where calls that leave this installation may take it.
   * @example ["https://api.example.com"]
   */
  outbound_origins!: string[];
  /** @example 2026-01-31T09:30:00.000Z */
  rotated_at!: string;
  /**
   * Who made it: user, api_key or bootstrap, and its id.
   * @example user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01
   */
  created_by!: string;
  /** @example 1 */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
}

function rotationOf({ rotate_every_days: every_days, generator: generate, next_rotation_at, rotation_failures: failures, rotation_error: last_error }: Secret): RotationView | null {
  return every_days !== null && generate ? { every_days, generate, next_at: iso(next_rotation_at), failures, last_error } : null;
}

export function toSecretView(row: Secret): SecretView {
  const { id, name, category, description, version, grace_seconds, revision } = row;
  return {
    id,
    name,
    value: MASKED_VALUE,
    category,
    description,
    version,
    expires_at: iso(row.expires_at),
    rotation: rotationOf(row),
    grace_seconds,
    outbound_origins: row.outbound_origins,
    rotated_at: row.rotated_at.toISOString(),
    created_by: `${row.created_by_kind}:${row.created_by_id}`,
    revision,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

/** The value of a secret. */
export class RevealedSecretView {
  /** @example MAIL_API_KEY */
  name!: string;
  /** @example "a value that nobody else knows" */
  value!: string;
  /** @example 1 */
  version!: number;
  /** @example 2027-01-31T09:30:00.000Z */
  expires_at!: string | null;
}

export interface OpenedSecret {
  secret: Secret;
  value: string;
  version: number;
}

export const toRevealedView = ({ secret, value, version }: OpenedSecret): RevealedSecretView => ({ name: secret.name, value, version, expires_at: iso(secret.expires_at) });

/** One value that a secret has or had, masked. */
export class SecretVersionView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b02 */
  id!: string;
  /** @example 1 */
  version!: number;
  /** @example "********" */
  value!: string;
  /**
   * given, generated or rolled_back.
   * @example given
   */
  origin!: VersionOrigin;
  /**
   * The version whose value this one has again; null for a value of its own. Destroying one of them destroys the value of all.
   * @example null
   */
  copy_of!: number | null;
  /**
   * When it stops working for agents; null for the current one.
   * @example null
   */
  works_until!: string | null;
  /** @example user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  created_by!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /**
   * When its value was destroyed.
   * @example null
   */
  destroyed_at!: string | null;
}

export function toVersionView(row: SecretVersion): SecretVersionView {
  return {
    id: row.id,
    version: row.version,
    value: MASKED_VALUE,
    origin: row.origin,
    copy_of: row.copy_of,
    works_until: iso(row.works_until),
    created_by: `${row.created_by_kind}:${row.created_by_id}`,
    created_at: row.created_at.toISOString(),
    destroyed_at: iso(row.destroyed_at),
  };
}

/** Leave to use a secret. */
export class SecretGrantView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b03 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  secret_id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b04 */
  agent_id!: string | null;
  /** @example null */
  board_id!: string | null;
  /** @example 2027-01-31T09:30:00.000Z */
  expires_at!: string | null;
  /** @example 10 */
  max_uses!: number | null;
  /** @example 0 */
  uses!: number;
  /** @example null */
  last_used_at!: string | null;
  /** @example null */
  revoked_at!: string | null;
  /** @example user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b01 */
  created_by!: string;
  /** @example 1 */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

export function toGrantView({ tenant_id: _tenant, created_by_kind, created_by_id, ...row }: SecretGrant): SecretGrantView {
  return {
    ...row,
    expires_at: iso(row.expires_at),
    last_used_at: iso(row.last_used_at),
    revoked_at: iso(row.revoked_at),
    created_by: `${created_by_kind}:${created_by_id}`,
    created_at: row.created_at.toISOString(),
  };
}
