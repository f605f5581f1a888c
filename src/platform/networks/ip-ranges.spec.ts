import { BlockList } from 'node:net';
import fc from 'fast-check';
import { isInRanges, isWithinRanges, rangeOf, rangesOf, networkOf } from './ip-ranges.js';

describe('a range', () => {
  it.each(['10.0.0.0/8', '0.0.0.0/0', '192.168.7.7', '192.168.7.7/32', '::/0', 'fd00::/8', '2001:db8::1', '::ffff:10.0.0.0/104', '::ffff:1.2.3.4'])('may be %s', (text) =>
    expect(rangeOf(text)).toBeDefined(),
  );
  it.each(['', 'localhost', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.1/8', '2001:db8::1/32', '::/129', 'fe80::1%eth0', '1.2.3', '0x7f.0.0.1', '010.0.0.1', ' 10.0.0.1', '[::1]'])(
    'is not %j',
    (text) => expect(rangeOf(text)).toBeUndefined(),
  );

  it('takes a mapped address for the IPv4 one, and none of the other forms that have one inside', () => {
    const ranges = rangesOf(['10.0.0.0/8']);
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '::FFFF:0a01:0203', '0:0:0:0:0:ffff:10.1.2.3']) expect(isInRanges(ranges, address)).toBe(true);
    for (const address of ['64:ff9b::10.1.2.3', '2002:a01:203::1', '::10.1.2.3', 'fe80::5efe:a01:203', '11.1.2.3']) expect(isInRanges(ranges, address)).toBe(false);
    expect(isInRanges(rangesOf(['::ffff:10.0.0.0/104']), '10.1.2.3')).toBe(true);
    expect(isInRanges(rangesOf(['::/0']), '10.1.2.3')).toBe(false);
    expect(isInRanges(rangesOf(['0.0.0.0/0']), '::1')).toBe(false);
  });

  it('holds nothing that is no address', () => {
    for (const text of [undefined, '', 'unknown', '10.0.0.0/8', '10.0.0']) expect(isInRanges(rangesOf(['0.0.0.0/0', '::/0']), text)).toBe(false);
    expect(isInRanges(rangesOf(['fe80::/10']), 'fe80::1%eth0')).toBe(true);
  });

  it('lies within another when all of it does', () => {
    const within = (outer: string, inner: string): boolean => isWithinRanges(rangesOf([outer]), rangesOf([inner])[0] as never);
    expect(within('10.0.0.0/8', '10.2.0.0/16')).toBe(true);
    expect(within('10.0.0.0/8', '10.0.0.0/8')).toBe(true);
    expect(within('10.2.0.0/16', '10.0.0.0/8')).toBe(false);
    expect(within('0.0.0.0/0', '::/0')).toBe(false);
  });

  it('holds what node:net says that it holds', () => {
    const octets = (length: number) => fc.array(fc.integer({ min: 0, max: 255 }), { minLength: length, maxLength: length });
    const v4 = octets(4).map((parts) => parts.join('.'));
    const v6 = fc.ipV6().filter((address) => !address.includes('.'));
    const cases = fc.oneof(
      fc.record({ family: fc.constant('ipv4' as const), base: v4, other: v4, bits: fc.integer({ min: 0, max: 32 }) }),
      fc.record({ family: fc.constant('ipv6' as const), base: v6, other: v6, bits: fc.integer({ min: 0, max: 128 }) }),
    );
    fc.assert(
      fc.property(cases, fc.boolean(), ({ family, base, other, bits }, same) => {
        const list = new BlockList();
        list.addSubnet(base, bits, family);
        const address = same ? base : other;
        // Only a range without bits behind its prefix is one; what it would be then has the same members.
        const range = rangeOf(`${base}/${bits}`);
        if (range) expect(isInRanges([range], address)).toBe(list.check(address, family));
        const exact = rangeOf(base);
        expect(exact && isInRanges([exact], base)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.integer({ min: 0, max: 32 }), (a, b, bits) => {
        const dotted = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
        const first = (a >> BigInt(32 - bits)) << BigInt(32 - bits);
        const list = new BlockList();
        list.addSubnet(dotted(first), bits, 'ipv4');
        const range = rangeOf(`${dotted(first)}/${bits}`);
        expect(range && isInRanges([range], dotted(b))).toBe(list.check(dotted(b), 'ipv4'));
        expect(range && isInRanges([range], `::ffff:${dotted(a)}`)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what an address is counted by', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['unix', 'unix'],
    [undefined, 'unknown'],
  ])('of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));
});
