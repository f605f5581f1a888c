/**
 * What agents need of the boards when one of them is deleted. A port: boards implement it, because they stand after
 * the agents.
 */
export abstract class AgentMemberships {
  /** Takes the agent off every board, in the caller's transaction; a board that it led has no lead then. */
  abstract leaveAll(agentId: string): Promise<void>;
}
