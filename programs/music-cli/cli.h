/*
 * music-cli: a table of commands over the REST interface of musicd.
 *
 * main.c parses words by the tables of grammar.c and calls the command; client.c talks to the
 * daemon; output.c shows what came back, in one of three forms, by tables of columns.  A command
 * returns its exit code (sysexits); what went wrong has been told on stderr by then.
 */
#ifndef MUSIC_CLI_H
#define MUSIC_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/time.h"
#include "wire/json.h"

enum {
	EXIT_USAGE = 64, EXIT_UNFIT = 1, EXIT_INVALID = 2, CLI_ARGS_MAX = 10000, CLI_GIVEN_MAX = 128,
	CLI_POINTER_MAX = 64,
	CLI_ORIGINS_MAX = 2 * CLI_GIVEN_MAX + 32,	/* a list and its items, an object and its members */
	CLI_TYPED_MAX = 320,
	CLI_WORDS_TEXT_MAX = 96,
	CLI_CAME_BACK_MAX = 320,
};

struct cli;

/* --- grammar --- */

enum cli_kind {				/* what a word names: for completion */
	CLI_K_TEXT, CLI_K_SIGNER, CLI_K_GROUP, CLI_K_ZONE, CLI_K_FILE, CLI_K_PROCESS, CLI_K_WORDS,
	CLI_K_OFFERED,			/* words that are offered; the daemon knows more spellings */
	CLI_K_RULE,			/* a rule that may be forced */
};
enum {					/* cli_word.flags */
	CLI_NEEDED = 1,
	CLI_MANY = 2,			/* option: may be repeated; argument: takes all that are left */
};
struct cli_word {			/* an argument or an option */
	const char *name;		/* argument: "ZONE"; option: "group".  NULL ends the list */
	const char *value;		/* option: name of its value; NULL: it has none */
	const char *help;
	enum cli_kind kind;
	unsigned flags;
	const char *const *words;	/* CLI_K_WORDS, CLI_K_OFFERED */
	char letter;			/* option: "-o"; 0: none */
};
struct cli_command {
	const char *noun, *verb;	/* verb NULL: the noun is the command */
	int (*run)(struct cli *c);
	const struct cli_word *args, *options;	/* NULL: none */
	bool is_local;			/* needs no daemon */
	bool is_hidden;
	const char *asks;		/* the question before it is done (cli_confirm); NULL: none */
	const char *help;		/* one line */
	const char *more;		/* a paragraph for the manual; NULL: none */
};
extern const struct cli_command cli_commands[];
extern const unsigned cli_command_count;
extern const struct cli_word cli_globals[];

/* --- settings: options, then environment, then file, then defaults --- */

enum cli_format { CLI_TEXT, CLI_JSON, CLI_CSV };
struct mus_conf;
struct cli_settings {
	const char *file;		/* configuration file in use; NULL: none */
	const char *server, *cacert, *pin, *token_file, *cert, *key;
	const char *server_from, *token_from;	/* where each comes from, for doctor */
	struct mus_conf *conf;		/* owns what came from the file */
	char path[512];
};
/* Prints what is wrong and returns an exit code. */
int cli_settings_load(struct cli *c);

struct cli_client;
struct cli {
	const char *program;
	enum cli_format format;
	bool is_wide;			/* CLI_TEXT: tables with all their columns */
	bool is_terminal, has_color;
	struct cli_settings set;
	struct cli_client *client;	/* NULL until the first call */
	const struct cli_command *command;
	const char **arg;
	unsigned arg_count;
	struct {
		const char *name, *value;
	} given[CLI_GIVEN_MAX];		/* options, in order */
	unsigned given_count;
	struct cli_origin {		/* what a field of the body was made of */
		char pointer[CLI_POINTER_MAX];	/* "/name_servers/1" */
		const char *option;	/* NULL: the first argument */
		const char *value;	/* NULL: the option says enough */
		unsigned arg;		/* option NULL: which argument */
	} origin[CLI_ORIGINS_MAX];
	unsigned origin_count;
	int clock_ahead_ms;		/* daemon's clock against ours, from the last reply with "now" */
};

const char *cli_option(const struct cli *c, const char *name);	/* the last one; NULL: not given */
bool cli_flag(const struct cli *c, const char *name);
/* --limit, or ${def}; EXIT_USAGE when it is no number. */
int cli_limit(struct cli *c, uint64_t def, uint64_t *max);
/* The next option of this name from *pos on; NULL at the end. */
const char *cli_option_next(const struct cli *c, const char *name, unsigned *pos);
int cli_fail(const struct cli *c, int exit_code, const char *fmt, ...) MUS_PRINTF(3, 4);
/* Tells that there is no such command, and the nearest, or else all there are; ${verb} NULL: none was given.
 * EXIT_USAGE. */
int cli_unknown(const struct cli *c, const char *noun, const char *verb);
/* The question of the command: 0 with --yes, or when a terminal says yes; else an exit code, told.  Without a
 * terminal only --yes will do. */
int cli_confirm(struct cli *c) MUS_MUST_CHECK;
/* "read, operate or admin": what a word of CLI_K_WORDS may be. */
const char *cli_words_text(const struct cli_word *w, char out[static CLI_WORDS_TEXT_MAX]);
struct mus_time cli_now(void);

/* --- calls --- */

struct cli_answer {
	long status;			/* HTTP; 0: no answer */
	json_t *json;			/* NULL: none, or not JSON */
	struct mus_buf text;
};
void cli_answer_clear(struct cli_answer *a);
/* Path with its names escaped: "/zones/%s/plan".  Each %s takes one name. */
const char *cli_path(struct mus_buf *out, const char *fmt, ...);
void cli_query(struct mus_buf *path, const char *name, const char *value);	/* adds ?n=v or &n=v */
/* 0 and ${a}, or an exit code; then the reason has been printed.  ${body} NULL: none. */
int cli_call(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    struct cli_answer *a);
int cli_call_typed(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    const char *content_type, struct cli_answer *a);
/* The reason begins with ${about}: "signer bind, zone ex.lab: ". */
int cli_call_about(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    const char *about, struct cli_answer *a);
/* As cli_call, but says nothing: ${et} has the words. */
int cli_try(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    const char *content_type, struct cli_answer *a, struct mus_errtext *et);
/* What to do about a connection or a daemon that does not take us: "; ...", or "". */
const char *cli_advice(const struct cli *c, int err, long status);
/* All pages of a list, at most ${max} items (0: all), as one array. */
int cli_list(struct cli *c, const char *path, size_t max, json_t **out);
enum { CLI_EVENT_ID_MAX = 32 };
typedef int cli_event_fn(void *arg, const char *data, size_t len);
/* Reads an event stream until ${fn} says stop (nonzero) or the server ends it.  ${last_id}: what was
 * seen last, empty: nothing; afterwards where to go on.  *was_open: did the daemon take the request? */
int cli_stream(struct cli *c, const char *path, char last_id[static CLI_EVENT_ID_MAX], bool *was_open,
    cli_event_fn *fn, void *arg, struct mus_errtext *et);
/* The same beside other calls: each step waits for at most ${wait_ms} and gives ${fn} what has come.
 * 0: it goes on; 1: ${fn} said stop; negative: it is over, and why.  ${path} is copied, ${last_id}
 * is lent until the end. */
struct cli_feed;
int cli_feed_open(struct cli *c, const char *path, char last_id[static CLI_EVENT_ID_MAX],
    cli_event_fn *fn, void *arg, struct cli_feed **out, struct mus_errtext *et);
int cli_feed_step(struct cli_feed *f, int wait_ms, struct mus_errtext *et);
bool cli_feed_is_open(const struct cli_feed *f);	/* has the daemon taken the request? */
void cli_feed_close(struct cli_feed *f);		/* NULL is fine */
void cli_client_free(struct cli_client *cl);
int cli_exit_of(const struct cli_answer *a);	/* of an answer that is not 2xx */
/* What the user typed for ${field} of an error: "--update", "--ns ns1.x=1.2.3", "ZONE a..b"; ${field} itself
 * in the format JSON, and when nothing of the command leads there. */
const char *cli_typed(const struct cli *c, const char *field, char out[static CLI_TYPED_MAX]);
/* For doctor: when the server's certificate ends; empty: not known. */
const char *cli_certificate_until(struct cli *c);

/* --- output --- */

enum cli_show {
	CLI_S_TEXT, CLI_S_NUMBER, CLI_S_YESNO,
	CLI_S_KEYED,			/* yes or no, of keys; "none" for a secondary, which has none */
	CLI_S_DECLARED,			/* number; text: of 0 "not declared" */
	CLI_S_TIME,			/* RFC 3339; text: whole seconds, cut */
	CLI_S_UNTIL,			/* the same, rounded up: it is not over before */
	CLI_S_AGO, CLI_S_LEFT,		/* text: span from or to now */
	CLI_S_LIST,			/* array of strings: joined by comma */
	CLI_S_RULE,			/* "RULE: sentence"; text, but for -o wide: the rule alone */
	CLI_S_STATE,			/* coloured by what it says */
	CLI_S_RESULT,
	CLI_S_MEMBERS,			/* array of {name, leaving} */
	CLI_S_SERVERS,			/* array of {name, addresses} */
	CLI_S_COUNT,			/* array: its length */
};
struct cli_column {
	const char *head;		/* NULL ends the table */
	const char *path;		/* member, "a.b" */
	enum cli_show show;
	bool wide;			/* may be broken at words on a narrow terminal */
	bool extra;			/* not in the table, but for -o wide */
	const char *bad;		/* CLI_S_YESNO: the one of "yes" and "no" that is bad; NULL: neither */
};
/* A table of the objects in ${items}, in the format asked for (JSON: {"items": ...}). */
void cli_print_list(struct cli *c, const json_t *items, const struct cli_column *col);
/* The text table alone, whatever the format; of nothing: its head, and on a terminal "(none)". */
void cli_print_table(struct cli *c, const json_t *items, const struct cli_column *col);
/* What stands in a cell, for people; lent until ${out} is used again. */
const char *cli_cell(const struct cli *c, const json_t *o, const struct cli_column *col, struct mus_buf *out);
/* 0: no terminal, nothing is broken or cut.  ${height} (NULL is fine): its lines; 0: not known. */
unsigned cli_terminal_width(const struct cli *c, unsigned *height);
/* How many bytes of ${s} stand in a line of ${width} columns, broken at a word where there is one; *next: where the
 * following line begins, more than 0 unless ${s} is empty. */
size_t cli_break(const char *s, size_t width, size_t *next);
/* ${text}, made safe, behind what stands in ${used} columns of the line already, and the end of the line.  On a
 * terminal it is broken at words where that ends, and goes on ${indent} columns from the left. */
void cli_fold(const struct cli *c, size_t used, size_t indent, const char *text);
/* One object, a line each column. */
void cli_print_object(struct cli *c, const json_t *o, const struct cli_column *col);
void cli_print_json(const json_t *v);
void cli_write_json(struct mus_json *j, const json_t *v);
/* In UTC, as everywhere, in whole seconds, as the sentences of the daemon have them (mus_time_text_s). */
enum { CLI_CLOCK_MAX = 32 };
const char *cli_clock(struct mus_time t, bool is_end, const char *form, char out[static CLI_CLOCK_MAX]);
/* Text from outside without control characters, nor any that turn the direction of writing. */
void cli_print_safe(FILE *f, const char *s);
/* Bytes of such a character at ${s}; 0: another begins there.  It is shown as one column. */
size_t cli_control_at(const char *s);
const char *cli_str(const json_t *o, const char *path);		/* "" when not there */
int64_t cli_num(const json_t *o, const char *path);
bool cli_true(const json_t *o, const char *path);
bool cli_time(const json_t *o, const char *path, struct mus_time *out);
struct mus_time cli_parse_time(const char *text);		/* NEVER: not a time */
/* "12s left", "overdue", or "" when ${path} is null.  ${now}: the daemon's. */
const char *cli_left(const json_t *o, const char *path, struct mus_time now, char out[static 48]);
const char *cli_color(const struct cli *c, const char *word);	/* escape sequence, or "" */
const char *cli_plain(const struct cli *c);

/* --- commands --- */

typedef int cli_run(struct cli *c);
cli_run cmd_signer_add, cmd_signer_update, cmd_signer_delete, cmd_signer_list, cmd_signer_show,
    cmd_signer_join, cmd_signer_leave, cmd_signer_probe;
cli_run cmd_group_add, cmd_group_delete, cmd_group_list, cmd_group_show;
cli_run cmd_zone_add, cmd_zone_update, cmd_zone_delete, cmd_zone_list, cmd_zone_status,
    cmd_zone_show, cmd_zone_join, cmd_zone_leave, cmd_zone_step, cmd_zone_hold, cmd_zone_resume,
    cmd_zone_plan, cmd_zone_preflight, cmd_zone_explain, cmd_zone_history, cmd_zone_watch,
    cmd_zone_migrate, cmd_zone_abort, cmd_zone_roll, cmd_zone_force, cmd_zone_lost, cmd_zone_check;
cli_run cmd_process_list, cmd_process_show, cmd_process_graph;
cli_run cmd_show, cmd_status, cmd_ping, cmd_doctor, cmd_events, cmd_token_new, cmd_completion,
    cmd_complete, cmd_help, cmd_version;

/* Follows a zone (commands watch and migrate). */
struct cli_watch {
	const char *zone;
	bool until_done, plain;
	int64_t timeout_ms, interval_ms;	/* timeout 0: none */
	struct mus_time since;		/* processes that ended before do not count */
};
int cli_watch(struct cli *c, const struct cli_watch *w);

/* Shared by commands. */
/* The text of a finding or wait, which begins with the name of its rule: for where that stands beside it. */
const char *cli_without_rule(const json_t *w);
/* What came back when it was tried, behind its text: "; UPDATE refused: REFUSED".  "": the text says it, or nothing did. */
const char *cli_came_back(const json_t *w, char out[static CLI_CAME_BACK_MAX]);
/* Would ${signer} be fit to join ${zone}?  As cli_call. */
int cli_preflight(struct cli *c, const char *zone, const char *signer, struct cli_answer *a);
void cli_print_waits_short(struct cli *c, const json_t *list, struct mus_time now);
void cli_process_line(const json_t *process, struct mus_time now, char *out, size_t cap);
/* "ZSK-ROLLOVER knot, row 4 of 7: new-key-in-use, for 2h; new key 12345; waits: ..." */
void cli_command_line(const json_t *command, struct mus_time now, char *out, size_t cap);
void cli_rollover_line(const json_t *rollover, struct mus_time now, char *out, size_t cap);
extern const struct cli_column cli_columns_signer[], cli_columns_group[], cli_columns_zone[];

#endif
