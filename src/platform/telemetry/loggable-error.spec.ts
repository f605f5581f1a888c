import pino from 'pino';
import { pinoHttp } from 'pino-http';
import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';
import { logOptions } from './log-options.js';
import { loggableError } from './loggable-error.js';

/** What PostgreSQL says when a statement with somebody's data fails. */
function refused(message: string, fields: Partial<DatabaseError>): QueryFailedError {
  const driver = Object.assign(new DatabaseError(message, 100, 'error'), fields);
  return new QueryFailedError('insert into users (email) values ($1)', ['ada@example.org', 'the-hash'], driver);
}

/** The line that a logger set up like the plane's writes. */
function lineOf(error: unknown): { text: string; err: Record<string, unknown> } {
  let text = '';
  const { logger } = pinoHttp(logOptions('info'), { write: (line: string) => void (text += line) });
  logger.error({ err: error }, 'It failed.');
  return { text, err: (JSON.parse(text) as { err: Record<string, unknown> }).err };
}

describe('an error in the log', () => {
  it('says nothing of the statement, its parameters or the row', () => {
    const { text, err } = lineOf(
      refused('duplicate key value violates unique constraint "users_email"', { code: '23505', constraint: 'users_email', detail: 'Key (email)=(ada@example.org) already exists.', where: 'line of ada@example.org' }),
    );
    expect(err).toMatchObject({ type: 'QueryFailedError', code: '23505', constraint: 'users_email', message: 'duplicate key value violates unique constraint "…"' });
    expect(Object.keys(err).sort()).toEqual(['code', 'constraint', 'message', 'stack', 'type']);
    for (const secret of ['ada@', 'the-hash', 'insert into']) expect(text).not.toContain(secret);
  });

  it.each(['plain', 'with "quotes" in it', 'of two\n    at lines "x"'])('leaves out a value %s, in the message and the stack', (value) => {
    const driver = Object.assign(new DatabaseError(`invalid input syntax for type uuid: "SECRET ${value} SECRET"`, 100, 'error'), { code: '22P02' });
    for (const error of [driver, refused(driver.message, { code: '22P02' }), new Error('Storing failed.', { cause: driver })]) {
      const { text } = lineOf(error);
      expect(text).not.toContain('SECRET');
      expect(text).toContain('invalid input syntax for type uuid');
      expect(text).toContain('22P02');
      expect(text).toContain('loggable-error.spec');
    }
  });

  it('keeps what other errors say, and their causes to a depth', () => {
    const error = new TypeError('"a" is no function', { cause: 'a text' });
    expect(lineOf(error).err).toMatchObject({ type: 'TypeError', message: '"a" is no function', cause: { type: 'string', message: 'a text' } });
    const circle = new Error('round');
    circle.cause = circle;
    expect(lineOf(circle).text.match(/"cause"/g)).toHaveLength(4);
    expect(lineOf({ password: 'SECRET' }).text).not.toContain('SECRET');
    expect(lineOf(undefined).text).toContain('It failed.');
  });

  it('is used where pino is given the error itself', () => {
    let text = '';
    const logger = pino({ serializers: { err: loggableError } }, { write: (line: string) => void (text += line) });
    logger.error(refused('value "SECRET" is out of range for type integer', { code: '22003' }));
    expect((JSON.parse(text) as { err: object }).err).toMatchObject({ code: '22003' });
    expect((JSON.parse(text) as { err: { message: string } }).err.message).not.toContain('SECRET');
  });
});
