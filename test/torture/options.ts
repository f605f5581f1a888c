import { parseArgs } from 'node:util';
import { type FaultName, FAULTS } from './faults.ts';

export interface TortureOptions {
  seconds: number;
  seed: number;
  agents: number;
  clients: number;
  /** A fault planted in the plane, which the checker has to notice. */
  plant?: Plant;
  /** The fault that comes before all others. */
  first?: FaultName;
  keep: boolean;
}

/** What can be planted, the broken promises by which the checker shows that it has noticed, and the fault that has to come first for it. */
export const PLANTS = {
  // A write under an old fence was sent too late, or, when it was long under way, it undid a newer one.
  'no-fence': { signs: ['stale write', 'lost'], fault: 'freeze an agent' },
  'deaf-cache': { signs: ['revoked in vain'], fault: 'cut the event stream' },
  'skipping-sequencer': { signs: ['not sealed'], fault: 'kill the sequencer' },
  'wrong-wrap': { signs: ['secret lost'], fault: 'rotate the master key' },
  'double-redeem': { signs: ['redeemed twice'], fault: 'cut the event stream' },
  'lost-fact': { signs: ['run never ended'], fault: 'kill a worker' },
  'double-effect': { signs: ['effect doubled'], fault: 'kill a worker' },
  'new-key': { signs: ['call under a wrong key'], fault: 'kill a worker' },
  'extra-probe': { signs: ['too many probes'], fault: 'cut the event stream' },
  'forgetful-purge': { signs: ['purged in part'], fault: 'purge an agent' },
} as const satisfies Record<string, { signs: readonly string[]; fault: FaultName }>;
export type Plant = keyof typeof PLANTS;

export const USAGE = `usage: npm run torture -- [--seconds N] [--seed N] [--agents N] [--clients N] [--first FAULT] [--plant NAME] [--keep]

Runs two API processes and two workers on one PostgreSQL, lets agents and clients work while processes are killed, agents
frozen, paused and killed, PostgreSQL restarted and connections cut, one process's clock is an hour ahead, credentials are
revoked, approvals used many times at once and breakers forced open in the midst of their use, the master key is rotated and the rotation killed, agents and tenants are purged, and
whoever seals the audit log is killed, and every process ends itself in the midst of moving runs of workflows; then checks what they saw against what the database holds.
--first is one of: ${FAULTS.join(', ')}.
--plant takes out what a promise rests on; the run then succeeds when the checker notices. NAME is one of:
  no-fence            the fence check of writes under a lease
  deaf-cache          what a revocation makes processes forget
  skipping-sequencer  some rows when the audit log is sealed
  wrong-wrap          the right key under a new master key
  double-redeem       the look whether what was approved was done already
  lost-fact           some of what happened to runs of workflows
  double-effect       that what a step wants is made once
  new-key             that a call keeps its key
  extra-probe         the limit of probes of a breaker that is half open
  forgetful-purge     some tables when an agent is purged`;

/** @throws Error for what is not understood */
export function parseTortureOptions(argv: readonly string[]): TortureOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      agents: { type: 'string', default: '5' },
      clients: { type: 'string', default: '3' },
      plant: { type: 'string' },
      first: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    seconds: whole('--seconds', values.seconds),
    seed: whole('--seed', values.seed),
    agents: whole('--agents', values.agents),
    clients: whole('--clients', values.clients),
    ...(values.plant === undefined ? {} : { plant: plantOf(values.plant) }),
    ...firstOf(values.first, values.plant),
    keep: values.keep,
  };
}

function plantOf(name: string): Plant {
  if (!(name in PLANTS)) throw new Error(`--plant knows ${Object.keys(PLANTS).join(', ')}`);
  return name as Plant;
}

/** A planted fault is noticed sooner when what it spoils comes first. */
function firstOf(given: string | undefined, plant: string | undefined): { first?: FaultName } {
  const first = given ?? (plant === undefined ? undefined : PLANTS[plantOf(plant)].fault);
  if (first === undefined) return {};
  if (!FAULTS.includes(first as FaultName)) throw new Error(`--first knows ${FAULTS.join(', ')}`);
  return { first: first as FaultName };
}

function whole(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name} is a whole number`);
  return Number(text);
}
