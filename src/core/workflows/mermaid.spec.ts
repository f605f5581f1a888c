import type { Step } from './graph.js';
import { toMermaid } from './mermaid.js';

const step = (key: string, type: Step['type'], more: Partial<Step> = {}): Step => ({ key, name: key, type, depends_on: [], join: 'all', on_error: 'fail', config: {}, ...more });
const STEPS = [
  step('check', 'condition'),
  step('ship', 'task', { depends_on: [{ step: 'check', branch: 'good' }], on_error: { goto: 'mend' } }),
  step('mend', 'notify'),
  step('each', 'map', { depends_on: [{ step: 'ship', on: 'ended' }], scopes: [{ name: 'item', steps: [step('work', 'http')] }] }),
];

describe('a graph as Mermaid', () => {
  it('has every step, every edge with what it says, and scopes in their steps', () => {
    expect(toMermaid(STEPS)).toBe(`flowchart TD
  n0{"check"}
  n1["ship"]
  n2>"mend"]
  subgraph n3["each"]
    subgraph n3_0["for each"]
      n4[["work"]]
    end
  end
  n0 -->|"good"| n1
  n1 -->|"failed"| n2
  n1 -->|"ended"| n3
`);
  });

  it('has each step in the colour of its state', () => {
    const drawn = toMermaid(STEPS, (path) => ({ check: 'completed', ship: 'failed', 'each/item/work': 'completed', mend: 'unheard of' })[path]);
    expect(drawn).toContain('classDef completed fill:#dcfce7,stroke:#16a34a');
    expect(drawn).toContain('class n0,n4 completed\n');
    expect(drawn).toContain('class n1 failed\n');
    expect(drawn).not.toContain('unheard of');
  });

  it('takes names for text, whatever stands in them', () => {
    const [, line] = toMermaid([step('a', 'task', { name: '"] --> b["<img src=x onerror=alert(1)>\n;end %% Größe' })]).split('\n');
    expect(line).toBe('  n0["#34;#93; --#62; b#91;#34;#60;img src#61;x onerror#61;alert(1)#62;#10;#59;end #37;#37; Größe"]');
  });
});
