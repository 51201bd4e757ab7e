#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/log.h"

enum {
	REPEAT_SLOTS = 32,		/* different lines remembered at a time */
	HEAD_MAX = 88,			/* time, program, level */
	TAIL_MAX = 40,			/* "repeated N times" */
	BODY_MAX = MUS_LOG_LINE_MAX - HEAD_MAX - TAIL_MAX,
	ZONE_MAX = 1100,		/* longest piece of each kind within a line */
	MESSAGE_MAX = 1500,
	ERROR_MAX = 600,
	VALUE_MAX = 300,
};

const char *const mus_log_level_words[] = {"error", "warning", "notice", "info", "debug", NULL};
const char *const mus_log_format_words[] = {"text", "json", NULL};
static const int syslog_priority[] = {3, 4, 5, 6, 7};

/* A line that was written a while ago, and how often it came again since. */
struct slot {
	bool used;
	enum mus_log_level level;
	unsigned again;			/* lines not written */
	struct mus_time first_at, last_at;
	size_t len;
	char body[BODY_MAX];
};

static struct {
	pthread_mutex_t lock;
	struct mus_log_opts o;
	bool journal;
	uint64_t count[MUS_LOG_DEBUG + 1];
	struct slot slot[REPEAT_SLOTS];
} lg = {.lock = PTHREAD_MUTEX_INITIALIZER,
    .o = {.program = "music", .conf = {.level = MUS_LOG_INFO}, .fd = STDERR_FILENO}};

/* ---- text into a bounded place ---- */

struct out {
	char *s;
	size_t len, cap;
	bool cut;		/* something did not fit; nothing is added from then on */
};

static void
put(struct out *o, const char *p, size_t len)
{
	if (o->cut || len > o->cap - o->len) {
		o->cut = true;
		return;
	}
	memcpy(o->s + o->len, p, len);
	o->len += len;
}

static void
put_str(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

/* Length of the well-formed UTF-8 sequence at ${p} that may be shown as it is; 0: show as \xNN. */
static size_t
shown_len(const uint8_t *p)
{
	uint32_t cp;
	size_t n, i;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2, cp = p[0] & 0x1f;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3, cp = p[0] & 0x0f;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4, cp = p[0] & 0x07;
	else
		return 0;
	for (i = 1; i < n; i++) {	/* a terminating NUL stops this */
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)) ||
	    (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	/* C1 controls; zero width, line separators and marks that turn the direction; BOM. */
	if (cp < 0xa0 || (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0x061c)
		return 0;
	return n;
}

/* Adds ${s} cleaned; ${quoted}: " and \ get a backslash (which also is what JSON asks for). */
static void
put_clean(struct out *o, const char *s, bool quoted)
{
	const uint8_t *p = (const uint8_t *)s;

	while (*p && !o->cut) {
		size_t n = shown_len(p);

		if (n == 0) {
			char hex[8];

			snprintf(hex, sizeof hex, quoted ? "\\\\x%02x" : "\\x%02x", *p);
			put_str(o, hex);
			p++;
		} else if (quoted && (*p == '"' || *p == '\\')) {
			char pair[2] = {'\\', (char)*p};

			put(o, pair, 2);
			p++;
		} else {
			put(o, (const char *)p, n);
			p += n;
		}
	}
}

/* The same with at most ${max} bytes of output; what was cut ends in "...". */
static void
put_piece(struct out *o, const char *s, size_t max, bool quoted)
{
	size_t room = o->cap - o->len;
	struct out piece = {.s = o->s + o->len, .cap = room < max ? room : max};

	if (o->cut || piece.cap < 8) {
		o->cut = true;
		return;
	}
	piece.cap -= 3;
	put_clean(&piece, s, quoted);
	if (piece.cut) {
		memcpy(piece.s + piece.len, "...", 3);
		piece.len += 3;
	}
	o->len += piece.len;
}

const char *
mus_log_clean(const char *s, char *out, size_t cap)
{
	struct out o = {.s = out, .cap = cap - 1};

	MUS_ASSERT(cap > 0);
	put_clean(&o, s, false);
	out[o.len] = '\0';
	return out;
}

/* ---- fields ---- */

enum { KV_TEXT_MAX = MUS_NAME_TEXT_MAX };

/* The value of ${kv} as text; lends it from ${kv} or from ${buf}. */
static const char *
kv_text(const struct mus_log_kv *kv, char buf[static KV_TEXT_MAX])
{
	size_t len;

	switch (kv->kind) {
	case MUS_LOG_KIND_NONE:
		return NULL;
	case MUS_LOG_KIND_TEXT:
		return kv->text;
	case MUS_LOG_KIND_NAME:
		if (!kv->name || kv->name->len == 0)
			return NULL;
		mus_name_text(kv->name, buf);
		len = strlen(buf);
		if (len > 1 && buf[len - 1] == '.')
			buf[len - 1] = '\0';
		return buf;
	case MUS_LOG_KIND_ADDR: {
		char addr[MUS_ADDR_TEXT_MAX];

		if (!kv->addr)
			return NULL;
		mus_addr_text(kv->addr, 53, addr);
		memcpy(buf, addr, sizeof addr);
		return buf;
	}
	case MUS_LOG_KIND_INT:
		snprintf(buf, KV_TEXT_MAX, "%" PRId64, kv->num);
		return buf;
	case MUS_LOG_KIND_UINT:
		snprintf(buf, KV_TEXT_MAX, "%" PRIu64, kv->unum);
		return buf;
	case MUS_LOG_KIND_BOOL:
		return kv->num ? "true" : "false";
	case MUS_LOG_KIND_TIME:
		mus_time_text(kv->time, buf);
		return buf;
	}
	return NULL;
}

static bool
is_bare_in_json(enum mus_log_kind kind)
{
	return kind == MUS_LOG_KIND_INT || kind == MUS_LOG_KIND_UINT || kind == MUS_LOG_KIND_BOOL;
}

static bool
wants_quotes(const char *s)
{
	return *s == '\0' || strpbrk(s, " \"=\\()") != NULL;
}

/* ---- a line without its time ---- */

static void
body_text(struct out *o, struct mus_log_kv subject, const char *error,
    const struct mus_log_kv *fields, const char *msg)
{
	char buf[KV_TEXT_MAX];
	const char *v = kv_text(&subject, buf);

	if (v) {
		put_piece(o, v, ZONE_MAX, false);
		put_str(o, ": ");
	}
	put_piece(o, msg, MESSAGE_MAX, false);
	if (error && *error) {
		put_str(o, " (");
		put_piece(o, error, ERROR_MAX, false);
		put_str(o, ")");
	}
	for (; fields && fields->key; fields++) {
		bool quotes;

		v = kv_text(fields, buf);
		if (!v)
			v = "-";
		quotes = wants_quotes(v);
		put_str(o, " ");
		put_piece(o, fields->key, 64, false);
		put_str(o, quotes ? "=\"" : "=");
		put_piece(o, v, VALUE_MAX, quotes);
		if (quotes)
			put_str(o, "\"");
	}
}

static void
json_pair(struct out *o, const char *key, const char *v, size_t max, bool bare)
{
	put_str(o, ",\"");
	put_clean(o, key, true);
	put_str(o, bare ? "\":" : "\":\"");
	put_piece(o, v, max, !bare);
	if (!bare)
		put_str(o, "\"");
}

/* From after the time up to the last field, without the closing brace. */
static void
body_json(struct out *o, enum mus_log_level level, struct mus_log_kv subject, const char *error,
    const struct mus_log_kv *fields, const char *msg)
{
	char buf[KV_TEXT_MAX];
	const char *v;

	json_pair(o, "level", mus_log_level_words[level], 16, false);
	json_pair(o, "program", lg.o.program, 64, false);
	if ((v = kv_text(&subject, buf)))
		json_pair(o, "zone", v, ZONE_MAX, false);
	json_pair(o, "message", msg, MESSAGE_MAX, false);
	if (error && *error)
		json_pair(o, "error", error, ERROR_MAX, false);
	for (; fields && fields->key; fields++) {
		struct out before = *o;

		if ((v = kv_text(fields, buf)))
			json_pair(o, fields->key, v, VALUE_MAX, is_bare_in_json(fields->kind));
		else
			json_pair(o, fields->key, "null", VALUE_MAX, true);
		if (o->cut) {		/* half a field is no JSON */
			*o = before;
			return;
		}
	}
}

/* ---- writing ---- */

static struct mus_time
wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct mus_time){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000};
}

static struct mus_time
now(void)
{
	return lg.o.clock ? lg.o.clock() : wall_clock();
}

static void
write_line(enum mus_log_level level, struct mus_time at, const char *body, size_t body_len,
    unsigned again)
{
	char line[MUS_LOG_LINE_MAX], time[MUS_TIME_TEXT_MAX];
	const char *level_word = mus_log_level_words[level];
	char priority[8] = "";
	bool json = lg.o.conf.format == MUS_LOG_JSON;
	int head, tail;
	size_t len;
	ssize_t n;

	mus_time_text(at, time);
	if (lg.journal)
		snprintf(priority, sizeof priority, "<%d>", syslog_priority[level]);
	if (json)
		head = snprintf(line, HEAD_MAX, "%s{\"time\":\"%s\"", priority, time);
	else if (lg.journal)
		head = snprintf(line, HEAD_MAX, "%s", priority);
	else
		head = snprintf(line, HEAD_MAX, "%s %.30s %s: ", time, lg.o.program, level_word);
	MUS_ASSERT(head > 0 && head < HEAD_MAX);
	len = (size_t)head;
	MUS_ASSERT(len + body_len + TAIL_MAX <= sizeof line);
	memcpy(line + len, body, body_len);
	len += body_len;
	if (json && again)
		tail = snprintf(line + len, TAIL_MAX, ",\"repeated\":%u}\n", again);
	else if (json)
		tail = snprintf(line + len, TAIL_MAX, "}\n");
	else if (again)
		tail = snprintf(line + len, TAIL_MAX, " (repeated %u times)\n", again);
	else
		tail = snprintf(line + len, TAIL_MAX, "\n");
	len += (size_t)tail;
	/* One write a line; nobody can be told when it fails. */
	do
		n = write(lg.o.fd, line, len);
	while (n < 0 && errno == EINTR);
}

/* ---- lines that come again ---- */

static void
close_slot(struct slot *s, struct mus_time at)
{
	if (s->used && s->again)
		write_line(s->level, at, s->body, s->len, s->again);
	s->used = false;
	s->again = 0;
}

static bool
is_over(const struct slot *s, struct mus_time at)
{
	return at.ms - s->first_at.ms >= lg.o.conf.repeat_ms || at.ms < s->first_at.ms;
}

/* The line was written lately and is now counted. */
static bool
count_again(enum mus_log_level level, struct mus_time at, const char *body, size_t len)
{
	size_t i;

	for (i = 0; i < REPEAT_SLOTS; i++) {
		struct slot *s = &lg.slot[i];

		if (!s->used || s->level != level || s->len != len || memcmp(s->body, body, len) != 0)
			continue;
		s->again++;
		s->last_at = at;
		return true;
	}
	return false;
}

static void
remember(enum mus_log_level level, struct mus_time at, const char *body, size_t len)
{
	struct slot *s = &lg.slot[0];
	size_t i;

	/* A free place, else that of the line not seen for longest. */
	for (i = 0; i < REPEAT_SLOTS && s->used; i++) {
		if (!lg.slot[i].used || mus_time_before(lg.slot[i].last_at, s->last_at))
			s = &lg.slot[i];
	}
	close_slot(s, at);
	s->used = true;
	s->level = level;
	s->first_at = s->last_at = at;
	s->len = len;
	memcpy(s->body, body, len);
}

static void
close_over(struct mus_time at, bool all)
{
	size_t i;

	for (i = 0; i < REPEAT_SLOTS; i++) {
		if (lg.slot[i].used && (all || is_over(&lg.slot[i], at)))
			close_slot(&lg.slot[i], at);
	}
}

/* ---- interface ---- */

/* JOURNAL_STREAM is "device:inode" of the journal's socket; children may have another stderr. */
static bool
is_journal(int fd)
{
	const char *env = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (!env || fstat(fd, &st) < 0)
		return false;
	snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(env, ours) == 0;
}

void
mus_log_open(const struct mus_log_opts *o)
{
	pthread_mutex_lock(&lg.lock);
	close_over(now(), true);
	lg.o = *o;
	if (!lg.o.program)
		lg.o.program = "music";
	if (lg.o.fd == 0)
		lg.o.fd = STDERR_FILENO;
	lg.journal = is_journal(lg.o.fd);
	pthread_mutex_unlock(&lg.lock);
}

bool
mus_log_wants(enum mus_log_level level)
{
	return (int)level <= lg.o.conf.level;
}

uint64_t
mus_log_count(enum mus_log_level level)
{
	uint64_t n;

	pthread_mutex_lock(&lg.lock);
	n = lg.count[level];
	pthread_mutex_unlock(&lg.lock);
	return n;
}

void
mus_log_tick(void)
{
	pthread_mutex_lock(&lg.lock);
	close_over(now(), false);
	pthread_mutex_unlock(&lg.lock);
}

void
mus_log_flush(void)
{
	pthread_mutex_lock(&lg.lock);
	close_over(now(), true);
	pthread_mutex_unlock(&lg.lock);
}

void
mus_log_write(enum mus_log_level level, struct mus_log_kv subject, const char *error,
    const struct mus_log_kv *fields, const char *fmt, ...)
{
	char msg[2048], body[BODY_MAX];
	struct out o = {.s = body, .cap = sizeof body};
	struct mus_time at;
	va_list ap;
	int err = errno;		/* the caller may still want it */

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&lg.lock);
	lg.count[level]++;
	if (lg.o.conf.format == MUS_LOG_JSON)
		body_json(&o, level, subject, error, fields, msg);
	else
		body_text(&o, subject, error, fields, msg);
	at = now();
	if (lg.o.conf.repeat_ms > 0) {
		close_over(at, false);
		if (count_again(level, at, body, o.len))
			goto out;
		remember(level, at, body, o.len);
	}
	write_line(level, at, body, o.len, 0);
out:
	pthread_mutex_unlock(&lg.lock);
	errno = err;
}
