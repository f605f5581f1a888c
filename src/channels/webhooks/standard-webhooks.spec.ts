import { keyOf, newWebhookSecret, signatureOf, signedHeaders } from './standard-webhooks.js';

describe('signatures of Standard Webhooks', () => {
  // The vector of the specification's reference libraries.
  const [secret, id, seconds, body] = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}'];

  it('are those of the published vector', () => {
    expect(signatureOf(secret, id, seconds, body)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
    expect(signedHeaders([secret], id, new Date(seconds * 1000 + 999), body)).toEqual({ 'webhook-id': id, 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' });
  });

  it('are made with each secret that is valid, the newest first', () => {
    const second = newWebhookSecret();
    expect(signedHeaders([second, secret], id, new Date(seconds * 1000), body)['webhook-signature']).toBe(`${signatureOf(second, id, seconds, body)} ${signatureOf(secret, id, seconds, body)}`);
    expect(signedHeaders([], id, new Date(0), body)).toEqual({ 'webhook-id': id, 'webhook-timestamp': '0' });
  });

  it('take the bytes that base64 stands for as the key, and of any other text its own', () => {
    expect(keyOf('whsec_AAEC').equals(Buffer.from([0, 1, 2]))).toBe(true);
    expect(keyOf('whsec_not base64!').toString()).toBe('whsec_not base64!');
    expect(keyOf('plain text').toString()).toBe('plain text');
    expect(keyOf(newWebhookSecret())).toHaveLength(32);
  });
});
