/** Most telling first: nearly every browser says that it is also Chrome, Safari or Mozilla. */
const CLIENTS: readonly [RegExp, string][] = [
  [/\bEdgA?\/|\bEdgiOS\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\//, 'Headless Chrome'],
  [/\bChrome\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
  [/^python-requests\/|^python-httpx\/|^Python\//, 'Python'],
  [/^node\b|^undici\b/i, 'Node.js'],
  [/^Go-http-client\//, 'Go'],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];

/** A few words for people to tell their devices apart by, from what the client says of itself; nothing rests on them. */
export function deviceOf(userAgent: string | null): string {
  const text = userAgent ?? '';
  const client = CLIENTS.find(([pattern]) => pattern.test(text))?.[1];
  const system = SYSTEMS.find(([pattern]) => pattern.test(text))?.[1];
  if (client !== undefined && system !== undefined) return `${client} on ${system}`;
  return client ?? system ?? 'Unknown';
}
