import { runCommand } from './command.ts';
import type { AgentProcess } from './agent-process.ts';
import { type DemoOptions, parseDemoOptions, USAGE } from './options.ts';
import { type DemoReport, runDemo } from './run.ts';
import { main as release } from './workflow/main.ts';

/** @returns the exit code */
export function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'workflow') return release(argv.slice(1));
  return runCommand(() => parseDemoOptions(argv), USAGE, perform);
}

async function perform(options: DemoOptions): Promise<number> {
  const report = await runDemo(options);
  show(report);
  return report.mistakes.length === 0 ? 0 : 1;
}

function show(report: DemoReport): void {
  console.log(`\n${report.files} files in ${report.seconds.toFixed(1)} s: ${(report.files / report.seconds).toFixed(1)} tasks/s\n`);
  console.log('What happened to the attempts:');
  for (const agent of report.agents) console.log(`  ${agent.name}  ${outcomesOf(agent, report)}; ${agent.fate}${late(agent)}`);
  console.log();
  if (report.mistakes.length === 0) {
    console.log(`All ${report.files} files were done: every file once, none missing, every result equal to the one computed directly.`);
    return;
  }
  for (const mistake of report.mistakes.slice(0, 20)) console.log(`WRONG: ${mistake}`);
  console.log(`${report.mistakes.length} mistakes.`);
}

function outcomesOf(agent: AgentProcess, report: DemoReport): string {
  const attempts = report.tasks.flatMap((task) => task.attempt_history).filter((attempt) => attempt.agent_id === agent.id);
  const groups = Map.groupBy(attempts, (attempt) => attempt.outcome);
  const counts = [...groups].map(([outcome, list]) => `${list.length} ${outcome}`);
  return counts.length === 0 ? 'no attempts' : counts.sort().join(', ');
}

function late(agent: AgentProcess): string {
  return agent.lateAnswers === 0 ? '' : `; ${agent.lateAnswers} late answers refused (${[...new Set(agent.refusals)].join(', ')})`;
}
