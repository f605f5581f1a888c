import { defineEvent } from '../../core/event.js';

/** Something was added to a board's memory. */
export const BoardMemoryAdded = defineEvent<{ board_id: string; memory_id: string }>('board.memory_added');

/** A board was deleted; no agent is on it any more. */
export const BoardDeleted = defineEvent<{ board_id: string }>('board.deleted');
