/** A task that an agent holds. */
export interface HeldLease {
  task_id: string;
  board_id: string | null;
}

/**
 * What the fleet needs of the work: taking an agent's leases away inside the transaction that kills or stops it. A
 * port: tasks implement it, because the fleet stands before the work.
 */
export abstract class AgentLeases {
  /**
   * Takes back every task the agent holds: queued again at once, the attempt not counted against its retries. From the
   * commit on every write under the old fences is `lease_lost`.
   * @returns how many were taken back
   */
  abstract takeBackAll(agentId: string, reason: string): Promise<number>;
  /** How many tasks each of the agents holds now; agents that hold none are left out. */
  abstract countHeld(agentIds: readonly string[]): Promise<Map<string, number>>;
  /** How many tasks one agent of the context's tenant holds now, outside of a transaction, in one round trip: for heartbeats. */
  abstract heldNow(agentId: string): Promise<number>;
  /** The tasks whose leases the agent holds at this moment, by the database's clock, in the caller's transaction. */
  abstract leasesOf(agentId: string): Promise<HeldLease[]>;
  /** Called when an agent's tools, boards or state changed, so that tasks that wait for it are looked at again. */
  abstract agentChanged(agentId: string): void;
}
