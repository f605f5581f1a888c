import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SETTINGS } from '../../src/platform/config/settings.js';

interface Described {
  description?: string;
  secret?: boolean;
  default?: unknown;
  enum?: string[];
}

function row(name: string, { description = '', secret, default: fallback, enum: values }: Described): string {
  const shown = typeof fallback === 'string' || typeof fallback === 'number' ? String(fallback) : '';
  const choice = values && !values.includes('true') ? ` One of ${values.map((value) => `\`${value}\``).join(', ')}.` : '';
  return `| \`${name}\` | ${shown === '' ? '' : `\`${shown}\``} | ${description}${choice}${secret ? ' Secret.' : ''} |`;
}

describe('docs/operations.md', () => {
  it('has a row for every setting, with what it is and its default, and no others', () => {
    const section = /^## Settings$([^]*?)^## /m.exec(readFileSync('docs/operations.md', 'utf8'))?.[1] ?? '';
    const { properties = {} } = z.toJSONSchema(z.object(SETTINGS), { io: 'input', unrepresentable: 'any' });
    const wanted = Object.entries(properties).map(([name, property]) => row(name, property as Described));
    expect(section.split('\n').filter((line) => line.startsWith('| `'))).toEqual(wanted);
  });
});
