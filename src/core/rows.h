/*
 * The processes as tables (protocol.md 7.1, 7.2): states with named conditions and actions.  The
 * same rows drive the engine, the manual, the graph of music-cli and the tests.
 */
#ifndef MUS_CORE_ROWS_H
#define MUS_CORE_ROWS_H

#include "model/plan.h"

enum { MUS_ROW_RULES_MAX = 6 };

struct mus_row {
	const char *name;		/* state reached: "dnskeys-synced" */
	const char *action;		/* what is done on the way in; NULL: nothing, a waiting row */
	enum mus_rule pre[MUS_ROW_RULES_MAX];	/* must hold before the action; ends with NONE */
	enum mus_rule post[MUS_ROW_RULES_MAX];	/* must hold before the next row is looked at; so does this */
	enum mus_rule guard;		/* guard of section 4.4 that this step stands under; NONE */
};

/* Rows of a process; *count 0 for NONE. */
const struct mus_row *mus_rows(enum mus_proc_kind kind, unsigned *count);
/* Has the table this row?  What was stored by a program with other tables may name one that there is not. */
bool mus_has_row(enum mus_proc_kind kind, unsigned row);
/* Is row ${row} the one of this name, or behind it? */
bool mus_row_reached(enum mus_proc_kind kind, unsigned row, const char *name);
/* "dnskeys-synced"; "" when the table has no such row. */
const char *mus_row_name(enum mus_proc_kind kind, unsigned row);

#endif
