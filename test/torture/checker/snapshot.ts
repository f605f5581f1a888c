/** What the database holds when all is over. Fences are small here: numbers will do. */
export interface TaskRow {
  id: string;
  title: string;
  status: string;
  description: string | null;
  fence: number;
  result: unknown;
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
}
export interface EventRow {
  id: string;
  name: string;
  data: Record<string, unknown>;
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
export interface Snapshot {
  tasks: TaskRow[];
  attempts: AttemptRow[];
  audit: AuditRow[];
  events: EventRow[];
  comments: CommentRow[];
  agents: AgentRow[];
}

export interface Violation {
  /** Which promise was broken. */
  rule: string;
  detail: string;
}
