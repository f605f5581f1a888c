import { createTask } from '../support/factories.js';
import { ADMIN_TOKEN, type Plane, startPlane } from '../support/plane.js';

describe('every request', () => {
  let plane: Plane;
  beforeAll(async () => {
    plane = await startPlane();
  });
  afterAll(() => plane.stop());

  it('answers the probes', async () => {
    const live = await plane.request('GET', '/health');
    expect(live.status).toBe(200);
    expect(live.body).toMatchObject({ status: 'ok', service: 'wheelhouse' });
    const ready = await plane.request('GET', '/readyz');
    expect(ready.body).toEqual({ status: 'ready', checks: { database: 'ok', migrations: 'ok', jobs: 'ok', shutdown: 'ok' } });
  });

  it('answers a path without version, and a second name, as the first', async () => {
    const alias = await plane.request('GET', '/api/health');
    expect(alias.status).toBe(200);
    expect(alias.body).toMatchObject({ service: 'wheelhouse' });
  });

  it('answers an unknown path with a problem', async () => {
    const answer = await plane.request('GET', '/nowhere', { headers: { 'x-request-id': 'abc-1' } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(answer.headers.get('x-request-id')).toBe('abc-1');
    expect(answer.body).toMatchObject({ code: 'not_found', status: 404, request_id: 'abc-1', error: answer.body['detail'] });
  });

  it('replaces a request id that is no visible ASCII, or too long', async () => {
    const answer = await plane.request('GET', '/health', { headers: { 'x-request-id': 'x'.repeat(129) } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sends the documented security headers', async () => {
    const { headers } = await plane.request('GET', '/health');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('strict-origin-when-cross-origin');
    expect(headers.get('permissions-policy')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('sends JSON with its length, and the same headers without it to HEAD', async () => {
    const answer = await fetch(`${plane.url}/health`);
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    const head = await fetch(`${plane.url}/health`, { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('content-type')]).toEqual([200, '', 'application/json; charset=utf-8']);
    const task = await createTask(plane, { title: 'Übergrößenträger 漢字' });
    expect((await plane.request('GET', `/api/v1/tasks/${task.id}`, { token: ADMIN_TOKEN })).body).toMatchObject({ title: 'Übergrößenträger 漢字' });
  });

  it('tells readers of a single resource that they have it, whatever the form of If-None-Match', async () => {
    const { id } = await createTask(plane);
    const read = (ifNoneMatch: string) => plane.request('GET', `/api/v1/tasks/${id}`, { token: ADMIN_TOKEN, headers: { 'if-none-match': ifNoneMatch } });
    for (const having of [`"${id}.1"`, `W/"${id}.1"`, `"other.1", "${id}.1"`, '*']) {
      const answer = await read(having);
      expect([answer.status, answer.body, answer.headers.get('etag')]).toEqual([304, undefined, `"${id}.1"`]);
    }
    for (const not of [`"${id}.2"`, `${id}.1`, '']) expect((await read(not)).status).toBe(200);
    expect((await plane.request('GET', '/api/v1/tasks', { token: ADMIN_TOKEN })).headers.get('etag')).toBeNull();
  });

  it('refuses broken JSON, other media types and too large bodies with problems', async () => {
    const broken = await plane.request('POST', '/api/v1/nowhere', { body: '{"a":' });
    expect([broken.status, broken.body['code']]).toEqual([400, 'malformed_json']);
    const xml = await plane.request('POST', '/api/v1/nowhere', { body: '<a/>', headers: { 'content-type': 'application/xml' } });
    expect([xml.status, xml.body['code']]).toEqual([415, 'unsupported_media_type']);
    const large = await plane.request('POST', '/api/v1/nowhere', { body: JSON.stringify('x'.repeat(1_100_000)) });
    expect([large.status, large.body['code']]).toEqual([413, 'payload_too_large']);
  });
});
