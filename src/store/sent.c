/*
 * What has been sent, counted in the database and in a file beside it: how a backup that was restored is told
 * from the database that ran.
 *
 * The file is not synced for each batch: it is to outlive this process, not the machine.  A machine that loses
 * power loses the last numbers of the file, never those of the database, and a database that is ahead is not a
 * backup; while a sync for each batch would double what a commit costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sql.h"

enum { NUMBER_LEN = 20, FILE_LEN = NUMBER_LEN + 1 };	/* digits, and the end of the line */

static int
no_file(const struct mus_store *s, const char *why, struct mus_errtext *et)
{
	return mus_errf(et, MUS_ERR_STORE, "%s-sent: %s", s->path, why);
}

/* -1: there is no number; it is new, or somebody's. */
static int
read_file(struct mus_store *s, struct mus_errtext *et)
{
	char text[FILE_LEN + 1] = "", *end;
	ssize_t n = pread(s->sent_fd, text, FILE_LEN, 0);
	long long number;

	if (n < 0)
		return no_file(s, strerror(errno), et);
	errno = 0;
	number = strtoll(text, &end, 10);
	s->sent_in_file = n == FILE_LEN && *end == '\n' && errno == 0 && number >= 0 ? number : -1;
	return 0;
}

static void
compare(struct mus_store *s)
{
	if (s->sent_in_file > s->sent)
		mus_errf(&s->older, MUS_ERR_STORE, "%lld batches of changes were sent since it was copied",
		    (long long)(s->sent_in_file - s->sent));
	else if (s->sent_in_file < 0 && s->sent > 0)
		mus_errf(&s->older, MUS_ERR_STORE, "%s-sent, which goes with it, is not there", s->path);
}

int
mus__sent_open(struct mus_store *s, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_SENT_LOAD);
	char path[MUS_PATH_TEXT_MAX + 8];
	int rc = mus__q_step(&q);

	if (rc <= 0)
		return mus__q_fail(&q, et, "what was sent");
	s->sent = mus__q_get_int(&q);
	s->restored_at = mus__q_get_time(&q);
	mus__q_end(&q);
	s->sent_in_file = -1;
	if (s->lock_fd < 0)
		return 0;
	snprintf(path, sizeof path, "%s-sent", s->path);
	if ((s->sent_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		return no_file(s, strerror(errno), et);
	if ((rc = read_file(s, et)) == 0)
		compare(s);
	return rc;
}

void
mus__sent_begin(struct mus_store *s)
{
	s->sent_in_txn = s->sent;
	s->restored_in_txn = MUS_TIME_NEVER;
}

void
mus__sent_committed(struct mus_store *s)
{
	s->sent = s->sent_in_txn;
	if (!mus_time_is_set(s->restored_in_txn))
		return;
	s->restored_at = s->restored_in_txn;
	s->older.s[0] = '\0';
}

int
mus_store_count_sent(struct mus_store *s, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_SENT_COUNT);
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	MUS_ASSERT(s->txn == MUS__TXN_OPEN);
	if (s->sent_in_txn != s->sent)
		return 0;
	mus__q_int(&q, s->sent + 1);
	if ((rc = mus__q_run(&q, et, "count of what is sent")) == 0)
		s->sent_in_txn = s->sent + 1;
	return rc;
}

int
mus_store_mark_sent(struct mus_store *s, struct mus_errtext *et)
{
	char text[FILE_LEN + 1];
	ssize_t n;

	if (s->sent_fd < 0 || s->sent_in_file == s->sent)
		return 0;
	MUS_ASSERT(s->older.s[0] == '\0');
	snprintf(text, sizeof text, "%0*lld\n", NUMBER_LEN, (long long)s->sent);
	errno = ENOSPC;			/* what a short write does not say */
	if ((n = pwrite(s->sent_fd, text, FILE_LEN, 0)) != FILE_LEN)
		return no_file(s, strerror(errno), et);
	/* The first, so that the file itself is there after a loss of power: without it a backup is suspected. */
	if (!s->sent_is_synced && fsync(s->sent_fd) < 0)
		return no_file(s, strerror(errno), et);
	s->sent_is_synced = true;
	s->sent_in_file = s->sent;
	return 0;
}

const char *
mus_store_is_older(const struct mus_store *s)
{
	return s->older.s[0] != '\0' ? s->older.s : NULL;
}

int
mus_store_note_restored(struct mus_store *s, struct mus_time at, struct mus_errtext *et)
{
	struct mus__q q = mus__q_of(s, MUS__STMT_SENT_RESTORED);
	int64_t count = (s->sent_in_file > s->sent ? s->sent_in_file : s->sent) + 1;
	int rc;

	if ((rc = mus__check_usable(s, et)) < 0)
		return rc;
	MUS_ASSERT(s->txn == MUS__TXN_OPEN);
	mus__q_int(&q, count);
	mus__q_time(&q, at);
	if ((rc = mus__q_run(&q, et, "note of a restored backup")) < 0)
		return rc;
	s->sent_in_txn = count;
	s->restored_in_txn = at;
	return 0;
}

struct mus_time
mus_store_restored_at(const struct mus_store *s)
{
	return s->restored_at;
}
