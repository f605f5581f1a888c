import { canonicalUrl } from './aliases.js';

describe('canonicalUrl', () => {
  it.each([
    ['GET', '/api/tasks?limit=1', '/api/v1/tasks?limit=1'],
    ['GET', '/api/v1/tasks', '/api/v1/tasks'],
    ['GET', '/api/v1x/tasks', '/api/v1/v1x/tasks'],
    ['GET', '/api/api-keys', '/api/v1/security/api-keys'],
    ['POST', '/api/tools/agents-live/abc/kill', '/api/v1/agents/abc/kill'],
    ['HEAD', '/api/v1/admin/agents', '/api/v1/agents'],
    ['PUT', '/api/v1/admin/agents', '/api/v1/admin/agents'],
    ['GET', '/api/queue', '/api/v1/tasks?status=active'],
    ['GET', '/api/queue?status=pending&limit=2', '/api/v1/tasks?status=pending&limit=2'],
    ['GET', '/health', '/health'],
  ])('%s %s is %s', (method, url, canonical) => {
    expect(canonicalUrl(method, url)).toBe(canonical);
  });
});
