import { type Op, type OpOf, wasAccepted, wasRefused } from '../history.ts';
import type { Snapshot, Violation } from './snapshot.ts';

type Write = OpOf<'rotate-secret'> | OpOf<'make-secret'>;
type Read = OpOf<'reveal'> | OpOf<'use-secret'>;

const codeOf = (op: Read): string | undefined => (op.body as { code?: string } | undefined)?.code;
const secretOf = (op: Write): string | undefined => (op.op === 'make-secret' ? (op.body as { id?: string } | undefined)?.id : (op).request.secret_id);

/** Whatever happens to the keys: a secret is what it was last said to be, who has a grant gets it, and no key stays under an old master key. */
export function checkSecrets(ops: readonly Op[], db: Snapshot): Violation[] {
  const writes = Map.groupBy(ops.filter((op): op is Write & Op => op.op === 'rotate-secret' || op.op === 'make-secret'), secretOf);
  const reads = ops.filter((op): op is Read & Op => op.op === 'reveal' || op.op === 'use-secret');
  return [...reads.flatMap((read) => checkRead(read, writes.get(read.request.secret_id) ?? [])), ...neverSeenAgain(ops, [...writes.keys()]), ...underOldKeys(db)];
}

function checkRead(read: Read & Op, writes: readonly (Write & Op)[]): Violation[] {
  const { secret_id: id } = read.request;
  if (!wasAccepted(read)) {
    const code = codeOf(read);
    if (code === 'not_found' || code === 'erased') return [{ rule: 'secret lost', detail: `${id} was asked for and is said to be ${code} (${read.request_id})` }];
    if (code === 'secret_not_granted') return [{ rule: 'grant lost', detail: `the grant of ${id} was not honoured (${read.request_id})` }];
    return [];
  }
  const { value } = read.body as { value: string };
  const source = writes.find((write) => write.request.value === value);
  if (!source || wasRefused(source)) return [{ rule: 'secret wrong', detail: `${id} was shown as ${value}, which it never was (${read.request_id})` }];
  // An unanswered one may take effect long after; one that was answered is over when a later one is.
  const later = writes.find((write) => wasAccepted(write) && wasAccepted(source) && write.calledAt > (source.answeredAt ?? Infinity) && (write.answeredAt ?? Infinity) < read.calledAt);
  return later ? [{ rule: 'secret wrong', detail: `${id} was shown as ${value} although ${later.request.value} had been acknowledged (${read.request_id})` }] : [];
}

function neverSeenAgain(ops: readonly Op[], ids: readonly (string | undefined)[]): Violation[] {
  const seen = new Set(ops.filter((op): op is OpOf<'reveal'> & Op => op.op === 'reveal' && op.request.last === true && wasAccepted(op)).map((op) => op.request.secret_id));
  return ids.filter((id) => id !== undefined && !seen.has(id)).map((id) => ({ rule: 'secret lost', detail: `${id ?? ''} could not be revealed when all was over` }));
}

const underOldKeys = (db: Snapshot): Violation[] =>
  db.wrapped.filter(({ current }) => !current).map(({ master_key_id: id, keys }) => ({ rule: 'key left behind', detail: `${keys} keys of tenants are under ${id}, which was replaced` }));
