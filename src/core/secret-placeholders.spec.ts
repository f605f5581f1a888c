import { fillSecrets, hideSecrets, secretNames } from './secret-placeholders.js';

const PAYLOAD = { auth: 'Bearer {{secret:KEY}}', list: ['{{secret:A.b-c}}{{secret:KEY}}', 7, null], '{{secret:KEY}}': true, not: '{{secret:two words}} {{other:KEY}}' };

describe('placeholders of secrets', () => {
  it('are found wherever they stand, each once', () => {
    expect(secretNames(PAYLOAD).sort()).toEqual(['A.b-c', 'KEY']);
    expect([secretNames(null), secretNames(undefined), secretNames('none')]).toEqual([[], [], []]);
  });

  it('are filled in, in a copy, once: what a value looks like does not matter', () => {
    const values = new Map([['KEY', '"k$& {{secret:A.b-c}}'], ['A.b-c', 'a']]);
    expect(fillSecrets(PAYLOAD, values)).toEqual({
      auth: 'Bearer "k$& {{secret:A.b-c}}',
      list: ['a"k$& {{secret:A.b-c}}', 7, null],
      '"k$& {{secret:A.b-c}}': true,
      not: '{{secret:two words}} {{other:KEY}}',
    });
    expect(PAYLOAD.auth).toBe('Bearer {{secret:KEY}}');
  });

  it('are encoded as the place asks, each by itself', () => {
    expect(fillSecrets('/a/{{secret:KEY}}?x', new Map([['KEY', 'a b&c']]), encodeURIComponent)).toBe('/a/a%20b%26c?x');
  });

  it('stand again where somebody says what they were given', () => {
    const values = new Map([['KEY', 'k"1$& /+'], ['LONG', 'k"1$& /+ and more'], ['PIN', '482913'], ['TINY', 'abc']]);
    expect(hideSecrets({ 'k"1$& /+': ['x k"1$& /+ and more', 482913, 7, null, true], tiny: 'abc' }, values)).toEqual({ '{{secret:KEY}}': ['x {{secret:LONG}}', '{{secret:PIN}}', 7, null, true], tiny: 'abc' });
    for (const form of [JSON.stringify('k"1$& /+').slice(1, -1), encodeURIComponent('k"1$& /+'), Buffer.from('k"1$& /+').toString('base64'), Buffer.from('k"1$& /+').toString('base64url'), 'k%221%24%26%20/%2B', 'k%221%24%26+%2F%2B']) expect(hideSecrets(`<${form}>`, values)).toBe('<{{secret:KEY}}>');
  });
});
