import type { Problem } from '../../../core/problem.js';
import type { StepError } from '../../../core/workflows/rows.js';

/** What a refusal says to a run: asking again helps where it says that it may. */
export const errorOf = ({ code, message, status }: Problem): StepError => ({ code, message, passing: status === 429 || status >= 500 });
