import { type EntityManager, type EntityTarget, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import { isId } from '../../core/ids.js';
import { decodeCursor, encodeCursor, type Page, type PageRequest, TOTAL_EXACT_UP_TO } from '../../core/page.js';
import { invalidField } from '../../core/problem.js';

/**
 * One page of a query, newest first: rows are ordered by their UUIDv7, so the keyset is the id alone. The tenant is the
 * transaction's, by row-level security and by the caller's own condition.
 * @param query with its conditions, without order; its main alias must have an `id`
 */
export async function pageOfQuery<E extends ObjectLiteral & { id: string }>(query: SelectQueryBuilder<E>, request: PageRequest): Promise<Page<E>> {
  const id = `${query.alias}.id`;
  const total = await countUpTo(query);
  const rows = query.clone().orderBy(id, 'DESC').limit(request.limit + 1);
  const before = idBefore(request);
  if (before !== undefined) rows.andWhere(`${id} < :cursor`, { cursor: before });
  else rows.offset(request.offset);
  return toPage(await rows.getMany(), request, total);
}

/** A page of rows that were read by the ids before `idBefore(request)`, and one more than asked for when there is one more. */
export function toPage<E extends { id: string }>(rows: readonly E[], request: PageRequest, { total, estimated }: { total: number; estimated: boolean }): Page<E> {
  const items = rows.slice(0, request.limit);
  const last = items.at(-1);
  return {
    items,
    total,
    ...(estimated ? { total_is_estimate: true } : {}),
    limit: request.limit,
    offset: request.cursor === undefined ? request.offset : 0,
    next_cursor: rows.length > request.limit && last ? encodeCursor([last.id]) : null,
  };
}

/** Where the page begins that a cursor stands for; undefined without a cursor. */
export function idBefore({ cursor }: PageRequest): string | undefined {
  if (cursor === undefined) return undefined;
  const [id] = decodeCursor(cursor, 1);
  if (!isId(id)) throw invalidField('cursor', 'cursor', 'is not a cursor of this list');
  return id;
}

/** What the statement of `totalOf` answers. */
export interface Total {
  total: number;
  /** There are more than are counted. */
  beyond: boolean;
}

/** SQL that counts exactly up to 10,000 rows. @param from the part of a query from its FROM on */
export const totalOf = (from: string): string =>
  `select count(*)::int as total, count(*) > ${TOTAL_EXACT_UP_TO} as beyond from (select 1 ${from} limit ${TOTAL_EXACT_UP_TO + 1}) as counted`;

/** Beyond what is counted the planner is asked, which answers in constant time. @param plan of EXPLAIN in JSON */
export function estimateOf(plan: readonly object[]): { total: number; estimated: true } {
  const estimate = (plan[0] as { 'QUERY PLAN'?: [{ Plan: { 'Plan Rows': number } }] } | undefined)?.['QUERY PLAN']?.[0].Plan['Plan Rows'] ?? 0;
  return { total: Math.max(estimate, TOTAL_EXACT_UP_TO + 1), estimated: true };
}

async function countUpTo<E extends ObjectLiteral>(query: SelectQueryBuilder<E>): Promise<{ total: number; estimated: boolean }> {
  const [text, values] = query.clone().select('1', 'one').getQueryAndParameters();
  // On the query's own connection: outside of its transaction row-level security would show nothing.
  const manager = (query as unknown as { queryRunner?: { manager: EntityManager } }).queryRunner?.manager ?? query.dataSource.manager;
  const [counted] = await manager.query<Total[]>(totalOf(`from (${text}) as row`), values);
  if (!counted?.beyond) return { total: counted?.total ?? 0, estimated: false };
  return estimateOf(await manager.query<object[]>(`explain (format json) ${text}`, values));
}

/** Reads a row and holds it until the transaction ends. Undefined when it is absent or another tenant's. */
export function lockRow<E extends ObjectLiteral>(manager: EntityManager, entity: EntityTarget<E>, alias: string, id: string): Promise<E | null> {
  return manager.createQueryBuilder(entity, alias).where(`${alias}.id = :id`, { id }).setLock('pessimistic_write').getOne();
}
