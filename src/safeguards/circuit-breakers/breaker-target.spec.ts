import { parseTarget, targetText } from './breaker-target.js';

describe('the target of a circuit breaker', () => {
  it.each([
    ['api.example.com', 'host:api.example.com'],
    ['host:API.Example.com', 'host:api.example.com'],
    ['host:api.example.com:443', 'host:api.example.com:443'],
    ['api.example.com:8080', 'host:api.example.com:8080'],
    ['host:api.example.com.', 'host:api.example.com'],
    ['host:api.example.com.:8080', 'host:api.example.com:8080'],
    ['host:[::1]:80', 'host:[::1]:80'],
    ['tool:web search', 'tool:web search'],
    ['llm_provider:openai', 'llm_provider:openai'],
    ['mcp_server:github:v2', 'mcp_server:github:v2'],
    ['agent:0199F0A2-5C1E-7CC3-98A4-6A3D2F8E1B00', 'agent:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00'],
  ])('reads %s', (text, target) => expect(targetText(parseTarget(text))).toBe(target));

  it.each(['host:', 'host:.', 'host:a/b', 'https://a.example', 'host:a?b', 'host:u@a', 'agent:otto', 'a b', 'host:a.example:99999'])('refuses %s', (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
