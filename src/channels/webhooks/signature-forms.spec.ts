import { createHmac } from 'node:crypto';
import { signedHeaders } from './standard-webhooks.js';
import { SIGNATURE_FORMS, type SignatureForm, signedAs, verify } from './signature-forms.js';

const now = new Date('2026-01-31T09:30:00.000Z');
const seconds = Math.floor(now.getTime() / 1000);
const secret = 'a secret of sixteen or more';
const body = Buffer.from('{"a":1}');
const hex = (text: string, key = secret): string => createHmac('sha256', key).update(text).digest('hex');
const check = (form: SignatureForm, headers: Record<string, string>, at = now, secrets = [secret], content = body) => verify(form, headers, content, secrets, at, 300);

describe('published signatures', () => {
  it('of GitHub: "Validating webhook deliveries"', () => {
    const headers = { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17', 'x-github-delivery': '1' };
    expect(check('github', headers, now, ["It's a Secret to Everybody"], Buffer.from('Hello, World!'))).toMatchObject({ form: 'github', isKnownByBody: true });
    expect(check('github', headers, now, ["It's a Secret to Everybody"], Buffer.from('Hello, World'))).toBe('wrong_signature');
  });

  it('of Slack: "Verifying requests from Slack"', () => {
    const text =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const headers = { 'x-slack-request-timestamp': '1531420618', 'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503' };
    expect(check('any', headers, new Date(1_531_420_618_000), ['8f742231b10e8888abcd99yyyzzz85a5'], Buffer.from(text))).toMatchObject({ form: 'slack', isKnownByBody: false });
  });

  it('of Standard Webhooks: the vector of its libraries', () => {
    const headers = { 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' };
    expect(check('standard', headers, new Date(1_614_265_330_000), ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], Buffer.from('{"test": 2432232314}'))).toMatchObject({ form: 'standard', isKnownByBody: false });
  });
});

describe('what a request shows', () => {
  it.each(SIGNATURE_FORMS)('is what its sender signed: %s', (form) => {
    const headers = signedAs(form, secret, '{"a":1}', now, 'd1');
    expect(check(form, headers)).toMatchObject({ form: form === 'any' ? 'standard' : form });
    expect(check(form, headers, now, ['another secret'])).toBe('wrong_signature');
  });

  const right: [SignatureForm, Record<string, string>][] = [
    ['sha256', { 'x-signature': `sha256=${hex('{"a":1}')}` }],
    ['sha256', { 'x-signature-256': `sha256=${hex('{"a":1}').toUpperCase()}` }],
    ['github', { 'x-hub-signature-256': `sha256=${hex('{"a":1}')}` }],
    ['stripe', { 'stripe-signature': `t=${seconds},v1=${hex('x')},v1=${hex(`${seconds}.{"a":1}`)},v0=${hex('y')}` }],
    ['slack', { 'x-slack-request-timestamp': String(seconds), 'x-slack-signature': `v0=${hex(`v0:${seconds}:{"a":1}`)}` }],
    ['gitlab', { 'x-gitlab-token': secret }],
    ['standard', signedHeaders([secret], 'msg_1', now, '{"a":1}')],
  ];

  it.each(right)('is taken in the form of %s, and as any', (form, headers) => {
    expect([check(form, headers), check('any', headers)]).toEqual([expect.objectContaining({ form }), expect.objectContaining({ form })]);
    expect(check(form, headers, now, ['another secret', secret])).toMatchObject({ form });
    expect(check(form, headers, now, ['another secret'])).toBe('wrong_signature');
    if (form !== 'gitlab') expect(check(form, headers, now, [secret], Buffer.from('{"a":2}'))).toBe('wrong_signature');
    const other = form === 'slack' ? 'stripe' : 'slack';
    expect(check(other, headers)).toBe('unsigned');
  });

  it.each(right.filter(([form]) => ['stripe', 'slack', 'standard'].includes(form)))('must have been signed within the window, in the form of %s', (form, headers) => {
    for (const away of [-301, 301]) expect(check(form, headers, new Date(now.getTime() + away * 1000))).toBe('outside_window');
    for (const away of [-299, 299]) expect(check(form, headers, new Date(now.getTime() + away * 1000))).toMatchObject({ isKnownByBody: false });
  });

  it.each([
    {}, { 'x-signature': '' }, { 'x-signature': hex('{"a":1}') }, { 'x-signature': 'sha1=00' }, { 'stripe-signature': 'v1=00' }, { 'stripe-signature': 't=,v1=' }, { 'x-slack-signature': 'v0=00' },
    { 'webhook-id': 'x', 'webhook-timestamp': 'now', 'webhook-signature': 'v1,x' },
  ] as Record<string, string>[])('is no signature: %j', (headers) => expect(check('any', headers)).toBe('unsigned'));

  it('is not made good by another signature that is right, and empty or odd ones are wrong', () => {
    expect(check('any', { 'x-hub-signature-256': `sha256=${hex('x')}`, 'x-signature': `sha256=${hex('{"a":1}')}` })).toBe('wrong_signature');
    for (const value of ['sha256=', 'sha256=00', `sha256=${'z'.repeat(64)}`, `sha256=${hex('{"a":1}')}00`]) expect(check('any', { 'x-signature': value })).toBe('wrong_signature');
    expect(check('any', { 'x-gitlab-token': secret.slice(1) })).toBe('wrong_signature');
    expect(check('any', { 'x-gitlab-token': secret }, now, [])).toBe('wrong_signature');
  });

  const stripe = (content: string, at = seconds): Record<string, string> => ({ 'stripe-signature': `t=${at},v1=${hex(`${at}.${content}`)}` });
  const slack = (content: string, at = seconds, retry?: string): Record<string, string> => ({ 'x-slack-request-timestamp': String(at), 'x-slack-signature': `v0=${hex(`v0:${at}:${content}`)}`, ...(retry === undefined ? {} : { 'x-slack-retry-num': retry }) });
  const seen = (headers: Record<string, string>, content: string): { delivery: string | undefined; sameBody: boolean } => {
    const verdict = check('any', headers, now, [secret], Buffer.from(content));
    if (typeof verdict === 'string') throw new Error(verdict);
    return { delivery: verdict.deliveryHash?.toString('hex'), sameBody: verdict.isKnownByBody };
  };

  it.each([
    ['stripe', '{"id":"evt_1NG8Du2eZvKYlo2CUI79vXWy","object":"event"}', '{"id":"evt_1NG8Du2eZvKYlo2CUI79vXWz","object":"event"}', stripe],
    ['slack', '{"type":"event_callback","event_id":"Ev08MFMKH6"}', '{"type":"event_callback","event_id":"Ev08MFMKH7"}', slack],
  ] as const)('names its delivery in the body, whenever it was signed: %s', (_form, content, other, sign) => {
    expect(seen(sign(content, seconds + 60), content)).toEqual(seen(sign(content), content));
    expect(seen(sign(other), other).delivery).not.toBe(seen(sign(content), content).delivery);
    expect(seen(sign(content), content).sameBody).toBe(false);
  });

  it.each([
    ['stripe', '{"id":"ch_1","object":"charge"}', stripe], ['stripe', 'evt_1', stripe], ['stripe', '{"id":["evt_1"]}', stripe], ['stripe', 'null', stripe],
    ['slack', 'command=%2Fdeploy&text=event_id', slack], ['slack', '{"event_id":7}', slack], ['slack', '{"event_id":""}', slack],
  ] as const)('is a delivery of its own each time that it is signed, where its body names none: %s %s', (_form, content, sign) => {
    expect(seen(sign(content, seconds + 60), content).delivery).not.toBe(seen(sign(content), content).delivery);
    expect(seen(sign(content), content)).toEqual({ ...seen(sign(content), content), sameBody: false });
  });

  it('is known by its body when Slack says that it sends it again, and the body names no event', () => {
    expect(seen(slack('a=b', seconds, '1'), 'a=b').sameBody).toBe(true);
    expect(seen(slack('{"event_id":"Ev1"}', seconds, '1'), '{"event_id":"Ev1"}').sameBody).toBe(false);
  });

  it('names its delivery: the same again has the same hash, another has another', () => {
    const hashOf = (headers: Record<string, string>): string | undefined => {
      const verdict = check('any', headers);
      return typeof verdict === 'string' ? undefined : verdict.deliveryHash?.toString('hex');
    };
    const github = (delivery: string) => ({ 'x-hub-signature-256': `sha256=${hex('{"a":1}')}`, 'x-github-delivery': delivery });
    expect(hashOf(github('1'))).toBe(hashOf(github('1')));
    expect(hashOf(github('1'))).not.toBe(hashOf(github('2')));
    expect(hashOf({ 'x-signature': `sha256=${hex('{"a":1}')}` })).toBeUndefined();
  });
});
