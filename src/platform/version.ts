import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Version of this software: that of its package, which every process is started in. */
export const VERSION = (JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as { version: string }).version;
