import type { TenantKeyRow } from './tenant-keys.repository.js';

/** What a wrapped key is bound to: moved to another row it does not unwrap. */
export const aboutKey = ({ tenant_id, id, subject_type, subject_id }: Omit<TenantKeyRow, 'wrapped' | 'master_key_id'>): string =>
  `tenant_keys/${tenant_id}/${id}/${subject_type}/${subject_id}`;
