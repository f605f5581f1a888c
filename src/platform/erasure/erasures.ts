import { Injectable } from '@nestjs/common';

/**
 * Content of an agent in one table: `$1` is the tenant, `$2` the agent, `t` the row. The table is walked by its key in
 * short transactions, so that it may be as large as it likes.
 */
export interface AgentContent {
  table: string;
  /** Columns of the key behind `tenant_id`, or that order the tenant's rows, with their types. */
  key: readonly (readonly [column: string, type: string])[];
  /** Which rows hold something of the agent that is still there. */
  where: string;
  /** What they become; left out, they go. */
  set?: string;
}

/** Content of a tenant in a table that the catalogue does not tell to be its own: `$1` is the tenant, `$2` how many rows at most. */
export interface TenantContent {
  table: string;
  statement: string;
}

/**
 * Counts what holds something of an agent (`$2`, in tenant `$1`) and cannot be erased before it has ended; a statement that answers
 * `count`.
 */
export type Unfinished = string;

/** What stands where a text was. */
export const ERASED = '[erased]';

/**
 * What a purge erases, as each domain has declared it, in the order of the domains' modules. Rows with a `tenant_id` need no
 * word for the purge of a tenant: they are found in the catalogue.
 */
@Injectable()
export class Erasures {
  private readonly agents: AgentContent[] = [];
  private readonly tenants: TenantContent[] = [];
  private readonly unfinished: Unfinished[] = [];

  ofAgents(...contents: readonly AgentContent[]): void {
    this.agents.push(...contents);
  }

  ofTenants(...contents: readonly TenantContent[]): void {
    this.tenants.push(...contents);
  }

  whenEnded(...statements: readonly Unfinished[]): void {
    this.unfinished.push(...statements);
  }

  get unfinishedOfAgents(): readonly Unfinished[] {
    return this.unfinished;
  }

  get agentContents(): readonly AgentContent[] {
    return this.agents;
  }

  get tenantContents(): readonly TenantContent[] {
    return this.tenants;
  }
}
