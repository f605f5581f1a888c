import { AsyncLocalStorage } from 'node:async_hooks';
import { ClsService } from 'nestjs-cls';
import { type ContextStore, RequestContext } from '../context/request-context.js';
import { ExpressionFailure, Expressions, type Sight } from './expressions.js';
import { ExpressionError, syntaxOf } from './syntax.js';

const sight = (context: unknown = {}, variables: Record<string, unknown> = {}): Sight => ({ context, variables });
const cls = new ClsService<ContextStore>(new AsyncLocalStorage());
const expressions = new Expressions(new RequestContext(cls));
afterAll(() => expressions.onApplicationShutdown());

describe('the syntax of an expression', () => {
  it('names the steps that it needs, wherever they stand', () => {
    expect(new Set(syntaxOf('$steps.build.output.files[$contains(name, $steps.`list-it`.output)] ~> $count()').steps)).toEqual(new Set(['build', 'list-it']));
    expect(syntaxOf('$input.steps.a').steps).toEqual([]);
  });

  it.each(['$steps', '$steps.*', '$lookup($steps, "a")', '$map($steps, function($s) { $s })', '$steps[0].a', '$steps.(a)'])('refuses %s, which cannot be followed', (text) => {
    expect(() => syntaxOf(text)).toThrow(ExpressionError);
  });

  it.each([['1 +', 3], ['a b', 3], ['(', 1]])('says where %s is wrong', (text, position) => {
    expect(() => syntaxOf(text)).toThrow(expect.objectContaining({ position }) as Error);
  });

  it.each(['$eval("1")', 'a & $now()', '($r := $random; $r())', 'x'.repeat(5_000)])('refuses %.20s, which is not there or too long', (text) => {
    expect(() => syntaxOf(text)).toThrow(ExpressionError);
  });

  it('is plain where nothing can take long', () => {
    for (const text of ['$input.a.b', 'a = 1 and $steps.x.status = "completed"', '{"a": $input.b, "c": [1, $index]}', 'a > 1 ? "x" & b : null', '-1']) expect([text, syntaxOf(text).isPlain]).toEqual([text, true]);
    for (const text of ['$sum(a)', 'a[b = 1]', '[1..10]', 'a.*', '**', 'a.{"b": c}', '/x/', '$f := 1', 'a^(b)', 'function($x) { $x }', 'a{b: c}', `[${'$,'.repeat(20)}$]`, `${'a & '.repeat(20)}a`, '($x := 1; $x)']) expect([text, syntaxOf(text).isPlain]).toEqual([text, false]);
  });
});

describe('an expression', () => {
  it('says what its data say, plain or in a process', async () => {
    expect(await expressions.evaluate('$steps.a.output.n + n', sight({ n: 1 }, { steps: { a: { output: { n: 2 } } } }))).toBe(3);
    expect(await expressions.evaluate('$sum(items.price)', sight({ items: [{ price: 1 }, { price: 2 }] }))).toBe(3);
    expect(await expressions.evaluate('$match(text, /a(b+)/i).groups', sight({ text: 'xABBBy' }))).toEqual(['BBB']);
    expect([await expressions.evaluate('absent', sight()), await expressions.evaluate('$uppercase(absent)', sight())]).toEqual([null, null]);
  });

  it('fills values: a whole text by what it says, a part of one by text, and nothing else', async () => {
    const filled = await expressions.fill({ n: '{% a %}', list: ['{% $item %}', 'is {% a %} of {% {"x": 1} %}', '{{secret:KEY}} $a'], plain: 7 }, sight({ a: 5 }, { item: [1] }));
    expect(filled).toEqual({ n: 5, list: [[1], 'is 5 of {"x":1}', '{{secret:KEY}} $a'], plain: 7 });
  });

  it.each([
    ['a loop without an end', '($f := function($n) { $f($n + 1) }; $f(1))'],
    ['a recursion without an end', '($f := function($n) { 1 + $f($n + 1) }; $f(1))'],
    ['a list without an end', '[1..9999999]'],
    ['a text that doubles', '($d := function($s, $n) { $n = 0 ? $s : $d($s & $s, $n - 1) }; $length($d("xxxxxxxxxxxxxxxx", 30)))'],
    ['a text that is padded', '$pad("x", 900000000)'],
    ['a text far beyond the limit, made at one stroke', '$pad("x", 400000000)'],
    ['a text that is cut into very many', '$split($pad("x", 100000000), "")'],
    ['a text that grows as it is replaced', '$replace($pad("x", 100000000), "x", "yyyy")'],
    ['a text that is encoded', '$base64encode($pad("x", 300000000))'],
    ['a picture of a number that is long', '$formatNumber(1, $pad("#", 100000000))'],
    ['a large result', '$pad("x", 300000)'],
    ['lists in lists', '$map([1..2000], function($a) { $map([1..2000], function($b) { $a * $b }) })'],
  ])('that is %s ends in bounded time and memory, while the process goes on', async (_name, text) => {
    let [last, longest] = [performance.now(), 0];
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    await expect(expressions.evaluate(text, sight())).rejects.toBeInstanceOf(ExpressionFailure);
    clearInterval(timer);
    // It was at its own work all the time, not at this for as long as it lasted.
    expect(longest).toBeLessThan(500);
    expect(await expressions.evaluate('$sum([1, 2])', sight())).toBe(3);
  }, 20_000);

  it('that repeats large data is not put together in this process', async () => {
    const context = { a: 'x'.repeat(250_000) };
    for (const text of [`[${'$,'.repeat(1_500)}$]`, `${'a & '.repeat(1_000)}a`]) await expect(expressions.evaluate(text, sight(context))).rejects.toBeInstanceOf(ExpressionFailure);
  }, 20_000);

  it('with a hostile pattern is answered in time', async () => {
    expect(await expressions.evaluate('$contains(text, /^(a|aa)+$/)', sight({ text: `${'a'.repeat(40)}b` }))).toBe(false);
    await expect(expressions.evaluate('$match(text, /(?=a)a/)', sight({ text: 'a' }))).rejects.toBeInstanceOf(ExpressionFailure);
  });

  it.each(['$constructor', '$.constructor', '$string.constructor("return process")()', '$process', '$globalThis', '$require("fs")', 'a.__proto__', '$lookup({}, "constructor")', '$merge([{"__proto__": {"polluted": 1}}]).polluted', '$import("fs")'])('reaches nothing outside by %s', async (text) => {
    const said = await expressions.evaluate(text, sight({ a: {} })).catch((error: unknown) => (error instanceof ExpressionFailure ? null : String(error)));
    expect([null, 1]).toContainEqual(said);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('tenants', () => {
  const of = <T>(tenantId: string, work: () => Promise<T>): Promise<T> => cls.run(() => {
    cls.set('tenantId', tenantId);
    return work();
  });

  it('take turns: very many that never come to their end keep no other tenant waiting, and are told when there is no turn for them', async () => {
    const endless = '($f := function($n) { $f($n + 1) }; $f(0))';
    const tried = Array.from({ length: 60 }, () => of('busy', () => expressions.evaluate(endless, sight()).catch((error: unknown) => (error as ExpressionFailure).reason)));
    expect(await of('other', () => expressions.evaluate('$sum([1, 2])', sight()))).toBe(3);
    const reasons = await Promise.all(tried);
    expect(new Set(reasons)).toEqual(new Set(['timeout', 'busy']));
  }, 20_000);
});
