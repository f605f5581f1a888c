/** The session of the leading sequencer: its process on the server, and the port at the other end of its connection. */
export interface SequencerSession {
  pid: number;
  port: number;
}

/** Who holds the advisory lock of src/safeguards/audit/audit-sequencer.ts, as pg_locks shows it: in two halves. */
export const SEQUENCER_SESSION = `select a.pid, a.client_port as port from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.classid = (7305803924 >> 32)::oid and l.objid = (7305803924 % 4294967296)::oid
    and l.database = (select oid from pg_database where datname = current_database())`;
