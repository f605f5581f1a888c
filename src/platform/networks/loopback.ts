/** Of this machine alone. */
export const LOOPBACK_RANGES = ['127.0.0.0/8', '::1/128'];

/** Part of a regular expression: a host, as URLs write it, that is this machine whatever a name service says. */
export const LOOPBACK_HOST = String.raw`(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])`;
const WHOLE = new RegExp(`^${LOOPBACK_HOST}$`);

/** Whether a host, as URLs write it, is this machine. */
export const isLoopbackHost = (hostname: string): boolean => WHOLE.test(hostname);
