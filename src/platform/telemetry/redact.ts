const SECRET_QUERY = /([?&](?:token|access_token|jwt|key|api_key|code|secret|password)=)[^&#]*/gi;
/** The platform's key in the proxy's path, and any token of ours wherever it stands. */
const TOKEN = /\bwh[a-z]_[A-Za-z0-9]+/g;

/** A URL as it may be logged: without credentials in its query or path. */
export function redactUrl(url: string): string {
  return url.replace(SECRET_QUERY, '$1[redacted]').replace(TOKEN, '[redacted]');
}
