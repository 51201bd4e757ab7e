#include "fake_driver.h"

#include <stdlib.h>
#include <string.h>

struct fake_driver fake_driver;

void
fake_driver_answer(unsigned i, enum fake_says says)
{
	static const struct {
		enum mus_drv_outcome outcome;
		uint16_t rcode;
		const char *words;
	} how[] = {
	    [FAKE_OK] = {MUS_DRV_SHOWN, MUS_RCODE_NOERROR, ""},
	    [FAKE_REFUSES] = {MUS_DRV_REFUSED, MUS_RCODE_REFUSED, "UPDATE refused: REFUSED"},
	    [FAKE_TIMES_OUT] = {MUS_DRV_FAILED, 0, "no answer in 5 s"},
	    [FAKE_PARTIAL] = {MUS_DRV_NOT_SHOWN, MUS_RCODE_NOERROR, "accepted and not shown"},
	    [FAKE_STALE] = {MUS_DRV_STALE, MUS_RCODE_NXRRSET, "the zone has changed meanwhile"},
	};
	struct fake_ask *a = &fake_driver.ask[i];
	struct mus_drv_result r = {.messages = 1};

	MUS_ASSERT(!a->answered && says <= FAKE_STALE);
	r.outcome = how[says].outcome;
	r.rcode = how[says].rcode;
	r.silent = says == FAKE_TIMES_OUT;
	r.type = says == FAKE_PARTIAL ? a->rr[0].type : 0;
	mus_errf(&r.words, 0, "%s", how[says].words);
	a->answered = true;
	fake_driver.answers++;
	a->fn(a->arg, &r);
}

static void
on_timer(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < fake_driver.count; i++)
		if (!fake_driver.ask[i].answered && fake_driver.ask[i].says != FAKE_HOLDS)
			fake_driver_answer(i, fake_driver.ask[i].says);
}

static enum fake_says
says_to(const struct mus_drv_target *t, const struct mus_drv_change *change)
{
	for (size_t i = 0; i < change->count; i++)
		if (change->rr[i].type == fake_driver.lacks)
			return FAKE_REFUSES;
	if (fake_driver.silent_port && t->update.port == fake_driver.silent_port)
		return FAKE_TIMES_OUT;
	if (fake_driver.held_port && t->update.port == fake_driver.held_port)
		return FAKE_HOLDS;
	return fake_driver.says;
}

static int
fake_apply(const struct mus_drv_target *t, const struct mus_drv_change *change, mus_drv_fn *fn, void *arg,
    struct mus_drv_job **job)
{
	enum fake_says says = says_to(t, change);
	struct fake_ask *a = &fake_driver.ask[fake_driver.count];

	if (says == FAKE_NO_ROOM)
		return MUS_ERR_FULL;
	MUS_ASSERT(fake_driver.count < FAKE_ASKS_MAX);
	fake_driver.count++;
	*a = (struct fake_ask){.update = t->update, .key = t->key, .count = change->count,
	    .mono_ms = mus_loop_mono_ms(fake_driver.loop), .says = says, .fn = fn, .arg = arg};
	(void)mus_name_text(&t->zone, a->zone);
	for (size_t i = 0; i < change->count; i++) {
		a->rr[i] = change->rr[i];
		a->rr[i].rd.data =
		    mus_arena_copy(&fake_driver.arena, change->rr[i].rd.data, change->rr[i].rd.len);
	}
	*job = (struct mus_drv_job *)a;
	if (says != FAKE_HOLDS)
		mus_timer_start(fake_driver.timer, 0);
	return 0;
}

static void
fake_cancel(struct mus_drv_job *job)
{
	struct fake_ask *a = (struct fake_ask *)job;

	MUS_ASSERT(!a->answered);
	a->answered = true;
	fake_driver.cancels++;
}

void
fake_driver_start(struct mus_loop *l)
{
	memset(&fake_driver, 0, sizeof fake_driver);
	fake_driver.loop = l;
	fake_driver.timer = mus_timer_new(l, on_timer, NULL);
	mus_arena_init(&fake_driver.arena, 16 << 20);
}

void
fake_driver_stop(void)
{
	mus_timer_free(fake_driver.timer);
	mus_arena_clear(&fake_driver.arena);
}

static const struct mus_driver mus_driver_fake = {
    .name = "fake", .needs_update_addr = true, .apply = fake_apply, .cancel = fake_cancel};

#define X(name) &mus_driver_##name,
const struct mus_driver *const mus_drivers[] = {MUS_DRIVERS(X) &mus_driver_fake, NULL};
#undef X
