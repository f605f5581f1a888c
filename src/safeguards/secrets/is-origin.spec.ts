import { allowsOrigin, isOrigin } from './is-origin.js';

describe('origins that a secret may be sent to', () => {
  it.each(['https://api.example.com', 'http://10.0.0.5:8080', 'https://[2001:db8::1]', 'https://*.example.com', 'https://*.a.example.com:8443'])('may be %s', (text) => {
    expect(isOrigin(text)).toBe(true);
  });

  it.each(['', 'api.example.com', 'https://api.example.com/', 'https://api.example.com/x', 'https://api.example.com:443', 'HTTPS://api.example.com', 'https://API.example.com', 'ftp://a.example.com', 'https://*', 'https://*.com', 'https://a.*.example.com', 'https://*example.com', 'https://u@api.example.com', 'https://*.10.0', 7, null])(
    'may not be %s',
    (text) => expect(isOrigin(text)).toBe(false),
  );

  it('are met in scheme, host and port alike', () => {
    const allowed = ['https://api.example.com', 'https://*.example.org', 'http://10.0.0.5:8080'];
    for (const origin of ['https://api.example.com', 'https://a.example.org', 'https://a.b.example.org', 'http://10.0.0.5:8080']) expect(allowsOrigin(allowed, origin)).toBe(true);
    for (const origin of ['http://api.example.com', 'https://api.example.com:8443', 'https://evil-api.example.com', 'https://example.org', 'https://evilexample.org', 'http://a.example.org', 'http://10.0.0.5', 'null']) expect(allowsOrigin(allowed, origin)).toBe(false);
  });
});
