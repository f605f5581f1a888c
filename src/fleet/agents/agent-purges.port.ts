/** An agent that is to be purged. */
export interface PurgeableAgent {
  id: string;
  slug: string;
  name: string;
}

/** What a purge needs of the agents, in the caller's transaction. */
export abstract class AgentPurges {
  /** Holds the agent, also one that was deleted; undefined when there never was one. */
  abstract hold(id: string): Promise<PurgeableAgent | undefined>;
  /** Cuts it off as deleting it does: its tokens are refused and its leases are taken back from the commit on. @throws Problem `conflict` for the active conductor */
  abstract cutOff(id: string): Promise<void>;
}
