import { refuseUnkeepable } from './validation.js';

describe('refuseUnkeepable', () => {
  it.each(['{"a":{"__proto__":1}}', '{"constructor":{}}', '[{"x":[{"__proto__":null}]}]', '{"toString":1}', '{"a":{"hasOwnProperty":null}}'])('refuses %s', (text) => {
    expect(() => refuseUnkeepable(JSON.parse(text))).toThrow('is a name that no member may have');
  });
  it.each(['{"a":{"prototype":1,"toJSON":2}}', '[]', '"__proto__"', 'null', '{"a":"constructor"}'])('takes %s', (text) => {
    expect(() => refuseUnkeepable(JSON.parse(text))).not.toThrow();
  });
  it('refuses what is nested too deep, whatever the depth', () => {
    for (const depth of [101, 100_000]) expect(() => refuseUnkeepable(JSON.parse('['.repeat(depth) + ']'.repeat(depth)))).toThrow('nested');
    expect(() => refuseUnkeepable(JSON.parse('['.repeat(100) + ']'.repeat(100)))).not.toThrow();
  });
});
