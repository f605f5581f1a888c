import { ValidateBy } from 'class-validator';

/** For a field that says what to do, where the others would be ignored: none may be given with it. */
export function IsOnlyField(): PropertyDecorator {
  return ValidateBy({
    name: 'isOnlyField',
    validator: {
      validate: (_value, args) => Object.values(args?.object ?? {}).filter((value) => value !== undefined).length <= 1,
      defaultMessage: (args) => `${args?.property ?? 'field'} must be given alone`,
    },
  });
}
