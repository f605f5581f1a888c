import type { Problem } from '../../core/problem.js';

/** A task that another part of the plane wants, under an id that it waits for. */
export interface TaskOrder {
  id: string;
  /** As the body of `POST /tasks`; it is held to the same rules. */
  values: object;
  /** Which part of the plane made it, as the task shows it; left out, the one that orders. */
  maker?: string;
}

/** How a task has ended. */
export interface EndedTask {
  id: string;
  status: 'completed' | 'cancelled' | 'dead_letter';
  result: unknown;
  error: string | null;
  cancel_reason: string | null;
}

/** Makes and cancels tasks for other domains, in their transaction: with it they are there, or not. */
export abstract class TaskOrders {
  /** @returns why a task was not made, by its id; one that is refused takes no other with it */
  abstract create(orders: readonly TaskOrder[]): Promise<Map<string, Problem>>;

  /** Ends tasks that have not ended, whatever their boards say of it: nobody waits for them any more. Their leases are taken back at once. */
  abstract cancel(ids: readonly string[], reason: string): Promise<void>;

  /** How tasks have ended: those of them that have. */
  abstract ended(ids: readonly string[]): Promise<EndedTask[]>;
}
