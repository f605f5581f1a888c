import { toJsonText } from './json-text.js';

describe('JSON for the database', () => {
  it('replaces what the database refuses, in keys and values, however deep', () => {
    expect(JSON.parse(toJsonText({ 'a\0': ['x\0y', { b: '\ud800' }] }))).toEqual({ 'a\ufffd': ['x\ufffdy', { b: '\ufffd' }] });
  });

  it('changes nothing else', () => {
    for (const value of [null, 1, 'plain', '😀 \\u0000 \n', { a: [true, '\\'] }, ['\ue000']]) expect(JSON.parse(toJsonText(value))).toEqual(value);
    expect(toJsonText(undefined)).toBe('null');
  });
});
