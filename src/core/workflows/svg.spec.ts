import type { Step } from './graph.js';
import { toSvg } from './svg.js';

const step = (key: string, fields: Partial<Step> = {}): Step => ({ key, name: key, type: 'task', depends_on: [], join: 'all', on_error: 'fail', config: {}, ...fields });
const steps = [
  step('check', { type: 'condition', config: { branches: [{ name: 'yes', when: 'true' }] } }),
  step('both', { type: 'parallel', depends_on: [{ step: 'check', branch: 'yes' }], scopes: [{ name: 'left', steps: [step('a')] }, { name: 'right', steps: [step('b'), step('c', { depends_on: [{ step: 'b' }] })] }] }),
  step('mend', { depends_on: [{ step: 'both', on: 'failed' }] }),
];

describe('a graph as SVG', () => {
  it('draws each step once, its edges with what they say, and each state in words', () => {
    const states: Record<string, string> = { check: 'completed', 'both/left/a': 'failed', mend: 'skipped' };
    const svg = toSvg({ steps }, (path) => states[path]);
    expect(svg.match(/<rect /g)).toHaveLength(1 + 6);
    expect(svg.match(/<path d="M\d/g)?.length).toBeGreaterThanOrEqual(3);
    for (const words of ['condition · completed', 'task · failed', 'task · skipped', '>yes<', '>failed<']) expect(svg).toContain(words);
    expect(svg).not.toContain('NaN');
  });

  it('lets no name be anything but text', () => {
    const svg = toSvg({ steps: [step('x', { name: '"><script>alert(1)</script>\u0000' })] });
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;');
  });

  it('says so where there is too much to be drawn', () => {
    expect(toSvg({ steps: Array.from({ length: 401 }, (_, n) => step(`s${n}`)) })).toContain('401 steps');
    expect(toSvg({ steps: [] })).toContain('</svg>');
  });
});
