import { z } from 'zod';
import { SETTINGS } from '../platform/config/settings.js';

interface Described {
  description?: string;
  secret?: boolean;
  default?: string | number | boolean | unknown[];
  type?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
}

const HEAD = `# Every setting of Wheelhouse, with its default. Written by \`npm run openapi\`: change src/platform/config/settings.ts.
# All of them may be left out. A secret may also be given in a file, by the name of the setting with _FILE behind it.
`;

/** `.env.example`: every setting, commented out, with what it does and what it may be. */
export function renderEnvironmentExample(): string {
  const { properties = {} } = z.toJSONSchema(z.object(SETTINGS), { io: 'input', unrepresentable: 'any' });
  const blocks = Object.entries(properties).map(([name, property]) => {
    const setting = property as Described;
    const rules = [ruleOf(setting), setting.secret ? 'secret' : ''].filter(Boolean).join('; ');
    return `\n# ${setting.description ?? name}${rules ? ` (${rules})` : ''}\n#${name}=${defaultOf(setting)}\n`;
  });
  return HEAD + blocks.join('');
}

function ruleOf({ enum: values, type, minimum, maximum, minLength }: Described): string {
  if (values) return values.join(' | ');
  if (type === 'integer' && minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return minLength !== undefined && minLength > 1 ? `at least ${minLength} characters` : '';
}

function defaultOf({ default: value }: Described): string {
  return value === undefined || Array.isArray(value) ? '' : String(value);
}
