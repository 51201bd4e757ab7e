/*
 * The wall clock is compared with the one that nobody sets, and what waits count from follows it; also when it was set
 * while nobody ran, for both are noted in the database.
 */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

enum { CLOCK_MOVED_MS = 1000, CLOCK_SLEWS = 1000 };	/* less, and a thousandth of the time, is drift */
enum { NOTE_EVERY_MS = 1000 };		/* in transactions that are made anyway */

bool
eng_note_clocks(struct mus_engine *e, int64_t shift_ms)
{
	struct mus_clocks now = {.wall = {e->wall_ms + e->boot_ms}, .boot_ms = e->boot_ms};
	struct mus_errtext et;

	if (eng_begin(e) < 0)
		return false;
	snprintf(now.boot_id, sizeof now.boot_id, "%s", mus_loop_boot_id(e->o.loop));
	if (mus_store_note_clocks(e->o.store, shift_ms, &now, &et) < 0) {
		eng_store_failed(e, "", &et);
		return false;
	}
	e->noted_ms = e->boot_ms;
	return true;
}

bool
eng_note_is_old(const struct mus_engine *e)
{
	return e->notes_clocks && e->boot_ms - e->noted_ms >= NOTE_EVERY_MS;
}

/* What is stored of the zones, as mus_zonestate_shift: of each when it is read next (kept.c).  false: it could not
 * be noted, and nothing is sent in this turn of the loop. */
static bool
shift_zones(struct mus_engine *e, int64_t ms)
{
	size_t pos = 0;
	void *v;

	if (!eng_note_clocks(e, ms))
		return false;
	eng_forget_kept(e);		/* it is behind */
	e->shifting_ms += ms;
	/* What a turn under way was answered is noted as of when it asked. */
	while (mus_map_next(e->zone_by_id, &pos, NULL, NULL, &v)) {
		struct eng_turn *t = ((struct eng_zone *)v)->turn;

		if (t)
			t->at = mus_time_add_ms(t->at, ms);
	}
	return true;
}

void
eng_shifted(struct mus_engine *e, bool kept)
{
	if (!kept)
		e->wall_ms -= e->shifting_ms;	/* not followed yet: once more */
	e->shifting_ms = 0;
}

/* The clock was set back: what was due in a minute still is.  Set forward, all is due; but waits are for
 * time that has passed, as the clock that nobody sets tells: before anything is decided by the new time,
 * all that waits count from is moved along.  A slow correction is none of this. */
void
eng_follow_clock(struct mus_engine *e)
{
	int64_t boot_ms = mus_loop_boot_ms(e->o.loop), wall_ms = eng_now(e).ms - boot_ms;
	int64_t moved_ms = wall_ms - e->wall_ms;
	int64_t drift_ms = CLOCK_MOVED_MS + (boot_ms - e->boot_ms) / CLOCK_SLEWS;

	if (e->tx_failed)
		return;			/* in the next turn of the loop */
	e->wall_ms = wall_ms;
	e->boot_ms = boot_ms;
	if (moved_ms > -drift_ms && moved_ms < drift_ms)
		return;
	eng_say(e, LOG_WARNING, "", "the clock was set by %.1f s%s", (double)moved_ms / 1000,
	    moved_ms > 0 ? ": waits last as long as they would have" : "");
	for (uint32_t i = 0; moved_ms < 0 && i < e->heap_count; i++)
		e->heap[i]->due_ms += moved_ms;
	if (moved_ms > 0 && !shift_zones(e, moved_ms))
		e->wall_ms -= moved_ms;
}

/* Where the clocks were when they were noted last, for the first look at them: what was set since, while nobody ran
 * too, is the difference of what has passed on both, however old the note is.  What has passed over another boot, or on
 * another kernel, which may have been booted later, nobody can tell. */
int
eng_recall_clocks(struct mus_engine *e, struct mus_errtext *et)
{
	const char *boot_id = mus_loop_boot_id(e->o.loop);
	int64_t boot_ms = mus_loop_boot_ms(e->o.loop), back_ms;
	struct mus_clocks then;

	if (mus_store_load_clocks(e->o.store, &then, et) < 0)
		return MUS_ERR_STORE;
	if (!boot_id[0])
		eng_say(e, LOG_WARNING, "", "/proc/sys/kernel/random/boot_id cannot be read: that the clock is "
		    "set while musicd is stopped is not noticed");
	if (boot_id[0] && strcmp(then.boot_id, boot_id) == 0 && then.boot_ms <= boot_ms) {
		e->boot_ms = then.boot_ms;
		e->wall_ms = then.wall.ms - then.boot_ms;
		return 0;
	}
	e->boot_ms = boot_ms;
	e->wall_ms = eng_now(e).ms - boot_ms;
	back_ms = then.wall.ms - eng_now(e).ms;
	if (back_ms > 0)
		eng_say(e, LOG_WARNING, "", "the clock is %.1f s behind what it was before the restart of the machine: "
		    "it was set, and waits last longer", (double)back_ms / 1000);
	return 0;
}
