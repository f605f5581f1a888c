import { type Plane, startPlane } from '../support/plane.js';

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
