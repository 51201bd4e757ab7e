/* Migrations: number n brings version n-1 to version n.  Never edited once released. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/sql.h"

enum {
	APPLICATION_ID = 0x4d555349,	/* "MUSI" */
	/* In the head of a database (sqlite.org/fileformat2.html): */
	HEAD_LEN = 100,
	HEAD_PAGES = 28,
	HEAD_VERSION = 60,
	HEAD_APPLICATION = 68,
};

static const char *const migrations[] = {
	/* 1: everything */
	"CREATE TABLE signer("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE CHECK(name <> ''),"
	" driver TEXT NOT NULL, update_addr TEXT NOT NULL, key_file TEXT NOT NULL,"
	" no_transfer INTEGER NOT NULL, max_ttl_s INTEGER NOT NULL, declared_content INTEGER NOT NULL,"
	" update_rate INTEGER NOT NULL, cap_dnskey INTEGER NOT NULL, cap_cds INTEGER NOT NULL,"
	" cap_cdnskey INTEGER NOT NULL, cap_csync INTEGER NOT NULL, cap_ns INTEGER NOT NULL,"
	" caps_at_ms INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, changed_at_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE signer_ns("
	" signer_id INTEGER NOT NULL REFERENCES signer ON DELETE CASCADE, pos INTEGER NOT NULL,"
	" name TEXT NOT NULL, is_shared INTEGER NOT NULL, addrs TEXT NOT NULL,"
	" PRIMARY KEY(signer_id, pos)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE signer_group("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE CHECK(name <> ''),"
	" created_at_ms INTEGER NOT NULL, changed_at_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE group_member("
	" group_id INTEGER NOT NULL REFERENCES signer_group ON DELETE CASCADE, pos INTEGER NOT NULL,"
	" signer_id INTEGER NOT NULL REFERENCES signer, leaving INTEGER NOT NULL,"
	" PRIMARY KEY(group_id, pos), UNIQUE(signer_id, group_id)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE zone("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE CHECK(name <> ''),"
	" group_id INTEGER REFERENCES signer_group, mode INTEGER NOT NULL, held INTEGER NOT NULL,"
	" held_reason TEXT NOT NULL, sample TEXT NOT NULL, parent TEXT NOT NULL,"
	" parent_addrs TEXT NOT NULL,"
	/* what the engine writes every turn; from here on */
	" state TEXT NOT NULL, process TEXT NOT NULL, row TEXT NOT NULL, waiting TEXT NOT NULL,"
	" waiting_until_ms INTEGER NOT NULL, next_check_at_ms INTEGER NOT NULL,"
	" checked_at_ms INTEGER NOT NULL,"
	" created_at_ms INTEGER NOT NULL, changed_at_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX zone_by_group ON zone(group_id, name);"
	"CREATE INDEX zone_ids_by_group ON zone(group_id);"
	"CREATE INDEX zone_by_state ON zone(state, name);"
	"CREATE INDEX zone_busy ON zone(name) WHERE process <> '';"
	"CREATE TABLE zone_signer("
	" zone_id INTEGER NOT NULL REFERENCES zone ON DELETE CASCADE,"
	" signer_id INTEGER NOT NULL REFERENCES signer ON DELETE CASCADE, pos INTEGER NOT NULL,"
	" key_file TEXT NOT NULL, max_ttl_s INTEGER NOT NULL, lost INTEGER NOT NULL,"
	" excluded INTEGER NOT NULL, staying INTEGER NOT NULL,"
	" PRIMARY KEY(zone_id, signer_id)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX zone_signer_by_signer ON zone_signer(signer_id);"
	"CREATE TABLE zone_ns("
	" zone_id INTEGER NOT NULL, signer_id INTEGER NOT NULL, pos INTEGER NOT NULL,"
	" name TEXT NOT NULL, is_shared INTEGER NOT NULL, addrs TEXT NOT NULL,"
	" PRIMARY KEY(zone_id, signer_id, pos),"
	" FOREIGN KEY(zone_id, signer_id) REFERENCES zone_signer ON DELETE CASCADE"
	") STRICT, WITHOUT ROWID;"
	/* with a rowid: a blob of a kilobyte stays on its page */
	"CREATE TABLE zone_state("
	" zone_id INTEGER PRIMARY KEY REFERENCES zone ON DELETE CASCADE, state BLOB NOT NULL) STRICT;"

	"CREATE TABLE event("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, zone_id INTEGER REFERENCES zone ON DELETE CASCADE,"
	" at_ms INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, actor TEXT NOT NULL) STRICT;"
	"CREATE INDEX event_by_zone ON event(zone_id);"
	"CREATE TABLE process("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" zone_id INTEGER NOT NULL REFERENCES zone ON DELETE CASCADE, kind TEXT NOT NULL,"
	" signer TEXT NOT NULL, row TEXT NOT NULL, started_at_ms INTEGER NOT NULL,"
	" ended_at_ms INTEGER NOT NULL, outcome TEXT NOT NULL) STRICT;"
	"CREATE INDEX process_by_zone ON process(zone_id);"
	"CREATE INDEX process_running ON process(id) WHERE ended_at_ms = " MUS__NEVER_SQL ";",

	/* 2: signers that zones may still have though their group has them no more */
	"CREATE TABLE departing("
	" signer_id INTEGER NOT NULL REFERENCES signer ON DELETE CASCADE,"
	" zone_id INTEGER NOT NULL REFERENCES zone ON DELETE CASCADE,"
	" PRIMARY KEY(signer_id, zone_id)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX departing_by_zone ON departing(zone_id);",

	/* 3: by how much the clock was set forward, in all, and by how much it had been when a state was saved */
	"CREATE TABLE clock(shifted_ms INTEGER NOT NULL) STRICT;"
	"INSERT INTO clock VALUES(0);"
	"ALTER TABLE zone_state ADD COLUMN shifted_ms INTEGER NOT NULL DEFAULT 0;",

	/* 4: batches of changes sent so far, how often a backup was restored, the last time; and how often it had
	 * been when a state was saved */
	"CREATE TABLE sent(count INTEGER NOT NULL, restores INTEGER NOT NULL, restored_at_ms INTEGER NOT NULL) STRICT;"
	"INSERT INTO sent VALUES(0, 0, " MUS__NEVER_SQL ");"
	"ALTER TABLE zone_state ADD COLUMN restores INTEGER NOT NULL DEFAULT 0;",

	/* 5: zone states of version 4, which an older program cannot read */
	"",

	/* 6: how long a signer that was lost may still be in caches; what was declared before may be so two days */
	"ALTER TABLE zone_signer ADD COLUMN lost_ttl_s INTEGER NOT NULL DEFAULT 172800;"
	"ALTER TABLE zone_signer ADD COLUMN lost_until_ms INTEGER NOT NULL DEFAULT " MUS__NEVER_SQL ";"
	"CREATE INDEX zone_signer_lost ON zone_signer(zone_id) WHERE lost;",

	/* 7: a name server has one owner: those that were shared stand at several signers, whose zones hold (V10) */
	("ALTER TABLE signer_ns DROP COLUMN is_shared;"	/* clang asks of two whether a comma is missing */
	 "ALTER TABLE zone_ns DROP COLUMN is_shared;"),

	/* 8: the clocks as the states go by them, to tell after a restart whether the wall's was set */
	("ALTER TABLE clock ADD COLUMN wall_ms INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE clock ADD COLUMN boot_ms INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE clock ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';"),
};
enum { VERSION = (int)(sizeof migrations / sizeof migrations[0]) };

/* The one number that ${sql} gives.  Not from the table: it is prepared on what we make here. */
static int
read_number(struct mus_store *s, const char *sql, int64_t *out, struct mus_errtext *et)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_OK)
		mus_errf(et, MUS_ERR_STORE, "%s: %s", s->path, sqlite3_errmsg(s->db));
	sqlite3_finalize(st);
	return rc == SQLITE_OK ? 0 : MUS_ERR_STORE;
}

static int
migrate_one(struct mus_store *s, int number, struct mus_errtext *et)
{
	char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d;"
	    "PRAGMA user_version = %d; COMMIT;", migrations[number - 1], APPLICATION_ID, number);
	int rc = 0;

	if (sql == NULL)
		return mus_errf(et, MUS_ERR_NOMEM, "%s: out of memory", s->path);
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		rc = mus_errf(et, MUS_ERR_STORE, "%s: migration to version %d: %s", s->path, number,
		    sqlite3_errmsg(s->db));
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
	sqlite3_free(sql);
	return rc;
}

/* Is it ours, and not of a newer program? */
static int
check_version(const char *path, int64_t version, int64_t app, bool has_tables, struct mus_errtext *et)
{
	if (has_tables && app != APPLICATION_ID)
		return mus_errf(et, MUS_ERR_STORE, "%s: is the database of another program", path);
	if (version > VERSION)
		return mus_errf(et, MUS_ERR_UNSUPPORTED, "%s: has schema version %lld, this program knows "
		    "%d; it was written by a newer one", path, (long long)version, VERSION);
	return 0;
}

static uint32_t
number_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Read by hand: SQLite makes files beside a database that it only reads, and they would be of whoever checks. */
int
mus_store_check(const char *path, struct mus_errtext *et)
{
	static const char magic[] = "SQLite format 3";
	uint8_t head[HEAD_LEN];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : mus_errf(et, MUS_ERR_STORE, "%s: %s", path, strerror(errno));
	n = pread(fd, head, sizeof head, 0);
	if (n < 0)
		mus_errf(et, MUS_ERR_STORE, "%s: %s", path, strerror(errno));
	close(fd);
	if (n <= 0)
		return n < 0 ? MUS_ERR_STORE : 0;	/* an empty one is a new one */
	if (n < HEAD_LEN || memcmp(head, magic, sizeof magic) != 0)
		return mus_errf(et, MUS_ERR_STORE, "%s: is no SQLite database, by how it begins", path);
	/* The first page is of the schema, each table has more. */
	return check_version(path, number_at(head + HEAD_VERSION), number_at(head + HEAD_APPLICATION),
	    number_at(head + HEAD_PAGES) > 1, et);
}

int
mus__schema_migrate(struct mus_store *s, struct mus_errtext *et)
{
	int64_t version = 0, app = 0, tables = 0;
	int rc;

	if ((rc = read_number(s, "PRAGMA user_version", &version, et)) < 0 ||
	    (rc = read_number(s, "PRAGMA application_id", &app, et)) < 0 ||
	    (rc = read_number(s, "SELECT count(*) FROM sqlite_schema", &tables, et)) < 0)
		return rc;
	if ((rc = check_version(s->path, version, app, tables > 0, et)) < 0)
		return rc;
	for (int n = (int)version + 1; n <= VERSION; n++)
		if ((rc = migrate_one(s, n, et)) < 0)
			return rc;
	return 0;
}
