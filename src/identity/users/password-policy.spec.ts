import { Problem } from '../../core/problem.js';
import { checkPassword } from './password-policy.js';

/** The codes of the rules that a password breaks. */
function broken(password: string, email = 'ada.lovelace@analytical.example', current?: string, minLength = 8): string[] {
  try {
    checkPassword(password, 'password', { email, current, minLength });
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return (error as Problem).details.errors?.map(({ code }) => code) ?? [];
  }
}

describe('the password policy', () => {
  it.each([
    'seven-otters-hum-at-noon',
    'Tr0ub4dor&3-but-longer',
    'пароль-не-простой',
    '日本語のパスワード',
    'x7#kQ9!z',
    '😀😃😄😁😆😅😂🤣',
    'password-of-the-year-of-the-cat',
  ])('takes %s', (password) => {
    expect(broken(password)).toEqual([]);
  });

  it.each(['1234567', 'x7#kQ9!', '', '😀😃😄😁'])('finds %p too short', (password) => {
    expect(broken(password)).toContain('too_short');
  });

  it('asks for as many characters as the tenant does', () => {
    expect(broken('seven-otters', undefined, undefined, 12)).toEqual([]);
    expect(broken('seven-otters', undefined, undefined, 13)).toEqual(['too_short']);
  });

  it('counts characters, not code units, up to 256', () => {
    const mixed = 'ab😀c9'.repeat(52).slice(0, -6);
    expect(Array.from(mixed).length).toBeLessThanOrEqual(256);
    expect(broken(mixed)).toEqual([]);
    expect(broken('abcde😀'.repeat(43))).toEqual(['too_long']);
  });

  it.each([
    'password',
    'PASSWORD',
    'Password1',
    'password123!',
    'P@ssw0rd',
    'p4$$w0rd!!',
    'qwertyuiop',
    'letmein123',
    'iloveyou!',
    'Dragon2024',
    'wheelhouse1',
    '1q2w3e4r5t',
    'changeme',
    'football1',
    'spongebob', 'Sebastian', 'christian1', 'princesa', 'Welkom01', '123qweasdzxc', '1q2w3e4r5t6y7u', 'zaq12wsxcde3', 'Password!1a',
  ])('finds %s common', (password) => {
    expect(broken(password)).toEqual(['common']);
  });

  it.each(['aaaaaaaa', '12121212', 'abcabcabca', 'abcdabcdabcd', '12345678', 'abcdefghij', '87654321', 'zyxwvuts'])(
    'finds %s repetitive',
    (password) => {
      expect(broken(password)).toEqual(['repetitive']);
    },
  );

  it.each(['ada.lovelace', 'Ada.Lovelace1815', 'ada.lovelace@analytical.example', 'analytical', 'analytical!!'])(
    'finds %s made of the address',
    (password) => {
      expect(broken(password)).toEqual(['personal']);
    },
  );

  it('wants another password than the current one, in whatever form it is typed', () => {
    expect(broken('déjà-vu-at-the-opera', undefined, 'déjà-vu-at-the-opera'.normalize('NFD'))).toEqual(['unchanged']);
  });

  it('names the field, and never repeats the password', () => {
    try {
      checkPassword('password', 'new_password', { email: 'a@example.com', minLength: 8 });
    } catch (error) {
      const { details, message } = error as Problem;
      expect(details.errors).toEqual([
        { field: 'new_password', code: 'common', message: 'new_password must not be a common password, nor one with digits put behind it' },
      ]);
      expect(message).not.toContain('"');
    }
    expect.assertions(2);
  });
});
