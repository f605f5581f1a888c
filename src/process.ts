import { StartupError } from './platform/startup-error.js';

export async function runProcess(): Promise<void> {
  await Promise.reject(new StartupError('not yet'));
}
