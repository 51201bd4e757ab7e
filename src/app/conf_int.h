/*
 * Shared between the files of conf: the tree of a YAML file, single values, the loaded object.
 */
#ifndef MUS_APP_CONF_INT_H
#define MUS_APP_CONF_INT_H

#include "app/conf.h"
#include "base/arena.h"

enum mus__conf_kind { MUS__CONF_SCALAR, MUS__CONF_LIST, MUS__CONF_MAP };
struct mus__conf_node {
	enum mus__conf_kind kind;
	unsigned line, col;			/* from 1 */
	const char *text;			/* SCALAR */
	bool quoted;
	const struct mus__conf_node *key;	/* in a MAP: the key of this value */
	struct mus__conf_node *child, *next;	/* LIST, MAP: in the order of the file */
};
/* The one document in ${text}; *root NULL: nothing in it.  Lives in ${a}.  SYNTAX, NOMEM. */
int mus__conf_tree(const char *name, const void *text, size_t len, struct mus_arena *a,
    struct mus__conf_node **root, struct mus_errtext *et) MUS_MUST_CHECK;

/* Where a field was set. */
struct mus__conf_mark {
	const void *field;
	unsigned line, col;
	const char *path;
};
struct mus__conf_secret_ref {
	struct mus_conf_secret *secret;
	struct mus__conf_secret_ref *next;
};
struct mus_conf {
	const struct mus_conf_schema *schema;
	const char *name, *dir;
	struct mus_arena arena;
	void *value;				/* the program's struct */
	struct mus__conf_mark *marks;		/* malloc */
	size_t mark_count, mark_cap;
	struct mus__conf_secret_ref *secrets;	/* to be wiped */
};
const struct mus__conf_mark *mus__conf_mark_of(const struct mus_conf *c, const void *field);

/* Any list, as seen without its element type. */
struct mus__conf_any_list {
	void *items;
	size_t count;
};

/* The scalar type of a list's elements (a scalar type: itself), and its size. */
enum mus_conf_type mus__conf_elem_type(enum mus_conf_type t);
size_t mus__conf_elem_size(enum mus_conf_type t);
bool mus__conf_is_list(enum mus_conf_type t);		/* of scalars */
/* Reads ${text} as the (element) type of ${row}; words of the error without a position.
 * ${dir} NULL: files are not looked at (schema check). */
int mus__conf_value_set(const struct mus_conf_row *row, const char *text, const char *dir,
    struct mus_arena *a, void *elem, struct mus_errtext *et) MUS_MUST_CHECK;
/* Adds the value as it would be read again, without YAML quotes; nothing when it is unset. */
void mus__conf_value_text(const struct mus_conf_row *row, const void *elem, struct mus_buf *out);
/* The bound ${v} of ${row} in its unit, or a count. */
void mus__conf_bound_text(const struct mus_conf_row *row, int64_t v, struct mus_buf *out);
/* "one of a, b, c" and the like, for errors and the manual; lends a static or ${buf}. */
bool mus__conf_in_bounds(const struct mus_conf_row *row, int64_t v);
void mus__conf_bounds_text(const struct mus_conf_row *row, struct mus_buf *out);
/* Sets a field to its default (${row}->def may be NULL: stays zero). */
int mus__conf_default_set(const struct mus_conf_row *row, const char *dir, struct mus_arena *a,
    void *field, struct mus_errtext *et) MUS_MUST_CHECK;

#endif
