/*
 * Log of a program, one line an event, on stderr.  Only programs log; src/ returns values.
 *
 *	zone: message (error text) key=value key="two words"
 *
 * Under the journal (JOURNAL_STREAM names our stderr) a line starts with <N>, else with time,
 * program and level.  With format json a line is one object.  A line that comes again within
 * ${repeat_ms} is counted, and told once as "repeated N times".
 *
 * Words from outside may stand anywhere: control characters, invalid UTF-8 and characters that turn
 * the direction of text are written \xNN.  Lines are cut at MUS_LOG_LINE_MAX.
 *
 * A secret cannot be logged: struct mus_secret fits no format and MUS_KV refuses it when compiled.
 * Functions may be called from any thread.
 */
#ifndef MUS_APP_LOG_H
#define MUS_APP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/time.h"
#include "dns/name.h"

enum mus_log_level {
	MUS_LOG_ERROR,		/* somebody must do something */
	MUS_LOG_WARNING,	/* somebody should look */
	MUS_LOG_NOTICE,		/* rare and worth knowing: start, stop, end of a process */
	MUS_LOG_INFO,		/* each change of state */
	MUS_LOG_DEBUG,		/* which rule fired */
};
enum mus_log_format { MUS_LOG_TEXT, MUS_LOG_JSON };
enum { MUS_LOG_LINE_MAX = 4000 };

extern const char *const mus_log_level_words[];		/* in the order of the enum, then NULL */
extern const char *const mus_log_format_words[];

/* A field, or (without key) the subject a line begins with.  Everything is borrowed. */
enum mus_log_kind {
	MUS_LOG_KIND_NONE,
	MUS_LOG_KIND_TEXT,
	MUS_LOG_KIND_NAME,
	MUS_LOG_KIND_ADDR,
	MUS_LOG_KIND_INT,
	MUS_LOG_KIND_UINT,
	MUS_LOG_KIND_BOOL,
	MUS_LOG_KIND_TIME,
};
struct mus_log_kv {
	const char *key;
	enum mus_log_kind kind;
	union {
		const char *text;		/* NULL is shown as "-" */
		const struct mus_name *name;	/* shown without the final dot */
		const struct mus_addr *addr;	/* shown with the port unless that is 53 */
		int64_t num;
		uint64_t unum;
		struct mus_time time;
	};
};

/* MUS_KV("signer", text | mus_name * | mus_addr * | number | bool | mus_time) */
#define MUS_KV(k, v)                                                                               \
	_Generic((v),                                                                              \
	    char *: mus_kv_text,                                                                   \
	    const char *: mus_kv_text,                                                             \
	    struct mus_name *: mus_kv_name,                                                        \
	    const struct mus_name *: mus_kv_name,                                                  \
	    struct mus_addr *: mus_kv_addr,                                                        \
	    const struct mus_addr *: mus_kv_addr,                                                  \
	    struct mus_time: mus_kv_time,                                                          \
	    bool: mus_kv_bool,                                                                     \
	    signed char: mus_kv_int,                                                               \
	    short: mus_kv_int,                                                                     \
	    int: mus_kv_int,                                                                       \
	    long: mus_kv_int,                                                                      \
	    long long: mus_kv_int,                                                                 \
	    unsigned char: mus_kv_uint,                                                            \
	    unsigned short: mus_kv_uint,                                                           \
	    unsigned: mus_kv_uint,                                                                 \
	    unsigned long: mus_kv_uint,                                                            \
	    unsigned long long: mus_kv_uint)(k, v)
/* The zone or peer a line is about: text, mus_name *, mus_addr * or NULL. */
#define MUS_LOG_SUBJECT(v)                                                                         \
	_Generic((v),                                                                              \
	    void *: mus_kv_none,                                                                   \
	    char *: mus_kv_text,                                                                   \
	    const char *: mus_kv_text,                                                             \
	    struct mus_name *: mus_kv_name,                                                        \
	    const struct mus_name *: mus_kv_name,                                                  \
	    struct mus_addr *: mus_kv_addr,                                                        \
	    const struct mus_addr *: mus_kv_addr)(NULL, v)
#define MUS_FIELDS(...) ((const struct mus_log_kv[]){__VA_ARGS__, {0}})

/*
 * What programs write:
 *	mus_log_info(&zone->name, "joined %u signers", n);
 *	mus_log_error(&zone->name, et.s, "cannot ask the parent");	-> zone: cannot ask ... (words)
 *	mus_log_kv(MUS_LOG_INFO, &zone->name, NULL,
 *	    MUS_FIELDS(MUS_KV("from", old), MUS_KV("to", new)), "changed its state");
 * ${subject} and ${error} may be NULL.  Arguments are not evaluated when the level is off.
 */
#define mus_log_kv(level, subject, error, fields, ...)                                             \
	(mus_log_wants(level) ? mus_log_write(level, MUS_LOG_SUBJECT(subject), error, fields,      \
				    __VA_ARGS__)                                                   \
			      : (void)0)
#define mus_log_error(subject, error, ...)                                                         \
	mus_log_kv(MUS_LOG_ERROR, subject, error, NULL, __VA_ARGS__)
#define mus_log_warning(subject, error, ...)                                                       \
	mus_log_kv(MUS_LOG_WARNING, subject, error, NULL, __VA_ARGS__)
#define mus_log_notice(subject, ...) mus_log_kv(MUS_LOG_NOTICE, subject, NULL, NULL, __VA_ARGS__)
#define mus_log_info(subject, ...) mus_log_kv(MUS_LOG_INFO, subject, NULL, NULL, __VA_ARGS__)
#define mus_log_debug(subject, ...) mus_log_kv(MUS_LOG_DEBUG, subject, NULL, NULL, __VA_ARGS__)

/* The part an operator configures; a program embeds it in its configuration and names the rows.
 * ${at}: when a program takes what has changed, for not every one can reload. */
struct mus_log_conf {
	int level, format;		/* of the enums above */
	int64_t repeat_ms;		/* 0: every line is written */
};
#define MUS_LOG_CONF_ROWS(T, f, at)                                                                \
	{MUS_CONF_ENUM(T, f.level, "log.level", mus_log_level_words), .def = "info",               \
	    .when = (at), .help = "Least important level that is written."},                       \
	{MUS_CONF_ENUM(T, f.format, "log.format", mus_log_format_words), .def = "text",            \
	    .when = (at), .help = "Lines for people, or one JSON object a line."},                 \
	{MUS_CONF_SPAN_MS(T, f.repeat_ms, "log.repeat"), .def = "30s", .max = 86400000,            \
	    .when = (at),                                                                          \
	    .help = "An equal line within this time is counted, not written; 0 writes every line."}

/* One level more for each -v of the command line. */
static inline void
mus_log_conf_louder(struct mus_log_conf *c, int by)
{
	c->level = c->level + by < MUS_LOG_DEBUG ? c->level + by : MUS_LOG_DEBUG;
}

struct mus_log_opts {
	const char *program;		/* borrowed for good; NULL: "music" */
	struct mus_log_conf conf;
	/* For tests: */
	int fd;				/* 0: stderr */
	struct mus_time (*clock)(void);	/* NULL: the wall clock */
};

/* Before it: level info, text.  May be called again (reload). */
void mus_log_open(const struct mus_log_opts *o);
/* Tells of lines whose time is over ("repeated N times"); call it about once a second. */
void mus_log_tick(void);
/* Tells of all lines counted: before the program ends. */
void mus_log_flush(void);
bool mus_log_wants(enum mus_log_level level);
uint64_t mus_log_count(enum mus_log_level level);	/* events of this level, counted ones too */

void mus_log_write(enum mus_log_level level, struct mus_log_kv subject, const char *error,
    const struct mus_log_kv *fields, const char *fmt, ...) MUS_PRINTF(5, 6);

/* Cleans ${s} as described above; cut when too long.  Gives ${out}. */
const char *mus_log_clean(const char *s, char *out, size_t cap);

static inline struct mus_log_kv
mus_kv_none(const char *k, const void *v)
{
	(void)v;
	return (struct mus_log_kv){.key = k};
}
static inline struct mus_log_kv
mus_kv_text(const char *k, const char *v)
{
	return (struct mus_log_kv){.key = k, .kind = MUS_LOG_KIND_TEXT, .text = v};
}
static inline struct mus_log_kv
mus_kv_name(const char *k, const struct mus_name *v)
{
	return (struct mus_log_kv){.key = k, .kind = MUS_LOG_KIND_NAME, .name = v};
}
static inline struct mus_log_kv
mus_kv_addr(const char *k, const struct mus_addr *v)
{
	return (struct mus_log_kv){.key = k, .kind = MUS_LOG_KIND_ADDR, .addr = v};
}
static inline struct mus_log_kv
mus_kv_time(const char *k, struct mus_time v)
{
	return (struct mus_log_kv){.key = k, .kind = MUS_LOG_KIND_TIME, .time = v};
}
static inline struct mus_log_kv
mus_kv_bool(const char *k, bool v)
{
	return (struct mus_log_kv){.key = k, .kind = MUS_LOG_KIND_BOOL, .num = v};
}
static inline struct mus_log_kv
mus_kv_int(const char *k, int64_t v)
{
	return (struct mus_log_kv){.key = k, .kind = MUS_LOG_KIND_INT, .num = v};
}
static inline struct mus_log_kv
mus_kv_uint(const char *k, uint64_t v)
{
	return (struct mus_log_kv){.key = k, .kind = MUS_LOG_KIND_UINT, .unum = v};
}

#endif
