/** How long a process keeps a lane that it has stopped working on without saying so. */
export const LEASE_SECONDS = 30;
/** Attempts that a delivery keeps; the others are counted. */
const ATTEMPTS_KEPT = 30;
/** A receiver that has taken nothing for so long is disabled. */
const LONGEST_FAILING_DAYS = 5;
const LEASE = `make_interval(secs => ${LEASE_SECONDS})`;

/** A process that has not said for so long that it lives is dead. Others say so of it only twice in a row. */
const SILENT_SECONDS = 6;

const DUE = `l.wake_at <= statement_timestamp() and not l.held and (l.holder = $1::uuid or ($3::boolean and l.tenant_id <> all($4::uuid[]) and (l.lease_until is null or l.lease_until <= statement_timestamp())))`;

/**
 * Lanes in which something is due and that nobody works on, or the asker itself; of each tenant's at first as many as of others', and at most `$5`.
 * `$1` who asks, `$2` how many, `$3` whether also those that it does not have, `$4` tenants of which it has enough.
 */
export const CLAIM = `with waiting as (
    select l.tenant_id, l.id, row_number() over (partition by l.tenant_id order by l.holder = $1::uuid desc nulls last, l.wake_at) as place
    from webhook_lanes l where ${DUE} and exists (select from tenants t where t.id = l.tenant_id and t.status = 'active')
  ), due as (
    select l.tenant_id, l.id, l.webhook_id from webhook_lanes l join waiting s on s.tenant_id = l.tenant_id and s.id = l.id
    where ${DUE} and (l.holder = $1::uuid or s.place <= $5)
    order by s.place, l.wake_at limit $2 for update of l skip locked
  )
  update webhook_lanes l set holder = $1::uuid, lease_until = statement_timestamp() + ${LEASE}, wake_at = statement_timestamp() + ${LEASE}
  from due left join webhooks w on w.tenant_id = due.tenant_id and w.id = due.webhook_id
  where l.tenant_id = due.tenant_id and l.id = due.id
  returning l.tenant_id, l.id, l.webhook_id, l.failures, coalesce(w.max_concurrent, 4) as room`;

/** Processes that hold lanes and have fallen silent; those that end as they should give theirs back. */
export const SILENT = `select p.id from processes p where p.seen_at < now() - make_interval(secs => ${SILENT_SECONDS})
  and exists (select from webhook_lanes l where l.holder = p.id and l.lease_until > statement_timestamp())`;

/** Leaves the lanes of the dead to whoever looks next. `$1` whose. */
export const LEAVE = `update webhook_lanes set lease_until = statement_timestamp(), wake_at = statement_timestamp() where holder = any($1::uuid[]) and lease_until > statement_timestamp()`;

/** The holder goes on. What was to wake it meanwhile still does. `$1` who, `$2`, `$3` the lanes. */
export const RENEW = `update webhook_lanes l set lease_until = statement_timestamp() + ${LEASE},
    wake_at = case when l.wake_at > statement_timestamp() then statement_timestamp() + ${LEASE} else l.wake_at end
  from unnest($2::uuid[], $3::text[]) as mine (tenant_id, id) where l.tenant_id = mine.tenant_id and l.id = mine.id and l.holder = $1::uuid
  returning l.tenant_id, l.id`;

/** Held until the transaction ends, in one order for all: whoever adds to a lane or ends something in it does so. */
export const LOCK_LANES = `select l.tenant_id, l.id from webhook_lanes l join unnest($1::uuid[], $2::text[]) as wanted (tenant_id, id) on l.tenant_id = wanted.tenant_id and l.id = wanted.id
  order by l.tenant_id, l.id for update of l`;

/** `$3` who lets go, `$4` for how many seconds nobody needs to look. Behind `LOCK_LANES`, so that it sees all that was added. */
export const RELEASE = `update webhook_lanes l set holder = null, lease_until = null, wake_at = (
    select greatest(min(d.due_at), statement_timestamp() + make_interval(secs => mine.rest)) from webhook_deliveries d
    where d.tenant_id = l.tenant_id and d.lane = l.id and d.status = 'pending' and d.due_at is not null having count(*) > 0
  )
  from unnest($1::uuid[], $2::text[], $4::float8[]) as mine (tenant_id, id, rest) where l.tenant_id = mine.tenant_id and l.id = mine.id and l.holder = $3::uuid`;

/** What is due in a lane, and where it goes: nothing of a tenant that is suspended, or of a subscription that is disabled. `$3` are under way already. */
export const LOAD = `select d.tenant_id, d.id, d.lane, d.webhook_id, d.key, d.type, d.order_key, d.data, d.occurred_at, d.tries, d.max_tries, d.attempt_count, d.request_id,
    coalesce(d.url, w.url) as url, d.secret as own_secret, w.secret, w.secret_version,
    case when w.previous_secret_until > statement_timestamp() then w.previous_secret end as previous_secret, coalesce(w.timeout_seconds, 15) as timeout_seconds
  from webhook_deliveries d left join webhooks w on w.tenant_id = d.tenant_id and w.id = d.webhook_id
  where d.tenant_id = $1 and d.lane = $2 and d.status = 'pending' and d.due_at <= statement_timestamp() and d.id <> all($3::uuid[])
    and (d.webhook_id is null or w.is_enabled) and exists (select from tenants t where t.id = d.tenant_id and t.status = 'active')
  order by d.due_at, d.position limit $4`;

/** How tries have ended. What was redelivered or ended by another meanwhile is left as it is. */
export const END = `update webhook_deliveries d set status = e.status, tries = d.tries + e.counted, attempt_count = d.attempt_count + e.counted,
    attempts = case when e.attempt is null then d.attempts
      else (case when jsonb_array_length(d.attempts) >= ${ATTEMPTS_KEPT} then d.attempts - 0 else d.attempts end) || jsonb_build_array(e.attempt::jsonb) end,
    due_at = case when e.status = 'pending' then statement_timestamp() + make_interval(secs => e.pause) end, waiting_for = e.waiting_for,
    ended_at = case when e.status <> 'pending' then statement_timestamp() end
  from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::int[], $6::text[], $7::float8[], $8::text[]) as e (tenant_id, id, tries, status, counted, attempt, pause, waiting_for)
  where d.tenant_id = e.tenant_id and d.id = e.id and d.status = 'pending' and d.tries = e.tries`;

/** Lets the first one of each order key go, where none is under way. `$1` tenants, `$2` lanes, `$3` keys. */
export const PROMOTE = `update webhook_deliveries d set due_at = statement_timestamp()
  from unnest($1::uuid[], $2::text[], $3::text[]) as wanted (tenant_id, lane, order_key) cross join lateral (
    select p.id from webhook_deliveries p where p.tenant_id = wanted.tenant_id and p.lane = wanted.lane and p.order_key = wanted.order_key and p.status = 'pending' order by p.position limit 1
  ) first
  where d.tenant_id = wanted.tenant_id and d.id = first.id and not exists (
    select from webhook_deliveries u where u.tenant_id = wanted.tenant_id and u.lane = wanted.lane and u.order_key = wanted.order_key and u.status = 'pending' and u.due_at is not null
  )`;

/** Counts what failed in a row. `$3` whether something was taken, `$4` how often it was not. */
export const COUNT = `update webhook_lanes l set failures = case when c.taken then 0 else l.failures + c.failed end, failing_since = case when c.taken then null else coalesce(l.failing_since, statement_timestamp()) end
  from unnest($1::uuid[], $2::text[], $3::boolean[], $4::int[]) as c (tenant_id, id, taken, failed) where l.tenant_id = c.tenant_id and l.id = c.id
  returning l.tenant_id, l.id, l.webhook_id, l.failures, l.failing_since <= statement_timestamp() - make_interval(days => ${LONGEST_FAILING_DAYS}) as too_long`;
