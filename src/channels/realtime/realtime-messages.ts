import { z } from 'zod';
import { Problem } from '../../core/problem.js';

const event = z.string().min(1).max(100);
const message = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auth'), token: z.string().min(1).max(4096) }),
  z.strictObject({ type: z.literal('ping') }),
  z.strictObject({ type: z.literal('subscribe'), event }),
  z.strictObject({ type: z.literal('unsubscribe'), event }),
]);

/** What a client may send. */
export type ClientMessage = z.output<typeof message>;

/**
 * Reads a message of a client.
 * @throws Problem `malformed_json` or `invalid_request`, which never repeats what was sent
 */
export function parseMessage(data: Buffer, isBinary: boolean): ClientMessage {
  if (isBinary) throw new Problem('invalid_request', { detail: 'Messages are JSON texts; this one is binary.' });
  const parsed = message.safeParse(jsonOf(data.toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new Problem('invalid_request', {
    detail: 'A message is one of auth, ping, subscribe, unsubscribe, with the fields that belong to it.',
    errors: parsed.error.issues.slice(0, 10).map((issue) => ({ field: issue.path.join('.') || 'type', code: issue.code, message: 'is missing, unknown or not valid' })),
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem('malformed_json', { detail: 'The message is not valid JSON.' });
  }
}
