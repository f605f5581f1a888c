/** The peer for single requests: Express and pg, one statement per request, without validation, credentials or tenants. */
import express from 'express';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 16 });
await pool.query(`create table if not exists bare_tasks (
  id uuid primary key default uuidv7(), title text not null, payload jsonb, status text not null default 'queued', created_at timestamptz not null default now())`);
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
