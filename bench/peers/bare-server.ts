/** The peer for single requests: Express and pg, one statement per request, without validation, credentials or tenants. */
import { createHash } from 'node:crypto';
import express from 'express';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 16 });
await pool.query(`create table if not exists bare_tasks (
  id uuid primary key default uuidv7(), title text not null, payload jsonb, status text not null default 'queued', created_at timestamptz not null default now())`);
await pool.query(`create table if not exists bare_tokens (hash bytea primary key, owner text not null)`);
await pool.query(`insert into bare_tokens select sha256(convert_to('bare-' || n, 'UTF8')), 'owner ' || n from generate_series(1, 10000) n on conflict do nothing`);
const app = express();
app.use(express.json());
app.post('/tasks', async (request, response) => {
  const { title, payload } = request.body as { title: string; payload: unknown };
  const { rows } = await pool.query('insert into bare_tasks (title, payload) values ($1, $2) returning *', [
    title,
    JSON.stringify(payload),
  ]);
  response.status(201).json(rows[0]);
});
/** The same as one task, for who has a token: its hash, and the look-up of it. */
app.get('/owned/:id', async (request, response) => {
  const hash = createHash('sha256').update(request.get('x-token') ?? '').digest();
  const { rows } = await pool.query('select owner from bare_tokens where hash = $1', [hash]);
  if (rows.length === 0) return void response.status(401).end();
  const found = await pool.query('select * from bare_tasks where id = $1', [request.params.id]);
  response.json(found.rows[0]);
});
app.get('/tasks/:id', async (request, response) => {
  const { rows } = await pool.query('select * from bare_tasks where id = $1', [request.params.id]);
  response.json(rows[0]);
});
app.get('/tasks', async (request, response) => {
  const { rows } = await pool.query('select * from bare_tasks order by id desc limit $1', [Number(request.query['limit'] ?? 50)]);
  response.json({ items: rows });
});
app.get('/readyz', (_request, response) => {
  response.json({ status: 'ready' });
});
app.listen(Number(process.env['PORT']), '127.0.0.1');
