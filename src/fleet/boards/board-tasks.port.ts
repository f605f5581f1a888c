/** What the fleet needs of the work when a board is deleted. A port: tasks implement it, because they stand after the boards. */
export abstract class BoardTasks {
  /** How many tasks on the board can still change: everything but completed and cancelled. In the caller's transaction. */
  abstract countOpen(boardId: string): Promise<number>;
}
