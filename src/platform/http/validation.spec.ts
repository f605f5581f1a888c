import { IsOptional, IsString } from 'class-validator';
import { Problem } from '../../core/problem.js';
import { refuseUnkeepable, validationPipe } from './validation.js';

class Request {
  @IsOptional()
  @IsString()
  agent_id?: string;
}

describe('a field that is not known', () => {
  it.each([
    ['agentId', 'agentId is not a field of this request: it is called agent_id'],
    ['Agent-ID', 'Agent-ID is not a field of this request: it is called agent_id'],
    ['agents', 'agents is not a field of this request'],
  ])('%s is refused by name', async (field, message) => {
    const refused: unknown = await validationPipe().transform({ [field]: 'x' }, { type: 'body', metatype: Request }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Problem);
    expect((refused as Problem).details.errors).toEqual([{ field, code: 'unknown_field', message }]);
  });
});

describe('refuseUnkeepable', () => {
  it.each(['{"a":{"__proto__":1}}', '{"constructor":{}}', '[{"x":[{"__proto__":null}]}]', '{"toString":1}', '{"a":{"hasOwnProperty":null}}'])('refuses %s', (text) => {
    expect(() => refuseUnkeepable(JSON.parse(text))).toThrow('is a name that no member may have');
  });
  it.each(['{"a":{"prototype":1,"toJSON":2}}', '[]', '"__proto__"', 'null', '{"a":"constructor"}'])('takes %s', (text) => {
    expect(() => refuseUnkeepable(JSON.parse(text))).not.toThrow();
  });
  it('refuses what is nested too deep, whatever the depth', () => {
    for (const depth of [101, 100_000]) expect(() => refuseUnkeepable(JSON.parse('['.repeat(depth) + ']'.repeat(depth)))).toThrow('nested');
    expect(() => refuseUnkeepable(JSON.parse('['.repeat(100) + ']'.repeat(100)))).not.toThrow();
  });
});
