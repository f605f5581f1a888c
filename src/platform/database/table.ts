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
  const { total, estimated } = await countUpTo(query);
  const rows = query.clone().orderBy(id, 'DESC').limit(request.limit + 1);
  if (request.cursor !== undefined) rows.andWhere(`${id} < :cursor`, { cursor: idOfCursor(request.cursor) });
  else rows.offset(request.offset);
  const items = await rows.getMany();
  const more = items.length > request.limit;
  if (more) items.pop();
  const last = items.at(-1);
  return {
    items,
    total,
    ...(estimated ? { total_is_estimate: true } : {}),
    limit: request.limit,
    offset: request.cursor === undefined ? request.offset : 0,
    next_cursor: more && last ? encodeCursor([last.id]) : null,
  };
}

function idOfCursor(cursor: string): string {
  const [id] = decodeCursor(cursor, 1);
  if (!isId(id)) throw invalidField('cursor', 'cursor', 'is not a cursor of this list');
  return id;
}

/** Counts exactly up to 10,000 rows; beyond that asks the planner, which answers in constant time. */
async function countUpTo<E extends ObjectLiteral>(query: SelectQueryBuilder<E>): Promise<{ total: number; estimated: boolean }> {
  const [text, values] = query.clone().select('1', 'one').getQueryAndParameters();
  // On the query's own connection: outside of its transaction row-level security would show nothing.
  const manager = (query as unknown as { queryRunner?: { manager: EntityManager } }).queryRunner?.manager ?? query.dataSource.manager;
  const run = (statement: string): Promise<Record<string, unknown>[]> => manager.query(statement, values);
  const counted = await run(`select count(*)::int as total from (${text} limit ${TOTAL_EXACT_UP_TO + 1}) as counted`);
  const total = Number(counted[0]?.['total'] ?? 0);
  if (total <= TOTAL_EXACT_UP_TO) return { total, estimated: false };
  const plan = await run(`explain (format json) ${text}`);
  const estimate = (plan[0]?.['QUERY PLAN'] as [{ Plan: { 'Plan Rows': number } }] | undefined)?.[0].Plan['Plan Rows'] ?? 0;
  return { total: Math.max(estimate, TOTAL_EXACT_UP_TO + 1), estimated: true };
}

/** Reads a row and holds it until the transaction ends. Undefined when it is absent or another tenant's. */
export function lockRow<E extends ObjectLiteral>(manager: EntityManager, entity: EntityTarget<E>, alias: string, id: string): Promise<E | null> {
  return manager.createQueryBuilder(entity, alias).where(`${alias}.id = :id`, { id }).setLock('pessimistic_write').getOne();
}
