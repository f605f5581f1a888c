import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface Attempt {
  fence: number;
  attempt: number;
  agent_id: string | null;
  outcome: string;
  error: string | null;
}

export interface FinishedTask {
  id: string;
  status: string;
  payload: { path: string };
  result: unknown;
  attempt_history: Attempt[];
}

export interface FileFacts {
  sha256: string;
  lines: number;
  bytes: number;
}

/** The same as the agents compute, computed here. */
export function factsOf(path: string): FileFacts {
  const content = readFileSync(path);
  const parts = content.toString('latin1').split('\n');
  const lines = parts.length - (parts.at(-1) === '' ? 1 : 0);
  return { sha256: createHash('sha256').update(content).digest('hex'), lines, bytes: content.length };
}

/** Everything that is wrong with the outcome, in words; empty when every file was done once and right. */
export function mistakesIn(paths: readonly string[], tasks: readonly FinishedTask[]): string[] {
  const byPath = Map.groupBy(tasks, (task) => task.payload.path);
  const mistakes = [...byPath.keys()].filter((path) => !paths.includes(path)).map((path) => `${path}: nobody asked for it`);
  for (const path of paths) mistakes.push(...mistakesWith(path, byPath.get(path) ?? []));
  return mistakes;
}

function mistakesWith(path: string, tasks: readonly FinishedTask[]): string[] {
  const [task, ...more] = tasks;
  if (!task) return [`${path}: has no task`];
  if (more.length > 0) return [`${path}: has ${tasks.length} tasks`];
  const mistakes: string[] = [];
  const completed = task.attempt_history.filter((attempt) => attempt.outcome === 'completed').length;
  if (task.status !== 'completed') mistakes.push(`${path}: is ${task.status}`);
  if (completed !== 1) mistakes.push(`${path}: was completed ${completed} times`);
  const fences = new Set(task.attempt_history.map((attempt) => attempt.fence));
  if (fences.size !== task.attempt_history.length) mistakes.push(`${path}: two attempts have one fence`);
  const [expected, found] = [factsOf(path), task.result as Partial<FileFacts> | null];
  const wrong = (['sha256', 'lines', 'bytes'] as const).filter((field) => found?.[field] !== expected[field]);
  if (wrong.length > 0) mistakes.push(`${path}: wrong ${wrong.join(', ')}`);
  return mistakes;
}
