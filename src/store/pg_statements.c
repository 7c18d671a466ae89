/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a connection to PostgreSQL: the tables, the statements that are prepared on each, and what a
 * server is asked before it is trusted.
 */
#include "store/pg_parts.h"

/* One key-value table, one of changes.  xid and id stand in the same row as what they changed: who holds the
 * id knows whether it happened, who holds a snapshot knows what it has not seen. */
const char pg_schema[] =
    "SELECT pg_advisory_xact_lock(7311846);"
    "CREATE TABLE IF NOT EXISTS menedek_kv (k bytea PRIMARY KEY, ver bigint NOT NULL, v bytea NOT NULL)"
    " WITH (fillfactor = 85);"
    "CREATE TABLE IF NOT EXISTS menedek_changes (xid bigint NOT NULL, id bytea NOT NULL UNIQUE, keys bytea[] "
    "NOT NULL,"
    " at timestamptz NOT NULL DEFAULT now());"
    /* what is sealed or drawn by lot does not shrink, and to try costs more than the room */
    "ALTER TABLE menedek_kv ALTER COLUMN v SET STORAGE EXTERNAL;"
    "ALTER TABLE menedek_changes ALTER COLUMN keys SET STORAGE EXTERNAL;"
    "CREATE INDEX IF NOT EXISTS menedek_changes_xid ON menedek_changes (xid);"
    "CREATE INDEX IF NOT EXISTS menedek_changes_at ON menedek_changes (at);"
    "CREATE TABLE IF NOT EXISTS menedek_nodes (id bytea PRIMARY KEY, at timestamptz NOT NULL);"
    "ALTER TABLE menedek_nodes ADD COLUMN IF NOT EXISTS clock bigint;"
    "CREATE TABLE IF NOT EXISTS menedek_meta (name text PRIMARY KEY, value text NOT NULL);"
    "INSERT INTO menedek_meta VALUES ('registry', gen_random_uuid()::text), ('pruned', '0') ON CONFLICT DO "
    "NOTHING;";

const char *const pg_statements[PG_STATEMENTS] = {
	/* In front of what is written, up to the same sync point: there the transaction ends by itself, as
	 * committed or, after an error, as not.  Refused within a transaction that was left open. */
	[PG_BEGIN] = "SET transaction_isolation = 'serializable'",
	/* reads that must still hold: keys, revisions; keys and values of what is not there yet, and of what
	 * is; keys deleted; id; keys in order; the revision's upper part; revisions of what is there; the
	 * snapshot that the copy equals, in which the reads were judged.  Where nobody has written since,
	 * they hold, and it is not asked of each.  But for what is updated it always is: a copy that is wrong
	 * about it is divided by zero.  One row: the transaction's number, 0 if a read does not hold and
	 * nothing was done; the snapshot in which it was done, NULL where somebody has written since the
	 * copy's. */
	[PG_WRITE] =
	    "WITH others AS MATERIALIZED (SELECT $12::text IS NULL"
	    "  OR (SELECT value::bigint FROM menedek_meta WHERE name = 'pruned')"
	    "   >= pg_snapshot_xmin($12::text::pg_snapshot)::text::bigint"
	    "  OR EXISTS (SELECT 1 FROM menedek_changes AS h"
	    "   WHERE h.xid >= pg_snapshot_xmin($12::text::pg_snapshot)::text::bigint"
	    "   AND NOT pg_visible_in_snapshot(h.xid::text::xid8, $12::text::pg_snapshot)) AS came),"
	    " bad AS MATERIALIZED (SELECT 1 FROM unnest($1::bytea[], $2::bigint[]) AS r(k, ver)"
	    "  LEFT JOIN menedek_kv AS kv ON kv.k = r.k"
	    "  WHERE (SELECT came FROM others) AND coalesce(kv.ver, 0) <> r.ver LIMIT 1),"
	    " me AS MATERIALIZED (SELECT pg_current_xact_id()::text::bigint AS xid"
	    "  WHERE NOT EXISTS (SELECT 1 FROM bad)),"
	    " new AS (INSERT INTO menedek_kv (k, ver, v) SELECT w.k, me.xid + $10::bigint, w.v"
	    "  FROM me, unnest($3::bytea[], $4::bytea[]) AS w(k, v)),"
	    " put AS (UPDATE menedek_kv AS kv SET ver = me.xid + $10::bigint, v = w.v"
	    "  FROM me, unnest($5::bytea[], $11::bigint[], $6::bytea[]) AS w(k, ver, v)"
	    "  WHERE kv.k = w.k AND kv.ver = w.ver RETURNING 1),"
	    " gone AS (DELETE FROM menedek_kv AS kv USING me WHERE kv.k = ANY ($7::bytea[])),"
	    " told AS (INSERT INTO menedek_changes (xid, id, keys) SELECT me.xid, $8::bytea, "
	    "$9::bytea[] FROM me)"
	    " SELECT coalesce((SELECT me.xid / ((SELECT count(*) FROM put) = cardinality($5::bytea[]))::int"
	    "  FROM me), 0)::bigint,"
	    " CASE WHEN (SELECT came FROM others) THEN NULL ELSE pg_current_snapshot()::text::bytea END",
	/* What this snapshot sees and snapshot $1 did not: exact, however late a transaction committed; but
	 * not what batch $2 changed, whose values the node has.  First row: the snapshot, up to where changes
	 * were thrown away, the timeline, the last whose change it sees; of what is new the last change's id
	 * and transaction. */
	[PG_POLL] =
	    "WITH c AS (SELECT DISTINCT ON (u.k) u.k, h.xid, u.o, h.id FROM menedek_changes AS h,"
	    "  unnest(h.keys) WITH ORDINALITY AS u(k, o)"
	    "  WHERE h.xid >= pg_snapshot_xmin($1::text::pg_snapshot)::text::bigint"
	    "  AND NOT pg_visible_in_snapshot(h.xid::text::xid8, $1::text::pg_snapshot)"
	    "  AND h.id <> $2::bytea"
	    "  ORDER BY u.k, h.xid DESC, u.o DESC)"
	    " SELECT pg_current_snapshot()::text::bytea, (SELECT value::bigint FROM menedek_meta WHERE name "
	    "= 'pruned'),"
	    "  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)::bytea, -1::bigint AS xid, "
	    "coalesce((SELECT max(xid) FROM menedek_changes), 0)::bigint AS o,"
	    "  (SELECT c.id FROM c ORDER BY c.xid DESC LIMIT 1), (SELECT max(c.xid) FROM c)"
	    " UNION ALL SELECT c.k, kv.ver, kv.v, c.xid, c.o, NULL, NULL"
	    "  FROM c LEFT JOIN menedek_kv AS kv ON kv.k = c.k"
	    " ORDER BY 4, 5",
	/* After it the transaction $1 has happened (no row) or never will (a row).  That it commits proves
	 * that all before it is as durable as it is.  It is no beat: its time would make the last beat's
	 * clock look late.  Where changes from $3 on, all that were not seen when it was sent, may have been
	 * thrown away, by a server whose clock is ahead of the one that took it, no row of it says nothing,
	 * and none is put. */
	[PG_FENCE] =
	    "WITH mark AS (INSERT INTO menedek_nodes (id, at) VALUES ($2::bytea, now())"
	    "  ON CONFLICT (id) DO UPDATE SET at = menedek_nodes.at),"
	    " kept AS MATERIALIZED (SELECT value::bigint AS pruned FROM menedek_meta"
	    "  WHERE name = 'pruned' FOR SHARE)"
	    " INSERT INTO menedek_changes (xid, id, keys) SELECT"
	    " pg_current_xact_id()::text::bigint, $1::bytea, '{}' FROM kept WHERE pruned < $3::bigint"
	    " ON CONFLICT (id) DO NOTHING RETURNING 1::bigint",
	/* moving in */
	[PG_LOAD] =
	    "INSERT INTO menedek_kv (k, ver, v)"
	    " SELECT w.k, w.ver, w.v FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS w(k, ver, v)",
	[PG_PAIRS] = "SELECT k, ver, v FROM menedek_kv WHERE k > $1::bytea ORDER BY k LIMIT 500",
	[PG_BASE] = "INSERT INTO menedek_meta VALUES ('base', $1::text) ON CONFLICT (name) DO UPDATE SET "
		    "value = $1::text",
	/* a fence changed no keys, a batch always does */
	[PG_FIND] = "SELECT xid, cardinality(keys)::bigint FROM menedek_changes WHERE id = $1::bytea",
	/* no row: the registry has left */
	[PG_BEAT] = "INSERT INTO menedek_nodes (id, at, clock) SELECT $1::bytea, now(), $2::bigint"
		    " WHERE NOT EXISTS (SELECT 1 FROM menedek_meta WHERE name = 'left')"
		    " ON CONFLICT (id) DO UPDATE SET at = now(), clock = excluded.clock",
	/* How far each node's clock was ahead of the server's when it wrote; $1 is this node. */
	[PG_CLOCKS] = "SELECT clock - extract(epoch FROM at)::bigint, (id = $1::bytea)::int::bigint"
		      " FROM menedek_nodes WHERE at BETWEEN now() - interval '5 seconds' AND now()"
		      "  AND clock IS NOT NULL"
		      " ORDER BY 1",
	/* Never what began after the oldest transaction under way: every look would find that it had missed
	 * something, for as long as that one stays. */
	[PG_PRUNE] =
	    "WITH old AS (DELETE FROM menedek_changes WHERE at < now() - interval '1 hour'"
	    "  AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint RETURNING xid),"
	    " gone AS (DELETE FROM menedek_nodes WHERE at < now() - interval '1 hour')"
	    " UPDATE menedek_meta SET value = greatest(value::bigint, (SELECT max(xid) FROM old))::text"
	    " WHERE name = 'pruned' AND EXISTS (SELECT 1 FROM old)",
	[PG_KEYS] = "SELECT k, ver FROM menedek_kv WHERE k > $1::bytea ORDER BY k LIMIT 2000",
	[PG_TURN] = "SELECT pg_advisory_lock($1::bigint)",
	[PG_TURN_OVER] = "SELECT pg_advisory_unlock($1::bigint)",
	[PG_VALUES] = "SELECT k, ver, v FROM menedek_kv WHERE k = ANY ($1::bytea[]) ORDER BY k",
};

/* One word each: what must not be so, or the answer to a commit would be no promise.  What a commit waits for
 * is kept as it is found here while the session lasts: a server that reads its settings again changes it only
 * where nobody has set it. */
const char pg_checks[] =
    "SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false);"
    "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby'"
    " WHEN current_setting('server_version_num')::int < 130000 THEN 'too_old'"
    " WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN 'synchronous_commit_off'"
    " WHEN current_setting('fsync') = 'off' THEN 'fsync_off' ELSE '' END";

/* '' without tables, 'older' for those of a release that kept no clocks. */
const char pg_tables[] =
    "SELECT CASE WHEN to_regclass('menedek_meta') IS NULL THEN ''"
    " WHEN EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('menedek_nodes')"
    "  AND attname = 'clock' AND NOT attisdropped) THEN 'whole' ELSE 'older' END";

const char pg_about[] = "SELECT (SELECT value FROM menedek_meta WHERE name = 'registry'),"
			" substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),"
			" coalesce((SELECT value FROM menedek_meta WHERE name = 'base'), '0'),"
			" CASE WHEN EXISTS (SELECT 1 FROM menedek_meta WHERE name = 'loading') THEN 'loading'"
			"  WHEN EXISTS (SELECT 1 FROM menedek_meta WHERE name = 'left') THEN 'left'"
			"  WHEN EXISTS (SELECT 1 FROM menedek_kv) THEN 'filled' ELSE '' END,"
			" (SELECT system_identifier::text FROM pg_control_system())";

/* A dump brings changes, and up to where they were thrown away, under numbers that its new servers have yet
 * to give out.  Until they have, every look would be a comparison, and a revision could come back.  So what
 * nodes have not seen is thrown away, and revisions go on above all that there can be: 4096 timelines higher.
 */
#define NEXT_NUMBER "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
#define IS_AHEAD                                                                       \
	"greatest((SELECT max(xid) FROM menedek_changes), (SELECT value::bigint FROM " \
	"menedek_meta WHERE name = 'pruned')) >= " NEXT_NUMBER
const char pg_numbers[] = "SELECT CASE WHEN " IS_AHEAD " THEN 'ahead' ELSE '' END";
const char pg_count_anew[] =
    "SELECT pg_advisory_xact_lock(7311846);"
    "INSERT INTO menedek_meta SELECT 'base', '4503599627370496' WHERE " IS_AHEAD
    " ON CONFLICT (name) DO UPDATE SET value = (menedek_meta.value::bigint + 4503599627370496)::text;"
    "UPDATE menedek_meta SET value = (" NEXT_NUMBER " - 1)::text WHERE name = 'pruned' AND " IS_AHEAD ";"
    "DELETE FROM menedek_changes WHERE xid >= " NEXT_NUMBER;

/* Plans of small tables would lock all of them against each other. */
const char pg_settings[] =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
    "SET enable_bitmapscan = off;"
    "SET plan_cache_mode = force_generic_plan; SET jit = off;"
    "SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = warning";

/* A session whose node has given it up ends, where the server can tell; PostgreSQL 13 and some systems'
 * sockets cannot.  It does not while it waits for a standby.  But where no standby is left each beat would
 * else leave one more in the queue for its node's row: after two or three minutes the server takes no
 * connection any more, not even from a host that comes back and asks where it must be rewound to, and no
 * standby ever comes. */
const char pg_end_alone[] =
    "SELECT set_config(name, '1s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'";
