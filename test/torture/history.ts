import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What clients do. */
export interface Requests {
  create: { key: string; title: string; board_id?: string; depends_on?: string[] };
  patch: { task_id: string; description: string };
  cancel: { task_id: string };
  comment: { task_id: string; key: string; body: string };
  read: { task_id: string };
  'patch-agent': { agent_id: string; description: string };
  control: { agent_id: string; act: 'pause' | 'kill' | 'resume' };
  claim: { agent_id: string; max: number };
  renew: { agent_id: string; task_id: string; fence: number };
  complete: { agent_id: string; task_id: string; fence: number; result: { by: string } };
  fail: { agent_id: string; task_id: string; fence: number; error: string };
  release: { agent_id: string; task_id: string; fence: number };
  'make-secret': { name: string; value: string };
  'rotate-secret': { secret_id: string; value: string };
  /** `last`: when all is over, and nothing may stand in its way. */
  reveal: { secret_id: string; last?: true };
  'use-secret': { agent_id: string; secret_id: string };
  /** Something that a credential allows. */
  use: { credential: string; kind: CredentialKind };
  /** The end of a credential, or of the address that it is used from. */
  revoke: { credential: string; kind: CredentialKind };
  /** A look at the newest checkpoint of the audit log. */
  checkpoint: object;
  /** What was approved is done; `approved`: whether it was, `exact`: whether it is what was asked for. */
  redeem: { approval_id: string; approved: boolean; exact: boolean };
  /** Work in a tenant that will be purged. */
  doomed: { tenant_id: string };
  purge: { entity_type: PurgedEntity; entity_id: string };
  /** A look at a purge; answered with 200 once it is done. */
  purged: { entity_id: string };
}
export type PurgedEntity = 'agent' | 'tenant';
/** `breaker`: not a credential, but what it opens ends at once too. */
export const CREDENTIAL_KINDS = ['session', 'api-key', 'agent-token', 'address', 'breaker'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];
export type OpName = keyof Requests;

/** One HTTP exchange as its client saw it. Times are ms of the machine's monotonic clock, the same for all processes. */
export interface OpOf<N extends OpName> {
  op: N;
  /** Sent as X-Request-Id; unlike any other. */
  request_id: string;
  request: Requests[N];
  calledAt: number;
  /** Absent: the client never learned anything. */
  answeredAt?: number;
  /** 0: no answer; it may have happened. */
  status: number;
  body?: unknown;
}
export type Op = { [N in OpName]: OpOf<N> }[OpName];

/** An event as a stream delivered it. */
export interface Delivery {
  id: string;
  name: string;
  data: Record<string, unknown>;
}

/** What a client on /ws was told; times are the machine's wall clock, as the database's are. */
export type SocketEntry =
  | { socket: number; what: 'open' | 'close'; at: number }
  | { socket: number; what: 'event'; id: string; name: string; data: Record<string, unknown> };

/** What was broken, by the machine's wall clock; ms. */
export interface Fault {
  name: string;
  from: number;
  until: number;
  /** What is to be added to a time of an exchange for a time of the wall clock; ms. */
  offset: number;
}

/** Certain to have happened. */
export const wasAccepted = (op: Op): boolean => op.status >= 200 && op.status < 300;
/** Refused by a circuit breaker. A process whose database is away answers with this status too, but not for that. */
export const isCircuitOpen = ({ status, body }: Op): boolean => status === 503 && (body as { code?: string } | undefined)?.code === 'circuit_open';
/** Certain not to have happened. A 5xx is no such thing: the commit may have gone through before the answer got lost. */
export const wasRefused = (op: Op): boolean => op.status >= 400 && op.status < 500;

export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Appends to a client's own file, before and after each exchange, so that a kill loses nothing that was known. */
export class HistoryWriter {
  private readonly file: number;

  constructor(folder: string, client: string) {
    this.file = openSync(join(folder, `${client}.jsonl`), 'a');
  }

  called(op: Op): void {
    this.write(op);
  }

  answered(op: Op): void {
    this.write(op);
  }

  delivered(delivery: Delivery): void {
    this.write({ delivery });
  }

  socket(entry: SocketEntry): void {
    this.write({ entry });
  }

  broke(fault: Fault): void {
    this.write({ fault });
  }

  close(): void {
    closeSync(this.file);
  }

  private write(line: object): void {
    writeSync(this.file, `${JSON.stringify(line)}\n`);
  }
}

export interface History {
  ops: Op[];
  deliveries: Delivery[];
  sockets: SocketEntry[];
  faults: Fault[];
}

type Line = Op | { delivery: Delivery } | { entry: SocketEntry } | { fault: Fault };

/** Reads every client's file. The last line of a killed client may be cut short; what it was about is known to be called. */
export function readHistory(folder: string): History {
  const ops = new Map<string, Op>();
  const deliveries: Delivery[] = [];
  const sockets: SocketEntry[] = [];
  const faults: Fault[] = [];
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.jsonl'))) {
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      const entry = parse(line);
      if (!entry) continue;
      if ('delivery' in entry) deliveries.push(entry.delivery);
      else if ('entry' in entry) sockets.push(entry.entry);
      else if ('fault' in entry) faults.push(entry.fault);
      else ops.set(entry.request_id, entry);
    }
  }
  return { ops: [...ops.values()].sort((a, b) => a.calledAt - b.calledAt), deliveries, sockets, faults };
}

function parse(line: string): Line | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as Line);
  } catch {
    // Cut short by a kill.
    return undefined;
  }
}
