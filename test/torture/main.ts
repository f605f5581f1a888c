import { runCommand } from '../../scripts/demo/command.ts';
import type { Violation } from './checker/snapshot.ts';
import { parseTortureOptions, PLANTS, type TortureOptions, USAGE } from './options.ts';
import { torture, type TortureReport } from './run.ts';

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
  if (options.plant) {
    const signs: readonly string[] = PLANTS[options.plant].signs;
    const noticed = report.violations.some(({ rule }) => signs.includes(rule));
    console.log(noticed ? 'The planted fault was noticed.' : 'The planted fault was NOT noticed.');
    return noticed ? 0 : 1;
  }
  return report.violations.length === 0 ? 0 : 1;
}

const ms = (value: number): string => `${Math.round(value)} ms`;

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
  console.log(`revocations in the midst of use: ${list(report.revocations)}`);
  console.log(`purges: ${report.purges}`);
  console.log(`runs of workflows: ${report.runs}; processes killed ${list(report.kills) || 'nowhere'}`);
  console.log(`calls to a broken target behind a breaker: ${report.probes} let through`);
  console.log(`master keys: ${report.rotations.finished} rotations finished, ${report.rotations.kills} times killed`);
  console.log(`audit log: ${report.sealing.rows} rows sealed; apart from faults after ${ms(report.sealing.p50)} (p50), ${ms(report.sealing.p99)} (p99), ${ms(report.sealing.max)} at most`);
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
