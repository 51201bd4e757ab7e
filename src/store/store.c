#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "store/sql.h"

/* Two controllers on one file would both act on every zone.  The lock goes when the process ends,
 * however it ends; the file "<path>.lock" stays. */
static int
take_lock(struct mus_store *s, struct mus_errtext *et)
{
	char path[MUS_PATH_TEXT_MAX + 8], pid[24] = "";
	ssize_t n;

	snprintf(path, sizeof path, "%s.lock", s->path);
	if ((s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return mus_errf(et, errno == ENOENT || errno == ENOTDIR ? MUS_ERR_NOTFOUND : MUS_ERR_STORE,
		    "%s: %s", path, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return mus_errf(et, MUS_ERR_STORE, "%s: %s", path, strerror(errno));
		n = pread(s->lock_fd, pid, sizeof pid - 1, 0);
		pid[n > 0 ? (size_t)n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		return mus_errf(et, MUS_ERR_STORE, "%s: in use by another process (pid %s)", s->path,
		    pid[0] ? pid : "unknown");
	}
	/* The number is for people only: the lock holds without it, on a full disk too. */
	n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) != n)
		return 0;
	return 0;
}

/* SQLite would create the file under the umask; and what it keeps beside it gets the mode of it. */
static int
make_file(struct mus_store *s, struct mus_errtext *et)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return mus_errf(et, MUS_ERR_STORE, "%s: %s", s->path, strerror(errno));
	if (fstat(fd, &st) < 0 || ((st.st_mode & 077) != 0 && fchmod(fd, 0600) < 0))
		rc = mus_errf(et, MUS_ERR_STORE, "%s: cannot make it private: %s", s->path, strerror(errno));
	close(fd);
	return rc;
}

/* Why the file could not be opened or looked at, by what SQLite said last: damage is one reason of several. */
static int
open_failed(struct mus_store *s, struct mus_errtext *et)
{
	const char *why = sqlite3_errmsg(s->db);
	int eno = sqlite3_system_errno(s->db);
	const char *says = eno != 0 ? strerror(eno) : "the system says no more";

	switch (sqlite3_errcode(s->db) & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return mus_errf(et, MUS_ERR_STORE, "%s: damaged, or not a database: %s", s->path, why);
	case SQLITE_NOMEM:
		return mus_errf(et, MUS_ERR_NOMEM, "%s: %s", s->path, why);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return mus_errf(et, MUS_ERR_STORE, "%s: %s: another process uses it: end that", s->path, why);
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return mus_errf(et, MUS_ERR_STORE, "%s: %s (%s): that is the disk, not the database: make "
		    "room on it, or see in the system's log why it fails", s->path, why, says);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return mus_errf(et, MUS_ERR_STORE, "%s: %s (%s): look at the owner and the mode of the file, of those "
		    "beside it, and of the folder", s->path, why, says);
	default:
		return mus_errf(et, MUS_ERR_STORE, "%s: %s", s->path, why);
	}
}

/* The first thing that the file's own check complains of, if any. */
static int
quick_check(struct mus_store *s, struct mus_errtext *et)
{
	sqlite3_stmt *st = NULL;
	const char *text;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL), err = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		err = open_failed(s, et);
	else if ((text = (const char *)sqlite3_column_text(st, 0)) == NULL || strcmp(text, "ok") != 0)
		err = mus_errf(et, MUS_ERR_STORE, "%s: damaged: %.300s", s->path, text ? text : "?");
	sqlite3_finalize(st);
	return err;
}

static int
run_sql(struct mus_store *s, const char *sql, struct mus_errtext *et)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return open_failed(s, et);
}

static int
prepare_all(struct mus_store *s, struct mus_errtext *et)
{
	static const char *const sql[] = {
#define X(name, text) [MUS__STMT_##name] = text,
	    MUS__STMT_MAP(X)
#undef X
	};

	for (unsigned i = 0; i < MUS__STMT_COUNT; i++)
		if (sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL) !=
		    SQLITE_OK)
			return mus_errf(et, MUS_ERR_STORE, "%s: %s: %s", s->path, sql[i],
			    sqlite3_errmsg(s->db));
	return 0;
}

static int
open_db(struct mus_store *s, struct mus_errtext *et)
{
	int rc = sqlite3_open_v2(s->path, &s->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc != SQLITE_OK)
		return s->db == NULL ? mus_errf(et, MUS_ERR_NOMEM, "%s: out of memory", s->path) : open_failed(s, et);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, 2000);	/* a person with the sqlite3 shell, at most */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if ((rc = quick_check(s, et)) < 0 ||
	    (rc = run_sql(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	     "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;"
	     "PRAGMA wal_autocheckpoint = 4000;", et)) < 0 ||
	    (rc = mus__schema_migrate(s, et)) < 0)
		return rc;
	return prepare_all(s, et);
}

int
mus_store_open(const char *path, struct mus_store **out, struct mus_errtext *et)
{
	struct mus_store *s = calloc(1, sizeof *s);
	int rc = 0;

	if (s == NULL)
		return mus_errf(et, MUS_ERR_NOMEM, "%s: out of memory", path);
	s->lock_fd = s->sent_fd = -1;
	if (path[0] == '\0' || !mus_strcpy(s->path, sizeof s->path, path))
		rc = mus_errf(et, MUS_ERR_INVAL, "path of the database: empty or too long");
	else if (strcmp(path, ":memory:") != 0 && (rc = take_lock(s, et)) == 0)
		rc = make_file(s, et);
	if (rc < 0 || (rc = open_db(s, et)) < 0 || (rc = mus__sent_open(s, et)) < 0)
		mus_store_close(s);
	else
		*out = s;
	return rc;
}

void
mus_store_close(struct mus_store *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < MUS__STMT_COUNT; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);			/* rolls back what was open */
	if (s->sent_fd >= 0)
		close(s->sent_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

int
mus_store_begin(struct mus_store *s, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_BEGIN);
	int rc;

	MUS_ASSERT(s->txn != MUS__TXN_OPEN);
	s->txn = MUS__TXN_NONE;			/* one that broke is over by now */
	if ((rc = mus__q_run(&q, et, "begin")) == 0)
		s->txn = MUS__TXN_OPEN;
	mus__sent_begin(s);
	s->changed_before = sqlite3_total_changes64(s->db);
	return rc;
}

bool
mus_store_wrote(const struct mus_store *s)
{
	return s->txn == MUS__TXN_OPEN && sqlite3_total_changes64(s->db) != s->changed_before;
}

int
mus_store_commit(struct mus_store *s, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_COMMIT);
	int rc;

	MUS_ASSERT(s->txn != MUS__TXN_NONE);
	if ((rc = mus__check_usable(s, et)) == 0)
		rc = mus__q_run(&q, et, "commit");
	if (rc < 0)
		mus_store_rollback(s);
	else
		mus__sent_committed(s);
	s->txn = MUS__TXN_NONE;
	return rc;
}

void
mus_store_rollback(struct mus_store *s)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_ROLLBACK);

	if (s->txn == MUS__TXN_OPEN && !sqlite3_get_autocommit(s->db))
		(void)mus__q_run(&q, NULL, "rollback");
	s->txn = MUS__TXN_NONE;
}
