import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Actor } from '../../../core/actor.js';
import { AuditPort } from '../../../platform/auth/audit-port.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { RunStarts } from './run-starts.service.js';
import type { StartedRunView } from './runs.view.js';

/** Runs that people start. */
@Injectable()
export class RunByHandService {
  constructor(
    private readonly context: RequestContext,
    private readonly starts: RunStarts,
    private readonly audit: AuditPort,
  ) {}

  /** @throws Problem as `RunStarts.start` */
  @Transactional()
  async start(workflowId: string, input: object): Promise<StartedRunView> {
    const { actor } = this.context;
    const { runId, status } = await this.starts.start({ workflowId, input, startedBy: { kind: actor.kind, id: actor.id }, requester: requesterOf(actor) });
    await this.audit.record({ action: 'workflow.run', resource: { type: 'workflow', id: workflowId }, after: { run_id: runId } });
    return { run_id: runId, status };
  }
}

/** The person behind a call, who approves nothing that the run asks for. */
function requesterOf(actor: Actor): string {
  return actor.kind === 'api_key' ? `user:${actor.ownerId}` : `${actor.kind}:${actor.id}`;
}
