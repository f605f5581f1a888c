import { z } from 'zod';
import { areMasterKeys } from '../crypto/master-key.js';
import { HIGHEST_LIMIT, LIMIT_NAMES, type LimitName } from '../../core/plan-limits.js';
import { entriesOf, isConfidentialUrl, isHeaderValue, isHostList, isOriginList, isProxyList } from './setting-formats.js';

/** How a setting is described in `.env.example` and docs/operations.md. */
export interface SettingMeta {
  description: string;
  /** Never printed; may also be read from the file that `<NAME>_FILE` names. */
  secret?: boolean;
}

const text = (meta: SettingMeta) => z.string().trim().min(1).max(4096).meta({ ...meta });
const flag = (fallback: boolean, meta: SettingMeta) =>
  z
    .enum(['true', 'false'])
    .default(fallback ? 'true' : 'false')
    .transform((v) => v === 'true')
    .meta({ ...meta });
const whole = (fallback: number, min: number, max: number, meta: SettingMeta) =>
  z.coerce.number().int().min(min).max(max).default(fallback).meta({ ...meta });
const token = (meta: SettingMeta) => z.string().min(24, 'must have at least 24 characters').max(512).meta({ ...meta, secret: true });
/** A token that the form of credentials cannot mistake for another kind: colons, dots and prefixes mean something there. */
const PLAIN_TOKEN = /^(?!wh[ak]_)[\w+/=~-]+$/;
const bearer = (meta: SettingMeta) =>
  z
    .string()
    .min(24, 'must have at least 24 characters')
    .max(512)
    .refine((value) => PLAIN_TOKEN.test(value), 'must consist of letters, digits and -_~+/=, and not begin with wha_ or whk_')
    .meta({ ...meta, secret: true });
const header = (fallback: string, name: string) =>
  z
    .string()
    .max(2048)
    .refine(isHeaderValue, 'must be one line of visible ASCII characters')
    .default(fallback)
    .meta({ description: `The ${name} header of every answer; blank leaves it out.` });

const agentTokens = z
  .string()
  .max(65_536)
  .transform((list) => list.split(',').map((pair) => pair.trim()).filter(Boolean))
  .pipe(
    z.array(
      z.string().transform((pair, context) => {
        const colon = pair.indexOf(':');
        const [tenant, secret] = [pair.slice(0, colon), pair.slice(colon + 1)];
        if (colon < 1 || secret.length < 24 || !PLAIN_TOKEN.test(secret)) {
          context.addIssue({ code: 'custom', message: 'must be tenant:token pairs, tokens of at least 24 letters, digits and -_~+/=, not beginning with wha_ or whk_' });
          return z.NEVER;
        }
        return { tenant, token: secret };
      }),
    ),
  );

const most = z.number().int().min(0).max(HIGHEST_LIMIT).nullable().optional();
const planLimits = z
  .string()
  .max(65_536)
  .default('{}')
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string().max(40), z.strictObject(Object.fromEntries(LIMIT_NAMES.map((name) => [name, most])) as Record<LimitName, typeof most>)));

/**
 * Every setting there is: one declaration for parsing, `.env.example` and the documents. Names are those of the
 * environment. A name that starts with one of ours and is not here is an error, so that a typo never passes silently.
 */
export const SETTINGS = {
  HOST: text({ description: 'Address to listen on.' }).default('127.0.0.1'),
  PORT: whole(3000, 0, 65_535, { description: 'Port to listen on; 0 takes a free one.' }),
  PUBLIC_URL: z.url().optional().meta({ description: 'How users reach this installation, for the OpenAPI document and the addresses printed at start.' }),
  PROCESS_ROLE: z.enum(['all', 'api', 'worker']).default('all').meta({ description: 'What this process does: API, jobs, or both.' }),
  DATABASE_URL: z
    .string()
    .trim()
    .max(4096)
    .refine((url) => /^postgres(ql)?:\/\//.test(url), 'must begin with postgres:// or postgresql://')
    .meta({ description: 'PostgreSQL 15 or newer. Left out, an embedded PostgreSQL is made in WHEELHOUSE_DATA.', secret: true })
    .optional(),
  DATABASE_PASSWORD: text({ description: 'Password for DATABASE_URL when it carries none.', secret: true }).optional(),
  DATABASE_POOL: whole(16, 2, 200, { description: 'Connections of the running role per process.' }),
  WHEELHOUSE_DATA: text({ description: 'Folder for everything that this installation keeps on disk.' }).default('./data'),
  SETUP_TOKEN: token({ description: 'Token for POST /setup/complete; left out, one is made and printed at first start.' }).optional(),
  ADMIN_TOKEN: bearer({ description: 'Bootstrap credential: an admin of the operator tenant.' }).optional(),
  AGENT_TOKENS: agentTokens.default([]).meta({ description: 'Bootstrap credentials of agents: tenant:token,tenant:token.', secret: true }),
  AUTH_MODE: z.enum(['local', 'oidc']).default('local').meta({ description: 'local: sessions of this installation. oidc: bearer tokens of OIDC_ISSUER as well.' }),
  OIDC_ISSUER: z.url({ protocol: /^https?$/ }).max(512).optional().meta({ description: 'Issuer whose bearer tokens AUTH_MODE=oidc takes, exactly as it writes itself. http is for an issuer on this machine.' }),
  OIDC_AUDIENCE: text({ description: 'What the issuer calls this API: the aud claim that AUTH_MODE=oidc asks for.' }).optional(),
  OIDC_ALGORITHM: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']).default('RS256').meta({ description: 'The one algorithm that tokens of OIDC_ISSUER may be signed with.' }),
  OIDC_TOKEN_TYPE: z.enum(['at+jwt', 'JWT']).default('at+jwt').meta({ description: 'The typ header of access tokens of OIDC_ISSUER: at+jwt is RFC 9068; JWT is for issuers that do not keep to it.' }),
  OIDC_TENANT: text({ description: 'Tenant, by slug, whose linked people AUTH_MODE=oidc takes tokens for.' }).default('default'),
  JWT_SECRET: z.string().min(32, 'must have at least 32 characters').max(512).optional().meta({ description: 'Key of the access tokens; left out, one is made and kept in WHEELHOUSE_DATA. Several processes on several machines must share it.', secret: true }),
  JWT_SECRET_PREVIOUS: z.string().min(32, 'must have at least 32 characters').max(512).optional().meta({ description: 'The JWT_SECRET before the last change: its access tokens are still accepted, none are made with it. Take it out once ACCESS_TOKEN_SECONDS have passed.', secret: true }),
  ACCESS_TOKEN_SECONDS: whole(900, 60, 86_400, { description: 'Life of an access token.' }),
  REFRESH_TOKEN_SECONDS: whole(30 * 86_400, 300, 365 * 86_400, { description: 'Life of a session without use.' }),
  REGISTRATION: flag(true, { description: 'Whether anyone may register an account in the default tenant; not while it takes single sign-on alone, nor from where its IP rules let nobody in.' }),
  PLAN_LIMITS: planLimits.meta({ description: 'What tenants of each plan may have at most, as JSON: {"free":{"agents":5,"open_tasks":1000}}. Limits: agents, boards, users, open_tasks, api_keys, secrets, webhooks, triggers, workflows, open_workflow_runs, waiting_approvals, requests_per_minute; what is left out has none.' }),
  IP_RULES: z.enum(['on', 'off']).default('on').meta({ description: 'off lets every tenant in from every address, whatever its rules at /security/ip-rules say: the way back for who has locked himself out. Addresses of API keys hold all the same.' }),
  RATE_LIMIT_BACKEND: z.enum(['memory', 'redis']).default('memory').meta({ description: 'Where rate limits are counted: per process, or shared.' }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional().meta({ description: 'Redis for RATE_LIMIT_BACKEND=redis.', secret: true }),
  MASTER_KEY: z
    .string()
    .trim()
    .max(4096)
    .refine(areMasterKeys, 'must be 32 random bytes in hex or base64, such as openssl rand -hex 32 prints')
    .optional()
    .meta({ description: 'Master key of the vault; left out, one is made and kept in WHEELHOUSE_DATA: keep a copy of it. Several processes must share it. Older ones may stand behind it, one to a line.', secret: true }),
  KMS_URL: z.string().max(512).refine(isConfidentialUrl, 'must be an https address without a user name or a query; http is for a service on this machine').optional().meta({ description: 'Key service that holds the master key instead (transit engine of HashiCorp Vault or OpenBao): https://vault.internal:8200. http is for a service on this machine. With MASTER_KEY beside it both are known: on the way from one to the other.' }),
  KMS_KEY: z.string().regex(/^\w[\w.-]{0,127}$/, 'must consist of letters, digits, dots, hyphens and underscores').default('wheelhouse').meta({ description: 'Name of the master key in the key service, of type aes256-gcm96.' }),
  KMS_TOKEN: text({ description: 'Token for the key service: may encrypt and decrypt with KMS_KEY, nothing else. From KMS_TOKEN_FILE it is read anew for each request, so that it can be renewed there.', secret: true }).optional(),
  METRICS_TOKEN: token({ description: 'Closes /metrics: it then takes this bearer token.' }).optional(),
  TRUST_PROXY: z.string().trim().max(1024).refine(isProxyList, 'must be a number of hops, or addresses and CIDR ranges, comma-separated').default('').meta({ description: 'Addresses or CIDR ranges of the proxies whose X-Forwarded-For is believed, comma-separated; a number counts hops.' }),
  CORS_ORIGINS: z.string().max(4096).refine(isOriginList, 'must be origins such as https://app.example.com, comma-separated').default('').meta({ description: 'Browser origins that may call the API, comma-separated; blank allows none.' }),
  EGRESS_ALLOW: z
    .string()
    .trim()
    .max(4096)
    .refine(isHostList, 'must be host names, addresses or CIDR ranges, comma-separated')
    .default('')
    .transform(entriesOf)
    .meta({ description: 'Hosts, addresses and CIDR ranges on private networks that requests may leave to all the same, comma-separated; blank: public addresses alone. Write 10.0.0.0/8, or idp.internal.' }),
  BODY_LIMIT_BYTES: whole(1_048_576, 1024, 104_857_600, { description: 'Largest JSON body.' }),
  HEARTBEAT_SECONDS: whole(20, 1, 3600, { description: 'How often an agent is asked to send a heartbeat; after three missed it is offline.' }),
  SHUTDOWN_SECONDS: whole(30, 1, 600, { description: 'Longest drain at shutdown.' }),
  EVENT_RETENTION_DAYS: whole(30, 1, 3650, { description: 'How long the event log is kept.' }),
  WORKFLOW_ARCHIVE_DAYS: whole(30, 1, 3650, { description: 'How many days after its end the steps of a run of a workflow are compressed into an archive; they can still be read.' }),
  NOTIFICATION_RETENTION_DAYS: whole(90, 1, 3650, { description: 'How long notifications are kept; of each user, the newest 1,000.' }),
  TRIGGER_HISTORY_DAYS: whole(30, 1, 3650, { description: 'How long it is kept what triggers did.' }),
  INTAKE_RETENTION_DAYS: whole(365, 1, 3650, { description: 'How long forms of those who want to become a tenant are kept.' }),
  WEBHOOK_RETENTION_DAYS: whole(30, 1, 3650, { description: 'How long what webhooks have sent and received is kept.' }),
  AUDIT_CHECKPOINT_FILE: text({ description: 'File that signed checkpoints of the audit log are added to, one JSON line for each: best on storage that this installation can add to and not change.' }).optional(),
  AUDIT_CHECKPOINT_WEBHOOK: z.url({ protocol: /^https?$/ }).optional().meta({ description: 'Address that checkpoints of the audit log are posted to, as JSON.' }),
  AUDIT_CHECKPOINT_WEBHOOK_TOKEN: token({ description: 'Bearer token for AUDIT_CHECKPOINT_WEBHOOK.' }).optional(),
  AUDIT_CHECKPOINT_S3_URL: z.url({ protocol: /^https?$/ }).optional().meta({ description: 'Bucket, and folder in it, of an S3-compatible store that checkpoints of the audit log are put into: https://bucket.s3.eu-central-1.amazonaws.com/audit.' }),
  AUDIT_CHECKPOINT_S3_REGION: text({ description: 'Region of AUDIT_CHECKPOINT_S3_URL.' }).default('us-east-1'),
  AUDIT_CHECKPOINT_S3_KEY_ID: text({ description: 'Access key id for AUDIT_CHECKPOINT_S3_URL.' }).optional(),
  AUDIT_CHECKPOINT_S3_SECRET: text({ description: 'Secret access key for AUDIT_CHECKPOINT_S3_URL.', secret: true }).optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info').meta({ description: 'Least severe log line that is written.' }),
  SECURITY_HEADER_X_CONTENT_TYPE_OPTIONS: header('nosniff', 'X-Content-Type-Options'),
  SECURITY_HEADER_X_FRAME_OPTIONS: header('DENY', 'X-Frame-Options'),
  SECURITY_HEADER_REFERRER_POLICY: header('strict-origin-when-cross-origin', 'Referrer-Policy'),
  SECURITY_HEADER_PERMISSIONS_POLICY: header('', 'Permissions-Policy'),
  SECURITY_HEADER_STRICT_TRANSPORT_SECURITY: header('', 'Strict-Transport-Security'),
  SECURITY_HEADER_CONTENT_SECURITY_POLICY: header("default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self'; frame-ancestors 'none'", 'Content-Security-Policy'),
} as const;

const schema = z.object(SETTINGS);

export type Settings = z.output<typeof schema>;

/** What `wheelhouse-agent` reads and tells its commands: a plane may be started from the same shell, or by such a command. */
const OF_AGENTS = new Set(['WHEELHOUSE_AGENT_TOKEN', 'WHEELHOUSE_TASK_ID', 'WHEELHOUSE_FENCE']);

/** Parses the environment; the result lists every bad setting, by name and rule, never by value. */
export function parseSettings(environment: Record<string, string | undefined>): { settings: Settings } | { problems: string[] } {
  const given: Record<string, string> = {};
  for (const name of Object.keys(SETTINGS)) {
    const value = environment[name];
    if (value !== undefined && (value !== '' || name.startsWith('SECURITY_HEADER_'))) given[name] = value;
  }
  const unknown = Object.keys(environment).filter((name) => /^(SECURITY_HEADER|WHEELHOUSE|RATE_LIMIT|AUDIT_CHECKPOINT)_/.test(name) && !(name in SETTINGS) && !(name.replace(/_FILE$/, '') in SETTINGS) && !OF_AGENTS.has(name));
  const parsed = schema.safeParse(given);
  const problems = [
    ...unknown.map((name) => `${name}: is not a setting`),
    // Not a refinement of the schema: that is skipped when a setting is bad by itself.
    ...((given['KMS_URL'] === undefined) === (given['KMS_TOKEN'] === undefined) ? [] : ['KMS_TOKEN: is required with KMS_URL, and of use with it alone']),
    ...(given['RATE_LIMIT_BACKEND'] === 'redis' && !given['REDIS_URL'] ? ['REDIS_URL: is required when RATE_LIMIT_BACKEND is redis'] : []),
    ...['AUDIT_CHECKPOINT_S3_KEY_ID', 'AUDIT_CHECKPOINT_S3_SECRET'].flatMap((name) => (given['AUDIT_CHECKPOINT_S3_URL'] && !given[name] ? [`${name}: is required for AUDIT_CHECKPOINT_S3_URL`] : [])),
    ...(given['AUTH_MODE'] === 'oidc' ? ['OIDC_ISSUER', 'OIDC_AUDIENCE'].filter((name) => !given[name]).map((name) => `${name}: is required when AUTH_MODE is oidc`) : []),
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${describe(issue)}`)),
  ];
  return parsed.success && problems.length === 0 ? { settings: parsed.data } : { problems };
}

/** A rule in words that cannot contain the value that broke it. */
function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? `must have at least ${issue.minimum} characters` : `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string' ? `must have at most ${issue.maximum} characters` : `must be at most ${issue.maximum}`;
    case 'invalid_type':
      return `must be a ${issue.expected}`;
    case 'invalid_format':
      return `must be a ${issue.format}`;
    case 'custom':
      return issue.message ?? 'is malformed';
    default:
      return 'is malformed';
  }
}
