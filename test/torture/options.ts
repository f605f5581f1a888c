import { parseArgs } from 'node:util';

export interface TortureOptions {
  seconds: number;
  seed: number;
  agents: number;
  clients: number;
  /** A fault planted in the plane, which the checker has to notice. */
  plant?: 'no-fence';
  keep: boolean;
}

export const USAGE = `usage: npm run torture -- [--seconds N] [--seed N] [--agents N] [--clients N] [--plant no-fence] [--keep]

Runs two API processes and a worker on one PostgreSQL, lets agents and clients work while processes are killed, agents
frozen, paused and killed, PostgreSQL restarted and connections cut, one process's clock is an hour ahead, and checks what they saw against what the database holds.
--plant no-fence takes the fence check out of the plane; the run then succeeds when the checker notices.`;

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
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.plant !== undefined && values.plant !== 'no-fence') throw new Error('--plant knows no-fence');
  return {
    seconds: whole('--seconds', values.seconds),
    seed: whole('--seed', values.seed),
    agents: whole('--agents', values.agents),
    clients: whole('--clients', values.clients),
    ...(values.plant === undefined ? {} : { plant: values.plant }),
    keep: values.keep,
  };
}

function whole(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name} is a whole number`);
  return Number(text);
}
