import { toCsv } from './csv.js';

const line = (...cells: unknown[]): string => toCsv(cells.map((_, index) => String(index)), [Object.fromEntries(cells.entries())]);

describe('CSV', () => {
  it('quotes what would break a line or a cell, and ends lines as RFC 4180 says', () => {
    expect(line('plain', 'a,b', 'say "hi"', 'two\nlines', 'two\r\nlines', '')).toBe('plain,"a,b","say ""hi""","two\nlines","two\r\nlines",\r\n');
  });

  it('writes times, flags, objects and nothing', () => {
    expect(line(new Date(0), true, { a: [1, 'x'] }, null)).toBe('1970-01-01T00:00:00.000Z,true,"{""a"":[1,""x""]}",\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '＝1+1'])('neutralises %j', (cell) => {
    expect(line('a', cell)).toBe(`a,'${cell}\r\n`);
  });

  it('neutralises what needs quotes too', () => {
    expect(line('=HYPERLINK("http://x","y")', '\r=1')).toBe(`"'=HYPERLINK(""http://x"",""y"")","'\r=1"\r\n`);
  });
});
