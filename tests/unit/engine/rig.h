/*
 * An engine with a real store in memory and an exchange of its own, in which turns do not run: it thinks
 * that it is busy.  What was seen of a zone the test makes by hand, in ${st}.
 */
#ifndef TEST_ENGINE_RIG_H
#define TEST_ENGINE_RIG_H

#include <stdio.h>
#include <stdlib.h>

#include "../io/fake.h"
#include "engine/int.h"

extern struct mus_loop *l;
extern struct mus_store *store;
extern struct mus_engine *e;
extern struct mus_zonestate *st;
extern struct mus_errtext et;
extern const char *rig_path;		/* of the store; in memory */

#define OK(call) do { if ((call) < 0) fail_msg("%s", et.s); } while (0)

/* What an engine is given; loop, store and exchange are filled in by rig_start. */
struct mus_engine_opts rig_opts(void);
void rig_start(const struct mus_engine_opts *o);
/* In the order of musicd: whoever asks ends before what it asks with. */
void rig_stop(void);
int rig_teardown(void **state);		/* the same, as cmocka calls it */
/* Answers ${q}, which asks for the transfer of z.test: its SOA (serial 9), an address of an hour, its SOA. */
void rig_answer_copy(struct fake_q *q);
/* From now on mus_loop_run runs one turn of the loop. */
void rig_turn_by_turn(void);

#endif
