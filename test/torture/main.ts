import { runCommand } from '../../scripts/demo/command.ts';
import type { Violation } from './checker/snapshot.ts';
import { parseTortureOptions, type TortureOptions, USAGE } from './options.ts';
import { torture, type TortureReport } from './run.ts';

/** What a write under an old fence looks like: it was sent too late, or, when it was long under way, it undid a newer one. */
const OF_NO_FENCE = new Set(['stale write', 'lost']);

/** @returns the exit code: 0 when every promise was kept, or the planted fault was noticed */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(() => parseTortureOptions(argv), USAGE, perform);
}

async function perform(options: TortureOptions): Promise<number> {
  console.log(
    `torture: ${options.seconds} s, seed ${options.seed}, ${options.agents} agents, ${options.clients} clients${options.plant ? `, planted: ${options.plant}` : ''}`,
  );
  const report = await torture(options, (line) => console.log(line));
  show(report, options);
  const noticed = report.violations.some(({ rule }) => OF_NO_FENCE.has(rule));
  if (options.plant) {
    console.log(noticed ? 'The planted fault was noticed.' : 'The planted fault was NOT noticed.');
    return noticed ? 0 : 1;
  }
  return report.violations.length === 0 ? 0 : 1;
}

function show(report: TortureReport, options: TortureOptions): void {
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  console.log(`\nfaults: ${list(report.faults)}`);
  console.log(`requests: ${list(report.ops)}; ${report.unanswered} of them unanswered`);
  console.log(`tasks: ${list(report.tasks)}`);
  console.log(`attempts: ${list(report.attempts)}`);
  console.log(`events: ${report.events.published} published, ${report.events.delivered} delivered, ${report.events.told} told to sockets`);
  console.log(`everything had ended ${(report.settledMs / 1000).toFixed(1)} s after the last fault`);
  for (const [rule, violations] of Map.groupBy(report.violations, (violation: Violation) => violation.rule)) {
    console.log(`\n${rule}: ${violations.length}`);
    for (const { detail } of violations.slice(0, 5)) console.log(`  ${detail}`);
  }
  console.log(
    `\nseed ${options.seed}: ${report.violations.length === 0 ? 'every promise was kept' : `${report.violations.length} promises were broken`}`,
  );
  if (options.keep) console.log(`the histories are in ${report.folder}`);
}
