import type { TenantContent } from '../erasure/erasures.js';
import { JOBS_SCHEMA } from './job-schema.js';

/** Jobs of the tenant, dead ones too. Whatever is done for nobody any more need not be done. */
export const JOB_CONTENT: readonly TenantContent[] = [
  { table: `${JOBS_SCHEMA}.job`, statement: `delete from ${JOBS_SCHEMA}.job where id in (select id from ${JOBS_SCHEMA}.job where data ->> 'tenant_id' = $1::text limit $2)` },
];
