import { readFileSync } from 'node:fs';
import { StartupError } from '../startup-error.js';
import { parseSettings, SETTINGS, type Settings } from './settings.js';

/** The parsed settings of this process; made once at start and injected by its class. Never changes. */
export class Config {
  constructor(readonly settings: Readonly<Settings>) {}

  get<K extends keyof Settings>(name: K): Settings[K] {
    return this.settings[name];
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
  const withFiles = readSecretFiles(environment, problems);
  const result = parseSettings(withFiles);
  if ('problems' in result) problems.push(...result.problems);
  if (problems.length > 0 || !('settings' in result)) throw new StartupError(`bad settings: ${problems.join('; ')}`);
  return new Config(Object.freeze(result.settings));
}

function readSecretFiles(environment: Record<string, string | undefined>, problems: string[]): Record<string, string | undefined> {
  const result = { ...environment };
  for (const name of Object.keys(SETTINGS)) {
    const file = name.endsWith('_FILE') ? undefined : environment[`${name}_FILE`];
    if (!file) continue;
    if (environment[name]) problems.push(`${name}: is given twice, also as ${name}_FILE`);
    try {
      result[name] = readFileSync(file, 'utf8').trim();
    } catch (cause) {
      problems.push(`${name}_FILE: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`);
    }
  }
  return result;
}
