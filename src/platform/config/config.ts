import { readFileSync } from 'node:fs';
import { StartupError } from '../startup-error.js';
import { parseSettings, SETTINGS, type Settings } from './settings.js';

/** The parsed settings of this process; made once at start and injected by its class. Never changes. */
export class Config {
  /** @param files paths that secrets were read from, by the name of their setting */
  constructor(
    readonly settings: Readonly<Settings>,
    readonly files: Readonly<Record<string, string>> = {},
  ) {}

  get<K extends keyof Settings>(name: K): Settings[K] {
    return this.settings[name];
  }

  /** The file that a secret was read from; undefined when it came with the environment, or not at all. */
  fileOf(name: keyof Settings): string | undefined {
    return this.files[name];
  }

  /** Whether this process answers HTTP, runs jobs, or both. */
  get servesApi(): boolean {
    return this.settings.PROCESS_ROLE !== 'worker';
  }
  get runsJobs(): boolean {
    return this.settings.PROCESS_ROLE !== 'api';
  }
}

/**
 * Reads the settings from an environment. `<NAME>_FILE` names a file that holds the value, for every secret.
 * @throws StartupError one line with every bad setting, by name, never its value
 */
export function loadConfig(environment: Record<string, string | undefined> = process.env): Config {
  const problems: string[] = [];
  const files: Record<string, string> = {};
  const withFiles = readSecretFiles(environment, files, problems);
  const result = parseSettings(withFiles);
  if ('problems' in result) problems.push(...result.problems);
  if (problems.length > 0 || !('settings' in result)) throw new StartupError(`bad settings: ${problems.join('; ')}`);
  return new Config(Object.freeze(result.settings), files);
}

function readSecretFiles(environment: Record<string, string | undefined>, files: Record<string, string>, problems: string[]): Record<string, string | undefined> {
  const result = { ...environment };
  for (const name of Object.keys(SETTINGS)) {
    const file = name.endsWith('_FILE') ? undefined : environment[`${name}_FILE`];
    if (!file) continue;
    if (environment[name]) problems.push(`${name}: is given twice, also as ${name}_FILE`);
    try {
      result[name] = readFileSync(file, 'utf8').trim();
      files[name] = file;
    } catch (cause) {
      problems.push(`${name}_FILE: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`);
    }
  }
  return result;
}
