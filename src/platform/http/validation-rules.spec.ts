import { getMetadataStorage, IsString, MaxLength, registerDecorator, validateSync } from 'class-validator';
import { rememberRules } from './validation-rules.js';

class Base {
  @IsString()
  name: unknown;
}
class Derived extends Base {
  @MaxLength(2)
  code: unknown;
}

const wrongFields = (value: object): string[] => validateSync(value).map(({ property }) => property).sort();

describe('remembered rules', () => {
  beforeAll(() => rememberRules());

  it('are those of the class and of what it extends, each time', () => {
    for (let i = 0; i < 3; i += 1) {
      expect(wrongFields(Object.assign(new Derived(), { name: 1, code: 'abc' }))).toEqual(['code', 'name']);
      expect(wrongFields(Object.assign(new Base(), { name: 1, code: 'abc' }))).toEqual(['name']);
      expect(wrongFields(Object.assign(new Derived(), { name: 'a', code: 'ab' }))).toEqual([]);
    }
    const rules = () => getMetadataStorage().getTargetValidationMetadatas(Derived, '', false, false);
    expect(rules()).toBe(rules());
  });

  it('see a rule that is added later, also to what is extended', () => {
    const value = Object.assign(new Derived(), { name: 'a', code: 'ab', late: 1 });
    expect(wrongFields(value)).toEqual([]);
    registerDecorator({ name: 'never', target: Base, propertyName: 'late', validator: { validate: () => false } });
    expect(wrongFields(value)).toEqual(['late']);
  });

  it('are put in place once', () => {
    const before = getMetadataStorage().getTargetValidationMetadatas;
    rememberRules();
    expect(getMetadataStorage().getTargetValidationMetadatas).toBe(before);
  });
});
