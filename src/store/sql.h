/*
 * Inside of store/: the table of statements, and a cursor to bind, step and read one of them.
 * Nothing outside this folder includes it.
 *
 * A statement exists once, so a function is done with it (mus__q_end) before it calls anybody back.
 * Lists therefore gather ids first, and load object by object.
 */
#ifndef MUS_STORE_SQL_H
#define MUS_STORE_SQL_H

#include <sqlite3.h>

#include "store/store.h"

/* Times are milliseconds since 1970, NEVER and ALWAYS the largest and smallest 64-bit numbers. */
#define MUS__NEVER_SQL "9223372036854775807"

#define MUS__SIGNER_COLS \
	"name, driver, update_addr, key_file, no_transfer, max_ttl_s, declared_content, update_rate, " \
	"cap_dnskey, cap_cds, cap_cdnskey, cap_csync, cap_ns, caps_at_ms, created_at_ms, changed_at_ms"
#define MUS__ZONE_COLS \
	"name, group_id, mode, held, held_reason, sample, parent, parent_addrs, state, process, row, " \
	"waiting, waiting_until_ms, next_check_at_ms, checked_at_ms, created_at_ms, changed_at_ms"
/* Filter of zones, apart from the index that leads: ?3 group, ?4 state, ?5 part of name, ?6 busy. */
#define MUS__ZONE_FILTER \
	" name > ?1 AND (?3 = 0 OR group_id = ?3) AND (?4 IS NULL OR state = ?4)" \
	" AND (?5 IS NULL OR instr(name, ?5) > 0) AND (?6 = 0 OR process <> '')"
#define MUS__ZONE_LIST(from, where) \
	"SELECT id FROM zone " from " WHERE" where MUS__ZONE_FILTER " ORDER BY name LIMIT ?2"
#define MUS__ZONE_COUNT(from, where) \
	"SELECT count(*) FROM (SELECT 1 FROM zone " from " WHERE" where MUS__ZONE_FILTER " LIMIT ?2)"

#define MUS__STMT_MAP(X) \
	X(BEGIN, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(SAVEPOINT, "SAVEPOINT object") \
	X(RELEASE, "RELEASE object") \
	X(ROLLBACK_TO, "ROLLBACK TO object") \
	X(SIGNER_INSERT, "INSERT INTO signer(" MUS__SIGNER_COLS ") " \
	    "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)") \
	X(SIGNER_UPDATE, "UPDATE signer SET (" MUS__SIGNER_COLS ") = " \
	    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) WHERE id = ?") \
	X(SIGNER_BY_ID, "SELECT id, " MUS__SIGNER_COLS " FROM signer WHERE id = ?") \
	X(SIGNER_BY_NAME, "SELECT id, " MUS__SIGNER_COLS " FROM signer WHERE name = ?") \
	X(SIGNER_LIST, "SELECT id FROM signer WHERE name > ? ORDER BY name LIMIT ?") \
	X(SIGNER_USERS, "SELECT g.name, (SELECT count(*) FROM group_member WHERE signer_id = ?1) " \
	    "FROM group_member m JOIN signer_group g ON g.id = m.group_id " \
	    "WHERE m.signer_id = ?1 ORDER BY g.name LIMIT 1") \
	X(DEPART_ZONE, "INSERT OR IGNORE INTO departing(signer_id, zone_id) " \
	    "SELECT signer_id, ?2 FROM group_member WHERE group_id = ?1") \
	X(DEPART_SIGNER, "INSERT OR IGNORE INTO departing(signer_id, zone_id) " \
	    "SELECT ?2, id FROM zone WHERE group_id = ?1") \
	X(DEPARTING, "SELECT zone_id FROM departing WHERE signer_id = ? ORDER BY zone_id") \
	X(DEPARTED, "DELETE FROM departing WHERE signer_id = ? AND zone_id = ?") \
	X(SIGNER_DELETE, "DELETE FROM signer WHERE id = ?") \
	X(SIGNER_NS_DELETE, "DELETE FROM signer_ns WHERE signer_id = ?") \
	X(SIGNER_NS_INSERT, "INSERT INTO signer_ns(signer_id, pos, name, addrs) VALUES(?,?,?,?)") \
	X(SIGNER_NS, "SELECT name, addrs FROM signer_ns WHERE signer_id = ? ORDER BY pos") \
	X(GROUP_INSERT, "INSERT INTO signer_group(name, created_at_ms, changed_at_ms) VALUES(?,?,?)") \
	X(GROUP_UPDATE, "UPDATE signer_group SET (name, created_at_ms, changed_at_ms) = (?,?,?) " \
	    "WHERE id = ?") \
	X(GROUP_BY_ID, "SELECT id, name, created_at_ms, changed_at_ms FROM signer_group WHERE id = ?") \
	X(GROUP_BY_NAME, "SELECT id, name, created_at_ms, changed_at_ms FROM signer_group " \
	    "WHERE name = ?") \
	X(GROUP_LIST, "SELECT id FROM signer_group WHERE name > ? ORDER BY name LIMIT ?") \
	X(GROUP_USERS, "SELECT name, (SELECT count(*) FROM zone WHERE group_id = ?1) " \
	    "FROM zone WHERE group_id = ?1 ORDER BY name LIMIT 1") \
	X(GROUP_DELETE, "DELETE FROM signer_group WHERE id = ?") \
	X(MEMBER_DELETE, "DELETE FROM group_member WHERE group_id = ?") \
	X(MEMBER_INSERT, "INSERT INTO group_member(group_id, pos, signer_id, leaving) VALUES(?,?,?,?)") \
	X(MEMBERS, "SELECT signer_id, leaving FROM group_member WHERE group_id = ? ORDER BY pos") \
	X(ZONE_INSERT, "INSERT INTO zone(" MUS__ZONE_COLS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)") \
	X(ZONE_UPDATE, "UPDATE zone SET (" MUS__ZONE_COLS ") = (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) " \
	    "WHERE id = ?") \
	X(ZONE_BY_ID, "SELECT id, " MUS__ZONE_COLS " FROM zone WHERE id = ?") \
	X(ZONE_BY_NAME, "SELECT id, " MUS__ZONE_COLS " FROM zone WHERE name = ?") \
	X(ZONE_DELETE, "DELETE FROM zone WHERE id = ?") \
	X(ZONE_STATUS, "UPDATE zone SET row = ?, waiting = ?, waiting_until_ms = ?, " \
	    "next_check_at_ms = ?, checked_at_ms = ? WHERE id = ?") \
	/* apart from the rest: indexed columns, and they seldom change */ \
	X(ZONE_STATUS_WORDS, "UPDATE zone SET state = ?1, process = ?2 " \
	    "WHERE id = ?3 AND (state <> ?1 OR process <> ?2)") \
	X(ZONE_LIST, MUS__ZONE_LIST("", "")) \
	X(ZONE_LIST_GROUP, MUS__ZONE_LIST("INDEXED BY zone_by_group", " group_id = ?3 AND")) \
	X(ZONE_LIST_STATE, MUS__ZONE_LIST("INDEXED BY zone_by_state", " state = ?4 AND")) \
	X(ZONE_LIST_BUSY, MUS__ZONE_LIST("INDEXED BY zone_busy", " process <> '' AND")) \
	X(ZONE_COUNT, MUS__ZONE_COUNT("", "")) \
	X(ZONE_COUNT_GROUP, MUS__ZONE_COUNT("INDEXED BY zone_by_group", " group_id = ?3 AND")) \
	X(ZONE_COUNT_STATE, MUS__ZONE_COUNT("INDEXED BY zone_by_state", " state = ?4 AND")) \
	X(ZONE_COUNT_BUSY, MUS__ZONE_COUNT("INDEXED BY zone_busy", " process <> '' AND")) \
	X(ZONE_DUE, "SELECT id, next_check_at_ms FROM zone WHERE id > ? ORDER BY id LIMIT ?") \
	X(ZONE_IDS_OF_GROUP, "SELECT id FROM zone INDEXED BY zone_ids_by_group " \
	    "WHERE group_id = ? AND id > ? ORDER BY id LIMIT ?") \
	X(ZONE_IDS_MARKED, "SELECT DISTINCT z.id FROM zone z INDEXED BY zone_ids_by_group " \
	    "JOIN zone_signer m ON m.zone_id = z.id " \
	    "WHERE z.group_id = ? AND (m.lost OR m.excluded OR m.staying) ORDER BY z.id") \
	X(ZONE_IDS_APART, "SELECT z.id FROM zone z INDEXED BY zone_ids_by_group WHERE z.group_id = ? AND (" \
	    "EXISTS (SELECT 1 FROM zone_ns n WHERE n.zone_id = z.id) OR " \
	    "EXISTS (SELECT 1 FROM departing d WHERE d.zone_id = z.id)) ORDER BY z.id") \
	X(ZONE_SIGNER_DELETE, "DELETE FROM zone_signer WHERE zone_id = ?") \
	X(ZONE_SIGNER_INSERT, "INSERT INTO zone_signer(zone_id, signer_id, pos, key_file, max_ttl_s, " \
	    "lost, excluded, staying, lost_ttl_s, lost_until_ms) VALUES(?,?,?,?,?,?,?,?,?,?)") \
	X(ZONES_LOST, "SELECT count(DISTINCT zone_id) FROM zone_signer INDEXED BY zone_signer_lost " \
	    "WHERE lost AND lost_until_ms > ?") \
	X(ZONE_SIGNERS, "SELECT signer_id, key_file, max_ttl_s, lost, excluded, staying, lost_ttl_s, lost_until_ms " \
	    "FROM zone_signer WHERE zone_id = ? ORDER BY pos") \
	X(ZONE_NS_INSERT, "INSERT INTO zone_ns(zone_id, signer_id, pos, name, addrs) VALUES(?,?,?,?,?)") \
	X(ZONE_NS, "SELECT name, addrs FROM zone_ns WHERE zone_id = ? AND signer_id = ? ORDER BY pos") \
	X(STATE_SAVE, "INSERT INTO zone_state(zone_id, state, shifted_ms, restores) " \
	    "VALUES(?1,?2,(SELECT shifted_ms FROM clock),(SELECT restores FROM sent)) " \
	    "ON CONFLICT(zone_id) DO UPDATE SET state = ?2, shifted_ms = excluded.shifted_ms, " \
	    "restores = excluded.restores") \
	X(STATE_LOAD, "SELECT state, (SELECT shifted_ms FROM clock) - shifted_ms, " \
	    "restores <> (SELECT restores FROM sent) FROM zone_state WHERE zone_id = ?") \
	X(SENT_LOAD, "SELECT count, restored_at_ms FROM sent") \
	X(SENT_COUNT, "UPDATE sent SET count = ?") \
	X(SENT_RESTORED, "UPDATE sent SET count = ?, restores = restores + 1, restored_at_ms = ?") \
	X(CLOCKS_NOTE, "UPDATE clock SET shifted_ms = shifted_ms + ?, wall_ms = ?, boot_ms = ?, boot_id = ?") \
	X(CLOCKS_LOAD, "SELECT wall_ms, boot_ms, boot_id FROM clock") \
	X(EVENT_INSERT, "INSERT INTO event(zone_id, at_ms, kind, text, actor) VALUES(?,?,?,?,?)") \
	X(EVENT_INSERT_GROUP, "INSERT INTO event(zone_id, at_ms, kind, text, actor) " \
	  "SELECT id, ?2, ?3, ?4, ?5 FROM zone INDEXED BY zone_ids_by_group WHERE group_id = ?1") \
	X(EVENT_BY_ID, "SELECT e.id, e.zone_id, z.name, e.at_ms, e.kind, e.text, e.actor " \
	    "FROM event e LEFT JOIN zone z ON z.id = e.zone_id WHERE e.id = ?") \
	X(EVENT_LIST, "SELECT id FROM event WHERE id < ? ORDER BY id DESC LIMIT ?") \
	X(EVENT_LIST_ZONE, "SELECT id FROM event WHERE id < ? AND zone_id = ?3 ORDER BY id DESC " \
	    "LIMIT ?2") \
	X(EVENT_AFTER, "SELECT id FROM event WHERE id > ? AND id <= ? ORDER BY id LIMIT ?") \
	X(EVENT_AFTER_ZONE, "SELECT id FROM event WHERE id > ? AND id <= ? AND zone_id = ?4 " \
	    "ORDER BY id LIMIT ?3") \
	X(EVENT_LAST, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)") \
	X(EVENT_FULL, "SELECT coalesce(zone_id, 0) FROM event GROUP BY zone_id HAVING count(*) > ?") \
	X(EVENT_TRIM, "DELETE FROM event WHERE zone_id IS nullif(?1, 0) AND id <= (SELECT id FROM event " \
	    "WHERE zone_id IS nullif(?1, 0) ORDER BY id DESC LIMIT 1 OFFSET ?2)") \
	X(PROCESS_ADD, "INSERT INTO process(zone_id, kind, signer, row, started_at_ms, ended_at_ms, " \
	    "outcome) VALUES(?,?,?,?,?,?,?)") \
	X(PROCESS_STEP, "UPDATE process INDEXED BY process_by_zone SET row = ? " \
	    "WHERE zone_id = ? AND kind = ? AND signer = ? AND ended_at_ms = " MUS__NEVER_SQL) \
	X(PROCESS_END, "UPDATE process INDEXED BY process_by_zone SET row = ?, outcome = ?, ended_at_ms = ? " \
	    "WHERE zone_id = ? AND kind = ? AND signer = ? AND ended_at_ms = " MUS__NEVER_SQL) \
	X(PROCESS_BY_ID, "SELECT p.id, p.zone_id, z.name, p.kind, p.signer, p.row, p.started_at_ms, " \
	    "p.ended_at_ms, p.outcome FROM process p JOIN zone z ON z.id = p.zone_id WHERE p.id = ?") \
	X(PROCESS_LIST, "SELECT id FROM process WHERE id < ? ORDER BY id DESC LIMIT ?") \
	X(PROCESS_LIST_RUNNING, "SELECT id FROM process INDEXED BY process_running " \
	    "WHERE ended_at_ms = " MUS__NEVER_SQL " AND id < ? ORDER BY id DESC LIMIT ?") \
	X(PROCESS_LIST_ZONE, "SELECT id FROM process WHERE id < ?1 AND zone_id = ?3 " \
	    "AND (?4 = 0 OR ended_at_ms = " MUS__NEVER_SQL ") ORDER BY id DESC LIMIT ?2")

enum mus__stmt {
#define X(name, sql) MUS__STMT_##name,
	MUS__STMT_MAP(X)
#undef X
	    MUS__STMT_COUNT
};

enum mus__txn {
	MUS__TXN_NONE,
	MUS__TXN_OPEN,			/* between begin and commit */
	MUS__TXN_BROKEN,		/* rolled back by an error; nothing is saved until it is ended */
};

struct mus_store {
	sqlite3 *db;
	int lock_fd;			/* -1: in memory */
	enum mus__txn txn;
	int64_t changed_before;		/* rows changed by this handle up to the begin of the transaction */
	struct mus_errtext broken;	/* why, when BROKEN */
	/* sent.c */
	int sent_fd;			/* -1: in memory */
	int64_t sent, sent_in_txn;	/* as of the last commit, and in the open transaction */
	int64_t sent_in_file;		/* -1: nothing */
	bool sent_is_synced;		/* what this process has written first */
	struct mus_time restored_at, restored_in_txn;	/* the second NEVER: not in the open transaction */
	struct mus_errtext older;	/* why the database is taken for a backup; empty: it is not */
	char path[MUS_PATH_TEXT_MAX];
	sqlite3_stmt *stmt[MUS__STMT_COUNT];
};

/* Brings the schema to the version of this program.  schema.c */
int mus__schema_migrate(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;

/* Opens what stands beside the database, and compares; ends what a transaction has counted.  sent.c */
int mus__sent_open(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;
void mus__sent_begin(struct mus_store *s);
void mus__sent_committed(struct mus_store *s);

/* One use of a statement: bind in order, step, read columns in order, end. */
struct mus__q {
	struct mus_store *s;
	sqlite3_stmt *st;
	int at;				/* last parameter bound, or last column read */
	int rc;				/* first SQLite error while binding */
};
struct mus__q mus__q_of(struct mus_store *s, enum mus__stmt id);
void mus__q_int(struct mus__q *q, int64_t v);
void mus__q_id(struct mus__q *q, int64_t v);			/* 0: NULL */
void mus__q_text(struct mus__q *q, const char *v);		/* NULL: NULL; borrowed until end */
void mus__q_blob(struct mus__q *q, const void *p, size_t len);
static inline void
mus__q_time(struct mus__q *q, struct mus_time t)
{
	mus__q_int(q, t.ms);
}
/* 1: a row, 0: no more; negative: error, told through mus__q_fail by the caller. */
int mus__q_step(struct mus__q *q);
int64_t mus__q_get_int(struct mus__q *q);
uint32_t mus__q_get_u32(struct mus__q *q);
bool mus__q_get_bool(struct mus__q *q);
void mus__q_get_text(struct mus__q *q, char *out, size_t cap);
static inline struct mus_time
mus__q_get_time(struct mus__q *q)
{
	return (struct mus_time){mus__q_get_int(q)};
}
void mus__q_end(struct mus__q *q);
/* What the last step's error means: EXISTS, NOTFOUND (a reference to nothing), NOMEM or STORE; the
 * last two break an open transaction.  Ends ${q}.  ${fmt}: what was being done. */
int mus__q_fail(struct mus__q *q, struct mus_errtext *et, const char *fmt, ...) MUS_PRINTF(3, 4);
/* Steps a statement that gives no rows, and ends it: 0 or as mus__q_fail. */
int mus__q_run(struct mus__q *q, struct mus_errtext *et, const char *fmt, ...) MUS_PRINTF(3, 4);

/* Several statements that stand or fall together, in a transaction or not. */
int mus__op_begin(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;
/* ${rc} as it went: commits on 0, else undoes; gives the final result. */
int mus__op_end(struct mus_store *s, int rc, struct mus_errtext *et) MUS_MUST_CHECK;
/* Refuses single statements too while the transaction is broken. */
int mus__check_usable(struct mus_store *s, struct mus_errtext *et) MUS_MUST_CHECK;

/* Ids that a statement with bound parameters gives; ends ${q}.  clear frees. */
struct mus__ids {
	int64_t *v;
	size_t count, cap;
};
int mus__ids_read(struct mus__ids *ids, struct mus__q *q) MUS_MUST_CHECK;
void mus__ids_clear(struct mus__ids *ids);

/* Addresses as text in one column: "192.0.2.1@53 2001:db8::1@53". */
enum { MUS__ADDRS_TEXT_MAX = MUS_OBJ_PARENT_MAX * MUS_ADDR_TEXT_MAX };
const char *mus__addrs_text(const struct mus_addr *a, unsigned count, char out[static MUS__ADDRS_TEXT_MAX]);
unsigned mus__addrs_parse(const char *text, struct mus_addr *out, unsigned cap);
/* Name servers of a signer, or of a zone for one signer; ${q} is bound and gets ended. */
int mus__ns_read(struct mus__q *q, struct mus_ns_obj *ns, uint8_t *count) MUS_MUST_CHECK;
int mus__ns_insert(struct mus__q *q, unsigned pos, const struct mus_ns_obj *ns, struct mus_errtext *et) MUS_MUST_CHECK;

#endif
