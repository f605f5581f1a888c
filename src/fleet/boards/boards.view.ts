import type { Board } from './board.entity.js';
import type { BoardMemory } from './board-memory.entity.js';

/** A board. */
export class BoardView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * Unique in the tenant.
   * @example website
   */
  slug!: string;
  /** @example Website */
  name!: string;
  /** @example "Work on the public website" */
  description!: string | null;
  /** @example false */
  require_approval_for_done!: boolean;
  /** @example true */
  require_review_before_done!: boolean;
  /** @example false */
  comment_required_for_review!: boolean;
  /** @example false */
  block_status_changes_with_pending_approval!: boolean;
  /** @example false */
  only_lead_can_change_status!: boolean;
  /** @example 5 */
  max_agents!: number | null;
  /** @example null */
  lead_agent_id!: string | null;
  /**
   * Grows with each change; part of the ETag.
   * @example 1
   */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
}

/** Something in a board's memory. */
export class BoardMemoryView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  board_id!: string;
  /** @example "The staging server is rebuilt every night at two." */
  content!: string;
  /** @example ["staging"] */
  tags!: string[];
  /** @example "Operations handbook" */
  source!: string | null;
  /**
   * Kind of caller that added it: user, api_key, agent or bootstrap.
   * @example agent
   */
  author_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  author_id!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

export function toBoardView(board: Board): BoardView {
  const { id, slug, name, description, require_approval_for_done, require_review_before_done, comment_required_for_review } = board;
  const { block_status_changes_with_pending_approval, only_lead_can_change_status, max_agents, lead_agent_id, revision } = board;
  return {
    id,
    slug,
    name,
    description,
    require_approval_for_done,
    require_review_before_done,
    comment_required_for_review,
    block_status_changes_with_pending_approval,
    only_lead_can_change_status,
    max_agents,
    lead_agent_id,
    revision,
    created_at: board.created_at.toISOString(),
    updated_at: board.updated_at.toISOString(),
  };
}

export function toBoardMemoryView({ id, board_id, content, tags, source, author_kind, author_id, created_at }: BoardMemory): BoardMemoryView {
  return { id, board_id, content, tags, source, author_kind, author_id, created_at: created_at.toISOString() };
}
