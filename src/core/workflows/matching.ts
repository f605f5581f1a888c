import { bindingsOf } from './bindings.js';
import type { Step } from './graph.js';
import { type Pass, StepFailure } from './pass.js';
import type { Fact, StepError, StepRow } from './rows.js';

/** No turn came for an expression: nothing is known of it. */
export const BUSY = 'expression_busy';
/** An event that nobody could be asked about for so long is passed over. */
const LONGEST_BUSY_MS = 60_000;
/** Events in a row that a condition has no time for: after that its step fails. */
export const MOST_UNASKED = 10;

/**
 * Whether an event is the one that a step waits for: its condition says so. One that it cannot be asked about is another one, and the step
 * says why; where it takes too long, it is asked once more, and counted. When there is no turn for it, the event is heard again.
 * @returns why the step fails, when it took too long for too many events
 */
export async function isMeant(pass: Pass, row: StepRow, { config }: Step, fact: Fact): Promise<boolean | StepError> {
  const { match } = config['event'] as { match?: string };
  if (match === undefined) return true;
  const event = fact.output;
  const said = (await ask(pass, row, match, event)) ?? (await ask(pass, row, match, event));
  if (typeof said === 'boolean') {
    if (row.lost > 0) pass.rows.touch(Object.assign(row, { lost: 0, reason: null }));
    return said;
  }
  if (said?.code === BUSY && pass.now.getTime() - (fact.created_at ?? pass.now).getTime() < LONGEST_BUSY_MS) {
    pass.unheard.push(fact);
    return false;
  }
  pass.rows.touch(row);
  if (said) {
    row.reason = `Its condition could not be asked about an event${nameOf(event)}: ${said.message}`;
    return false;
  }
  row.lost += 1;
  row.reason = `Its condition took too long for an event${nameOf(event)}, which counts as another one; for ${row.lost} in a row, and after ${MOST_UNASKED} it fails.`;
  return row.lost < MOST_UNASKED ? false : { code: 'expression_timeout', message: `Its condition took too long for ${row.lost} events in a row.`, passing: true };
}

/** @returns what it says, why it says nothing, or undefined where it took too long */
async function ask(pass: Pass, row: StepRow, match: string, event: unknown): Promise<boolean | StepError | undefined> {
  try {
    return (await pass.evaluator.evaluate(match, await bindingsOf(pass, row.path, { expressions: [match] }, { event, context: event }))) === true;
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    return error.error.passing && error.error.code !== BUSY ? undefined : error.error;
  }
}

function nameOf(event: unknown): string {
  const { name, id } = (typeof event === 'object' && event !== null ? event : {}) as { name?: unknown; id?: unknown };
  return typeof name === 'string' && typeof id === 'string' ? ` (${name} ${id})` : '';
}
