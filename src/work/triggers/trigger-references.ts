import { Injectable } from '@nestjs/common';
import { isId } from '../../core/ids.js';
import { type FieldError, Problem } from '../../core/problem.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { BoardsReader } from '../../fleet/boards/boards.reader.js';
import { UsersReader } from '../../identity/users/users.reader.js';
import { WebhookCalls } from '../../platform/webhooks/webhook-calls.port.js';
import { WorkflowVersions } from '../workflows/workflow-versions.reader.js';
import type { TriggerAction, TriggerConfig, TriggerType } from './trigger-config.js';

/** What somebody has written of a trigger just now. */
export interface Written {
  type: TriggerType;
  config?: TriggerConfig | undefined;
  action?: TriggerAction | undefined;
}

/** What else of the tenant a trigger can name. */
type Kind = 'agent' | 'board' | 'workflow' | 'outbound' | 'inbound' | 'user';

interface Reference {
  kind: Kind;
  value: string;
  field: string;
}

const UNKNOWN: Record<Kind, { code: string; message: string }> = {
  agent: { code: 'unknown_agent', message: 'There is no such agent.' },
  board: { code: 'unknown_board', message: 'There is no such board.' },
  workflow: { code: 'unknown_workflow', message: 'There is no such workflow.' },
  outbound: { code: 'unknown_webhook', message: 'There is no such webhook that sends.' },
  inbound: { code: 'unknown_webhook', message: 'There is no such webhook that receives.' },
  user: { code: 'unknown_user', message: 'There is no such active user whom notifications reach.' },
};

/** Looks whether what a trigger names is there; what an expression says is known when it fires. In the caller's transaction. */
@Injectable()
export class TriggerReferences {
  private readonly existing: Record<Kind, (ids: string[]) => Promise<Iterable<string>>>;

  constructor(agents: AgentsReader, boards: BoardsReader, users: UsersReader, workflows: WorkflowVersions, webhooks: WebhookCalls) {
    this.existing = {
      agent: async (ids) => (await agents.findMany(ids)).map(({ id }) => id),
      board: (ids) => boards.existing(ids),
      workflow: (ids) => workflows.existing(ids),
      outbound: (ids) => webhooks.existing('outbound', ids),
      inbound: (ids) => webhooks.existing('inbound', ids),
      user: (ids) => users.activeAmong(ids, []),
    };
  }

  /** @throws Problem `unprocessable` with every place that names what is not there */
  async check(written: Written): Promise<void> {
    const errors: FieldError[] = [];
    for (const [kind, references] of Map.groupBy(referencesIn(written), (reference) => reference.kind)) {
      const known = new Set(await this.existing[kind](references.map(({ value }) => value).filter(isId)));
      for (const { value, field } of references) if (!known.has(value)) errors.push({ field, ...UNKNOWN[kind] });
    }
    const [first] = errors;
    if (first) throw new Problem('unprocessable', { detail: `${first.field}: ${first.message}`, errors });
  }

  /** Those of the users who cannot be told anything any more. */
  async goneAmong(users: readonly string[]): Promise<string[]> {
    const known = new Set(await this.existing.user([...users]));
    return users.filter((id) => !known.has(id.toLowerCase()));
  }
}

function referencesIn({ type, config, action }: Written): Reference[] {
  const found: Reference[] = [];
  const add = (kind: Kind, value: unknown, field: string): void => {
    if (typeof value === 'string' && !value.includes('{%')) found.push({ kind, value: value.toLowerCase(), field });
  };
  if (type === 'webhook' && config && 'webhook_id' in config) add('inbound', config.webhook_id, 'config.webhook_id');
  if (!action) return found;
  const { agent_id: agent, board_id: board, workflow_id: workflow, webhook_id: webhook, to } = action.config;
  if (action.type === 'create_task') {
    add('agent', agent, 'action.config.agent_id');
    add('board', board, 'action.config.board_id');
  }
  add('workflow', workflow, 'action.config.workflow_id');
  add('outbound', webhook, 'action.config.webhook_id');
  for (const [place, user] of ((to as { users?: string[] } | undefined)?.users ?? []).entries()) add('user', user, `action.config.to.users.${place}`);
  return found;
}
