import { generateValue } from './generate-value.js';
import { CHARSETS } from './secret.entity.js';

const FORMS = { letters: /^[a-zA-Z]+$/, digits: /^\d+$/, alphanumeric: /^[a-zA-Z0-9]+$/, hex: /^[0-9a-f]+$/, base64url: /^[\w-]+$/, symbols: /^[!-~]+$/ };

describe('generateValue', () => {
  it.each(CHARSETS)('makes values of the length and of %s alone, all of them, never the same', (charset) => {
    const values = Array.from({ length: 200 }, () => generateValue({ length: 40, charset }));
    for (const value of values) expect([value.length, FORMS[charset].test(value)]).toEqual([40, true]);
    expect(new Set(values).size).toBe(200);
    const seen = new Set(values.join(''));
    expect(seen.size).toBe({ letters: 52, digits: 10, alphanumeric: 62, hex: 16, base64url: 64, symbols: 90 }[charset]);
  });
});
