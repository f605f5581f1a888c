import type { Finding } from '../../core/audit/log-verifier.js';
import type { CompletedNode } from '../../core/audit/merkle.js';
import type { AuditLogRepository } from './audit-log.repository.js';

/** Holds the stored inner nodes of a tenant's tree, which proofs are made of, against those that its rows come to; a page of rows at a time. */
export class StoredTreeCheck {
  private page: CompletedNode[] = [];
  private found: Finding | undefined;

  constructor(
    private readonly log: AuditLogRepository,
    private readonly tenantId: string,
  ) {}

  /** The first node that is wrong or not there. */
  get finding(): Finding | undefined {
    return this.found;
  }

  /** In the order in which the rows complete them. */
  readonly add = (nodes: readonly CompletedNode[]): void => {
    if (!this.found) this.page.push(...nodes);
  };

  /** Compares what was added since it was called last. */
  async compare(): Promise<void> {
    const page = this.page;
    this.page = [];
    if (page.length === 0) return;
    const stored = await this.log.nodes(this.tenantId, page);
    for (const [place, node] of page.entries()) {
      const hash = stored[place];
      if (!hash?.equals(node.hash)) this.found ??= findingOf(node, hash === undefined ? 'is missing' : 'is not what they come to');
    }
  }
}

function findingOf({ level, index }: CompletedNode, what: string): Finding {
  const [first, last] = [index * 2 ** level, (index + 1) * 2 ** level - 1];
  return { kind: 'tree_damaged', seq: first, row_id: null, detail: `The rows are what was sealed; the stored node ${index} of level ${level}, over the rows ${first} to ${last}, ${what}: proofs that need it fail.` };
}
