import { turnOf } from './turns.js';

/** Fills the places with jobs of tenants that always have more, in the order of their coming. @returns how many each has under way */
function filled(places: number, tenants: readonly string[]): Map<string, number> {
  const underWay = new Map<string, number>();
  for (;;) {
    const { full, most } = turnOf(underWay, places);
    const next = tenants.find((tenant) => !full.includes(tenant));
    if (most === 0 || next === undefined) return underWay;
    // The worst case: all that one look finds are of one tenant.
    underWay.set(next, (underWay.get(next) ?? 0) + most);
  }
}

describe('turns', () => {
  it('leave half of the places to others when one tenant has very much to do', () => {
    expect(filled(32, ['a'])).toEqual(new Map([['a', 16]]));
  });

  it.each([2, 3, 4])('leave places to whoever comes, also while %i tenants have very much to do', (count) => {
    const tenants = Array.from({ length: count }, (_, index) => `t${index}`);
    const underWay = filled(32, tenants);
    expect([...underWay.keys()]).toEqual(tenants);
    const { full, most } = turnOf(underWay, 32);
    expect(full).toEqual(tenants);
    expect(most).toBeGreaterThan(0);
  });

  it('give the first place that gets free to a tenant that has none, when many have filled them all', () => {
    const underWay = filled(32, Array.from({ length: 20 }, (_, index) => `t${index}`));
    expect(turnOf(underWay, 32)).toMatchObject({ most: 0 });
    underWay.set('t0', 15);
    expect(turnOf(underWay, 32)).toEqual({ full: [...underWay.keys()], most: 1 });
  });

  it('give a place that has got free to who has none under way, and to no one who has as many as are free', () => {
    expect(turnOf(new Map([['a', 5], ['b', 2]]), 10)).toEqual({ full: ['a'], most: 1 });
    expect(turnOf(new Map([['a', 6], ['b', 4]]), 10)).toEqual({ full: ['a', 'b'], most: 0 });
    expect(turnOf(new Map(), 1)).toEqual({ full: [], most: 1 });
  });
});
