/** What agents need of the boards. A port: boards implement it, because they stand after the agents. */
export abstract class AgentMemberships {
  /** Takes the agent off every board, in the caller's transaction; a board that it led has no lead then. */
  abstract leaveAll(agentId: string): Promise<void>;

  /**
   * Whether an agent is on a board, outside of a transaction: from a cache that every change of membership clears in
   * every process.
   */
  abstract isOnBoard(tenantId: string, boardId: string, agentId: string): Promise<boolean>;
}
