/** What the database holds when all is over. Fences are small here: numbers will do. */
export interface TaskRow {
  id: string;
  title: string;
  status: string;
  description: string | null;
  fence: number;
  result: unknown;
  board_id: string | null;
}
export interface AttemptRow {
  task_id: string;
  fence: number;
  agent_id: string;
  outcome: string;
}
export interface AuditRow {
  id: string;
  action: string;
  outcome: string;
  resource_id: string | null;
  request_id: string | null;
  tenant_id: string;
  /** When, by the database's clock; ms. */
  at: number;
}
export interface LeafRow {
  tenant_id: string;
  seq: number;
  row_id: string;
}
export interface CheckpointRow {
  tenant_id: string;
  size: number;
  root: string;
  /** When its rows were read, by the clock of the database; ms. */
  at: number;
}
/** A purge that is done, and where something of its entity still is. */
export interface PurgeRow {
  entity_id: string;
  traces: string[];
}
/** How many keys of tenants are under a master key. */
export interface WrappedRow {
  master_key_id: string;
  current: boolean;
  keys: number;
}
export interface EventRow {
  id: string;
  name: string;
  data: Record<string, unknown>;
  /** When, by the database's clock; ms. */
  at: number;
}
export interface CommentRow {
  id: string;
  task_id: string;
  body: string;
}
export interface AgentRow {
  id: string;
  description: string | null;
}
export interface DependencyRow {
  task_id: string;
  depends_on: string;
}
export interface MemberRow {
  board_id: string;
  agent_id: string;
}
/** The tenant that all work in, but for those that are purged. */
export const TENANT = '00000000-0000-7000-8000-000000000001';

export interface Snapshot {
  tasks: TaskRow[];
  attempts: AttemptRow[];
  audit: AuditRow[];
  events: EventRow[];
  comments: CommentRow[];
  agents: AgentRow[];
  dependencies: DependencyRow[];
  members: MemberRow[];
  /** The sealed logs, of tenants that were purged too. */
  leaves: LeafRow[];
  checkpoints: CheckpointRow[];
  wrapped: WrappedRow[];
  purges: PurgeRow[];
}

export interface Violation {
  /** Which promise was broken. */
  rule: string;
  detail: string;
}
