import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE, isolateTenants, SYSTEM_ROLE } from '../platform/database/tenant-table.js';

/** The content of a row as one text, for rows that come without: those from before, and those of a process of the version before. */
const CONTENT = (row: string): string => `convert_to(jsonb_build_object(
  'actor_label', ${row}.actor_label, 'ip', host(${row}.ip), 'user_agent', ${row}.user_agent, 'before', ${row}.before, 'after', ${row}.after, 'detail', ${row}.detail)::text, 'UTF8')`;
/** 32 bytes that nobody can guess, from the server's own generator. */
const SALT = `decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')`;

const ROWS = [
  // "tx" orders the rows for the sequencer, as it orders the events: those from before have 0 and are sealed first.
  `alter table audit_log
    add column tx bigint not null default 0,
    add column subject_type text,
    add column subject_id text,
    add column content_form smallint not null default 0,
    add column content bytea,
    add column salt bytea,
    add column content_hash bytea,
    add column actor_label_hash bytea,
    alter column actor_label drop not null`,
  `alter table audit_log alter column tx set default (pg_current_xact_id()::text::bigint)`,
  `comment on column audit_log.content_form is '0: content is the text itself and salt stands beside it. 1: content is sealed under the key of the subject, the salt with it.'`,
  // The owner sees no rows while row-level security is forced on it.
  `alter table audit_log no force row level security`,
  `update audit_log set salt = ${SALT}, content = ${CONTENT('audit_log')}, ip = null, user_agent = null, before = null, after = null, detail = null`,
  `update audit_log set content_hash = sha256(salt || content)`,
  `alter table audit_log force row level security`,
  `create index audit_log_order on audit_log (tx, id)`,
  `create index audit_log_label_hash on audit_log (tenant_id, actor_label_hash, id) where actor_label_hash is not null`,
  `create function audit_log_content() returns trigger language plpgsql as $$ begin
    new.salt := ${SALT};
    new.content := ${CONTENT('new')};
    new.content_hash := sha256(new.salt || new.content);
    new.ip := null; new.user_agent := null; new.before := null; new.after := null; new.detail := null;
    return new;
  end $$`,
  `create trigger audit_log_content before insert on audit_log for each row when (new.content_hash is null) execute function audit_log_content()`,
];

const TREES = [
  // Where each tenant's tree stands: its size, and the roots of its full subtrees from the widest on.
  `create table audit_trees (
    tenant_id uuid primary key references tenants (id),
    size bigint not null,
    peaks bytea not null
  )`,
  ...isolateTenants('audit_trees'),
  `revoke insert, update, delete on audit_trees from ${APP_ROLE}`,
  `revoke delete on audit_trees from ${SYSTEM_ROLE}`,
  `create table audit_leaves (
    tenant_id uuid not null,
    seq bigint not null,
    row_id uuid not null,
    leaf_hash bytea not null,
    primary key (tenant_id, seq),
    unique (tenant_id, row_id)
  )`,
  `create table audit_nodes (
    tenant_id uuid not null,
    level smallint not null,
    index bigint not null,
    hash bytea not null,
    primary key (tenant_id, level, index)
  )`,
  `create table audit_checkpoints (
    tenant_id uuid not null,
    size bigint not null,
    root bytea not null,
    note text not null,
    created_at timestamptz(3) not null,
    primary key (tenant_id, size)
  )`,
  ...['audit_leaves', 'audit_nodes', 'audit_checkpoints'].flatMap((table) => [
    ...isolateTenants(table),
    `revoke insert, update, delete on ${table} from ${APP_ROLE}`,
    `revoke update, delete on ${table} from ${SYSTEM_ROLE}`,
  ]),
];

const SEQUENCER = [
  // Up to where the log has been sealed. After a restore into another cluster new rows get "tx_offset" more, so that they stand behind the old ones.
  `create table audit_sequencer (
    singleton boolean primary key default true check (singleton),
    tx bigint not null,
    id uuid not null,
    tx_offset bigint not null
  )`,
  `insert into audit_sequencer (tx, id, tx_offset) values (0, '00000000-0000-0000-0000-000000000000', 0)`,
  `grant select on audit_sequencer to ${APP_ROLE}`,
  `grant select, update on audit_sequencer to ${SYSTEM_ROLE}`,
  // Keys of the installation: the one that signs checkpoints (public_key beside it), and the one that labels are looked up by.
  `create table audit_keys (
    id uuid primary key,
    purpose text not null check (purpose in ('checkpoint', 'label')),
    public_key bytea,
    sealed_key bytea,
    created_at timestamptz(3) not null default now()
  )`,
  `grant select, insert on audit_keys to ${SYSTEM_ROLE}`,
  `create table audit_pushes (
    tenant_id uuid not null references tenants (id) on delete cascade,
    target text not null check (target in ('file', 'webhook', 's3')),
    size bigint not null default 0,
    pushed_at timestamptz(3),
    failures integer not null default 0,
    last_error text,
    primary key (tenant_id, target)
  )`,
  ...isolateTenants('audit_pushes'),
  `revoke insert, update, delete on audit_pushes from ${APP_ROLE}`,
];

/** What only grows: no role changes it, not even the owner while the trigger is there. "always" holds for replicas too. */
const INSERT_ONLY = [
  `create function refuse_change() returns trigger language plpgsql as $$ begin
    raise exception 'rows of % are only ever added', tg_table_name using errcode = 'insufficient_privilege';
  end $$`,
  ...['audit_log', 'audit_leaves', 'audit_nodes', 'audit_checkpoints'].flatMap((table) => [
    `create trigger insert_only before update or delete or truncate on ${table} for each statement execute function refuse_change()`,
    `alter table ${table} enable always trigger insert_only`,
  ]),
];

/** The audit log grows and nothing else, and is sealed into one Merkle tree per tenant. */
export class AuditSealing1700000000024 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of [...ROWS, ...TREES, ...SEQUENCER, ...INSERT_ONLY]) await queryRunner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('A sealed audit log is not unsealed.');
  }
}
