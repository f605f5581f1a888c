export type LogFields = Record<string, string | number | boolean | undefined>;

/** One line per thing that happens, on stderr: for people, or as JSON for programs. */
export type Log = (event: string, fields?: LogFields) => void;

export function makeLog(format: 'text' | 'json', write: (line: string) => void = (line) => process.stderr.write(`${line}\n`)): Log {
  return (event, fields = {}) => {
    const time = new Date().toISOString();
    if (format === 'json') return write(JSON.stringify({ time, event, ...fields }));
    const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
    write([time, event, ...pairs.map(([name, value]) => `${name}=${quote(String(value))}`)].join(' '));
  };
}

/** Values with blanks or control characters are quoted, so that what a plane or a command says cannot forge a line. */
function quote(value: string): string {
  return /^[\x21-\x7e]+$/.test(value) && !value.includes('"') ? value : JSON.stringify(value);
}
