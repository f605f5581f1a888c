import type { Canaries } from './canaries.js';
import { ok } from './factories.js';
import { type ApiResponse, request } from './requests.js';

type Call = <T>(method: string, path: string, body?: unknown, token?: string) => Promise<ApiResponse<T>>;

/** What the sweep gives out for it. */
interface Sweep {
  url: string;
  /** Answers with the headers that it was sent. */
  receiver: string;
  token: string;
  canaries: Canaries;
  /** Swept later. */
  answers: string[];
  /** Its answer is swept, too. */
  send: Call;
  /** Its answer is where a secret is shown. */
  call: Call;
  watch: <T extends object>(what: string, shown: T) => T;
}

/** Secrets of webhooks: given and made, refused and rotated, used for a receiver that says back what it is sent, and for an endpoint that is sent the secret itself. */
export async function putWebhookCanaries({ url, receiver, token, canaries, answers, send, call, watch }: Sweep): Promise<void> {
  const to = { url: receiver, events: ['task.*'] };
  const { id } = await ok(call<{ id: string }>('POST', '/webhooks', { ...to, secret: canaries.putPlain('secret of a webhook') }, token));
  await send('POST', '/webhooks', { ...to, events: ['nothing.like.it'], secret: canaries.putPlain('secret of a refused webhook') }, token);
  await ok(call('POST', `/webhooks/${id}/rotate-secret`, { secret: canaries.putPlain('secret of a rotated webhook') }, token));
  const tested = await ok(send<{ attempts: { answer: string }[] }>('POST', `/webhooks/${id}/test`, undefined, token));
  if (!tested.attempts[0]?.answer.includes('webhook-signature')) throw new Error('The receiver did not say back what it was sent.');
  const endpoint = watch('an endpoint', await ok(call<{ id: string; url: string; secret: string }>('POST', '/webhooks', { name: 'Endpoint' }, token)));
  const sent = async (secret: string): Promise<string> => {
    const headers = { 'x-gitlab-token': secret, authorization: `Bearer ${canaries.putPlain('credential of a sender')}` };
    const { body } = await request<{ id?: string }>(url, 'POST', endpoint.url, { body: { n: 1 }, headers });
    answers.push(JSON.stringify(body));
    return body.id ?? '';
  };
  const payload = await sent(endpoint.secret);
  await sent(canaries.putPlain('wrong token of a sender'));
  for (const path of ['', `/${id}`, `/${id}/deliveries`, `/${endpoint.id}/payloads/${payload}`]) await ok(send('GET', `/webhooks${path}`, undefined, token));
}
