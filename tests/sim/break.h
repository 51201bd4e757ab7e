/*
 * What is taken out of the core, by names: "guard" and "waits" as a whole; one clause of the guard by its name
 * (core/cut.h); one condition of a row as PROCESS.ROW.pre.RULE or PROCESS.ROW.post.RULE ("ADD.5.pre.DS-Wait").
 */
#ifndef MUS_TESTS_SIM_BREAK_H
#define MUS_TESTS_SIM_BREAK_H

#include "core/cut.h"
#include "core/rows.h"

/* Several, with commas between.  false: no such part; ${what} is then where the name begins. */
bool break_parse(const char *names, struct mus_cut *cut, const char **what);
/* Name of a condition of a row. */
void break_name(enum mus_proc_kind kind, unsigned row, bool is_post, unsigned rule, char *out, size_t size);

#endif
