/*
 * Configuration of a program: one YAML file, one table.
 *
 * A program defines a struct and an array of rows, and nothing else:
 *
 *	struct combiner_conf {
 *		struct mus_conf_addrs listen;
 *		int64_t retry_s;
 *		MUS_CONF_LIST_OF(struct combiner_zone) zones;
 *	};
 *	static const struct mus_conf_row zone_rows[] = {
 *		{MUS_CONF_NAME(struct combiner_zone, name, "name"), .required = true, .help = "..."},
 *		MUS_CONF_END,
 *	};
 *	static const struct mus_conf_row rows[] = {
 *		{MUS_CONF_ADDRS(struct combiner_conf, listen, "dns.listen"), .port = 53,
 *		    .def = "127.0.0.1 ::1", .help = "..."},
 *		{MUS_CONF_SPAN_S(struct combiner_conf, retry_s, "dns.retry"), .def = "1m", .min = 1,
 *		    .max = 3600, .when = MUS_CONF_AT_RELOAD, .help = "..."},
 *		{MUS_CONF_SECTIONS(struct combiner_conf, zones, "zones", zone_rows), .unique = "name",
 *		    .help = "..."},
 *		MUS_CONF_END,
 *	};
 *	const struct mus_conf_schema combiner_schema = {"music-combiner",
 *	    sizeof(struct combiner_conf), rows};
 *
 * Parser, defaults, checks, dump and manual all read the rows.  A path with dots ("dns.listen") is
 * a key in a section; rows of one section stand together.  A field whose C type does not fit its
 * row does not compile.
 *
 * The YAML is strict: unknown key (the nearest valid one is named), wrong type, value out of
 * bounds, missing file, duplicate key, missing mandatory key, nesting beyond MUS_CONF_DEPTH_MAX, a
 * tab as indentation, several documents, anchors, aliases and tags are fatal, and the words of the
 * error begin with file:line:column: key.  A scalar is read as its row says and never guessed.
 */
#ifndef MUS_APP_CONF_H
#define MUS_APP_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/secret.h"
#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "dns/name.h"

enum {
	MUS_CONF_DEPTH_MAX = 8,
	MUS_CONF_ROWS_MAX = 128,		/* in one array */
	MUS_CONF_FILE_MAX_BYTES = 16 << 20,
	MUS_CONF_PATH_MAX = 256,		/* a key with its sections, as shown */
};

enum mus_conf_type {
	MUS_CONF_T_NONE,	/* end of an array */
	MUS_CONF_T_STRING,	/* text; min and max bound its length */
	MUS_CONF_T_PATH,	/* path of a file that need not exist */
	MUS_CONF_T_FILE,	/* path of a file that can be read now */
	MUS_CONF_T_SECRET,	/* path of a file whose first line is the secret; read now */
	MUS_CONF_T_ADDR,	/* IP address, or address@port */
	MUS_CONF_T_ADDRS,	/* one, or a list; min and max bound the count */
	MUS_CONF_T_NAME,	/* domain name */
	MUS_CONF_T_NAMES,
	MUS_CONF_T_STRINGS,
	MUS_CONF_T_INT,
	MUS_CONF_T_SIZE,	/* bytes: 4096, 64k, 16M, 1G (powers of 1024) */
	MUS_CONF_T_SPAN_MS,	/* 500ms, 10s, 1h30m; a bare number is seconds */
	MUS_CONF_T_SPAN_S,
	MUS_CONF_T_BOOL,	/* true, yes, on; false, no, off */
	MUS_CONF_T_ENUM,	/* one of ${words} */
	MUS_CONF_T_SECTIONS,	/* list of sections with rows of their own */
};

/* When a changed value takes effect. */
enum mus_conf_when { MUS_CONF_AT_RESTART, MUS_CONF_AT_RELOAD };

/* Field types of lists and secrets.  Everything a configuration points at is lent by it. */
struct mus_conf_strings {
	const char **items;
	size_t count;
};
struct mus_conf_addrs {
	struct mus_addr *items;
	size_t count;
};
struct mus_conf_names {
	struct mus_name *items;
	size_t count;
};
struct mus_conf_secret {
	const char *file;		/* NULL: not given */
	struct mus_secret value;
};
#define MUS_CONF_LIST_OF(T)                                                                        \
	struct {                                                                                   \
		T *items;                                                                          \
		size_t count;                                                                      \
	}

struct mus_conf_row {
	/* Made by the macros below: */
	enum mus_conf_type type;
	const char *path;		/* "section.key" */
	size_t offset;			/* of the field */
	const char *const *words;	/* ENUM: values are their indexes; ends with NULL */
	const struct mus_conf_row *rows;	/* SECTIONS */
	size_t item_size;
	/* Written by the program: */
	const char *def;		/* as in the file, lists with blanks between; NULL: none */
	bool required;			/* fatal when missing */
	int64_t min, max;		/* in the field's unit; both 0: no bound of our own */
	const char *unit;		/* for the manual, where the type does not say it */
	uint16_t port;			/* ADDR, ADDRS: when none is given */
	const char *unique;		/* SECTIONS: key whose values must differ */
	bool may_repeat;		/* STRINGS: a value may stand there twice (words of a command) */
	enum mus_conf_when when;
	const char *help;		/* one line, a sentence */
};

/* T: struct, F: field (with dots), P: path */
#define MUS_CONF__AT(T, F, C) _Generic(((T *)0)->F, C: offsetof(T, F))
#define MUS_CONF__ROW(t, T, F, C, P)                                                               \
	.type = MUS_CONF_T_##t, .path = P, .offset = MUS_CONF__AT(T, F, C)
#define MUS_CONF_STRING(T, F, P) MUS_CONF__ROW(STRING, T, F, const char *, P)
#define MUS_CONF_PATH(T, F, P) MUS_CONF__ROW(PATH, T, F, const char *, P)
#define MUS_CONF_FILE(T, F, P) MUS_CONF__ROW(FILE, T, F, const char *, P)
#define MUS_CONF_SECRET(T, F, P) MUS_CONF__ROW(SECRET, T, F, struct mus_conf_secret, P)
#define MUS_CONF_ADDR(T, F, P) MUS_CONF__ROW(ADDR, T, F, struct mus_addr, P)
#define MUS_CONF_ADDRS(T, F, P) MUS_CONF__ROW(ADDRS, T, F, struct mus_conf_addrs, P)
#define MUS_CONF_NAME(T, F, P) MUS_CONF__ROW(NAME, T, F, struct mus_name, P)
#define MUS_CONF_NAMES(T, F, P) MUS_CONF__ROW(NAMES, T, F, struct mus_conf_names, P)
#define MUS_CONF_STRINGS(T, F, P) MUS_CONF__ROW(STRINGS, T, F, struct mus_conf_strings, P)
#define MUS_CONF_INT(T, F, P) MUS_CONF__ROW(INT, T, F, int64_t, P)
#define MUS_CONF_SIZE(T, F, P) MUS_CONF__ROW(SIZE, T, F, int64_t, P)
#define MUS_CONF_SPAN_MS(T, F, P) MUS_CONF__ROW(SPAN_MS, T, F, int64_t, P)
#define MUS_CONF_SPAN_S(T, F, P) MUS_CONF__ROW(SPAN_S, T, F, int64_t, P)
#define MUS_CONF_BOOL(T, F, P) MUS_CONF__ROW(BOOL, T, F, bool, P)
#define MUS_CONF_ENUM(T, F, P, W) MUS_CONF__ROW(ENUM, T, F, int, P), .words = W
#define MUS_CONF_SECTIONS(T, F, P, R)                                                              \
	.type = MUS_CONF_T_SECTIONS, .path = P, .rows = R, .offset = offsetof(T, F.items),         \
	.item_size = sizeof *((T *)0)->F.items
#define MUS_CONF_END {.type = MUS_CONF_T_NONE}

struct mus_conf;
struct mus_conf_schema {
	const char *program;
	size_t size;			/* of the program's struct */
	const struct mus_conf_row *rows;
	/* Rules over several keys, NULL: none.  Answers mus_conf_errf(...). */
	int (*check)(const struct mus_conf *c, const void *conf, struct mus_errtext *et);
};

/* Reads and checks ${file}.  SYNTAX: anything wrong in it; NOTFOUND, IO: the file itself.  Gives
 * *out. */
int mus_conf_load(const struct mus_conf_schema *s, const char *file, struct mus_conf **out,
    struct mus_errtext *et) MUS_MUST_CHECK;
/* The same from memory; ${name} stands for the file, paths in it are relative to ${dir}. */
int mus_conf_parse(const struct mus_conf_schema *s, const char *name, const char *dir,
    const void *text, size_t len, struct mus_conf **out, struct mus_errtext *et) MUS_MUST_CHECK;
void mus_conf_free(struct mus_conf *c);		/* wipes secrets */

/* The program's struct; lent until mus_conf_free.  Relative paths have become absolute. */
const void *mus_conf_get(const struct mus_conf *c);
/* Was this field in the file?  ${field}: of the program's struct or of an item of a list (of a list
 * the address of the list itself, &conf->zones). */
bool mus_conf_is_given(const struct mus_conf *c, const void *field);
/* Fills ${et} with "file:line:column: key: words" for a field and answers SYNTAX. */
int mus_conf_errf(const struct mus_conf *c, const void *field, struct mus_errtext *et,
    const char *fmt, ...) MUS_PRINTF(4, 5);
/* Puts the same place before the words that ${et} has, of what the field names (a file that does not
 * do, say), and answers ${err}. */
int mus_conf_wrap(const struct mus_conf *c, const void *field, struct mus_errtext *et, int err);

enum {
	MUS_CONF_DUMP_HELP = 1 << 0,	/* with the help of each key: an example file */
};
/* YAML that parses to the same configuration; values equal to their default as comments. */
void mus_conf_dump(const struct mus_conf *c, unsigned flags, struct mus_buf *out);
/* Calls ${fn} for each top-level row whose value differs. */
void mus_conf_diff(const struct mus_conf *from, const struct mus_conf *to,
    void (*fn)(void *arg, const struct mus_conf_row *row), void *arg);

/* Copies what may change at a reload from one program's struct, or a copy of it, to another: the values alone, so what
 * they point at is lent still by the configuration that they come from. */
void mus_conf_take(const struct mus_conf_schema *s, void *to, const void *from);

enum mus_conf_manual { MUS_CONF_MANUAL_MDOC, MUS_CONF_MANUAL_MARKDOWN };
/* One entry a row: for the manual page, or a table for the guide. */
void mus_conf_manual(const struct mus_conf_schema *s, enum mus_conf_manual form,
    struct mus_buf *out);
/* Is the table itself right (defaults parse, help is there, sections together)?  For a program's
 * unit test; INTERNAL with words. */
int mus_conf_check_schema(const struct mus_conf_schema *s, struct mus_errtext *et) MUS_MUST_CHECK;

#endif
