/** How much sealed content a page of rows may have, beside that of its last row: however long the log is, so much of it is in memory. */
export const PAGE_BYTES = 1024 * 1024;

/**
 * A page of rows that is bounded by their number, in `rows`, and by the bytes of their content. There is at least one row in
 * it, if there is any. The database does not read the content of those that it leaves out: how long one is stands in the row.
 * @param rows a query with a limit, whose rows have `content` and the columns of `order`
 * @param most the parameter with the number of bytes
 */
export const pageOfBytes = (rows: string, order: string, most: string): string =>
  `select * from (
     select rows.*, coalesce(sum(octet_length(rows.content)) over (order by ${order} rows between unbounded preceding and 1 preceding), 0) as bytes_before from (${rows}) rows
   ) page where bytes_before < ${most} order by ${order}`;
