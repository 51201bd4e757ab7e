/*
 * The engine: looks at many zones, decides with the core, stores, acts, looks again.
 *
 * One turn of one zone: load what is known, ask every public server of every signer and of the
 * parent, verify signatures, take the answers in, settle, plan, store the new state, and only after
 * the commit send what the plan says.  Idle zones are not in memory but for a line in the schedule.
 * From the loop only.
 */
#ifndef MUS_ENGINE_ENGINE_H
#define MUS_ENGINE_ENGINE_H

#include "core/plan.h"
#include "engine/control.h"
#include "io/dnsx.h"
#include "io/lookup.h"

/* For the log of the program: one line per thing worth saying. level as in syslog(3). */
typedef void mus_engine_log_fn(void *arg, int level, const char *zone, const char *text);

struct mus_engine_opts {
	struct mus_loop *loop;		/* all borrowed for the life of the engine */
	struct mus_store *store;
	struct mus_dnsx *dnsx;
	struct mus_lookup *lookup;
	struct mus_policy policy;	/* manual, held, step, forced are per zone and ignored here */
	uint32_t parent_patience_s;	/* a parent that has not followed by then is to be told by hand; 0: never */
	int64_t idle_ms;		/* an idle zone is looked at this often */
	int64_t poll_ms;		/* a zone that waits for others: this often */
	int64_t recheck_ms;		/* what was seen longer ago is asked again before anything is done */
	int64_t retry_ms;		/* an action that is not seen is sent again after this; doubles */
	int64_t copy_ms;		/* a whole copy is read again after a change, not more often */
	uint64_t transfer_max_bytes;	/* of a whole copy; 0: no bound */
	int64_t transfer_max_ms;	/* for a whole copy; 0: no bound */
	uint64_t transfer_min_rate;	/* bytes a second, over a minute; 0: none */
	unsigned active_max;		/* zones in a turn at once */
	bool parent_insecure_ok;	/* believe DS answers of a parent that is not signed or validated */
	bool addresses_unchecked;	/* what addresses are given is believed: what DNS has is not looked up */
	uint16_t dns_port;		/* of public servers; 53 */
	unsigned history_keep;		/* events kept per zone */
	mus_engine_log_fn *log;		/* NULL: nobody is told */
	void *log_arg;
};

int mus_engine_new(const struct mus_engine_opts *o, struct mus_engine **out, struct mus_errtext *et) MUS_MUST_CHECK;
/* Cancels all that it has asked and sent; nothing is sent any more.  What was stored stays.  Look-ups cannot be
 * cancelled: the resolver, which calls back no more, ends first; store, exchange and loop end later. */
void mus_engine_free(struct mus_engine *e);
/* A NOTIFY or another hint: look at this zone soon.  false: not ours. */
bool mus_engine_hint(struct mus_engine *e, const char *zone);

#endif
