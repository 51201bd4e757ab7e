#include "engine/outbox.h"

#include <stddef.h>

#include "base/time.h"

void
mus_outbox_init(struct mus_outbox *o, int64_t pause_min_ms, int64_t pause_max_ms)
{
	*o = (struct mus_outbox){.pause_min_ms = pause_min_ms, .pause_max_ms = pause_max_ms,
	    .waiting_max = MUS_OUTBOX_MAX};
	TAILQ_INIT(&o->waiting);
	TAILQ_INIT(&o->sent);
}

bool
mus_outbox_has_room(const struct mus_outbox *o)
{
	return o->waiting_count < o->waiting_max;
}

void
mus_outbox_put(struct mus_outbox *o, struct mus_outbox_item *it)
{
	struct mus_outbox_item *after = TAILQ_FIRST(&o->waiting), *last = TAILQ_LAST(&o->waiting, mus_outbox_items);

	if (it->place == 0)
		it->place = ++o->places;
	/* Who comes is last; who comes back has an old place, near the head. */
	if (!last || last->place < it->place)
		after = NULL;
	while (after && after->place < it->place)
		after = TAILQ_NEXT(after, link);
	if (after)
		TAILQ_INSERT_BEFORE(after, it, link);
	else
		TAILQ_INSERT_TAIL(&o->waiting, it, link);
	o->waiting_count++;
}

void
mus_outbox_withdraw(struct mus_outbox *o, struct mus_outbox_item *it)
{
	TAILQ_REMOVE(&o->waiting, it, link);
	o->waiting_count--;
}

/* Evenly spread: what was not used is lost, but for what a clock of milliseconds cannot tell apart. */
static void
earn(struct mus_outbox *o, int64_t now_ms)
{
	int64_t most = o->rate > 50 ? (int64_t)o->rate * 20 : 1000;
	int64_t gone = now_ms - o->credit_ms;

	if (o->credit_ms == 0 || gone > 60000)
		gone = 60000;
	if (gone > 0)
		o->credit += gone * o->rate;
	if (o->credit > most)
		o->credit = most;
	o->credit_ms = now_ms;
}

static bool
is_under_way(const struct mus_outbox *o, int64_t zone_id)
{
	const struct mus_outbox_item *it;

	TAILQ_FOREACH(it, &o->sent, link)
		if (it->zone_id == zone_id)
			return true;
	return false;
}

/* What would go, if it were only for time; NULL: nothing. */
static struct mus_outbox_item *
first(const struct mus_outbox *o)
{
	struct mus_outbox_item *it;

	if (o->sent_count >= (o->silent ? 1 : MUS_OUTBOX_WINDOW))
		return NULL;
	TAILQ_FOREACH(it, &o->waiting, link)
		if (!is_under_way(o, it->zone_id))
			return it;
	return NULL;
}

int64_t
mus_outbox_due_ms(struct mus_outbox *o, int64_t now_ms)
{
	int64_t due = 0;

	if (!first(o))
		return -1;
	if (o->silent && o->until_ms > now_ms)
		due = o->until_ms - now_ms;
	if (o->rate) {
		earn(o, now_ms);
		if (o->credit + due * o->rate < 1000)
			due = (1000 - o->credit + o->rate - 1) / o->rate;
	}
	return due;
}

struct mus_outbox_item *
mus_outbox_next(struct mus_outbox *o, int64_t now_ms)
{
	return mus_outbox_due_ms(o, now_ms) == 0 ? first(o) : NULL;
}

void
mus_outbox_charge(struct mus_outbox *o, unsigned messages, int64_t now_ms)
{
	if (o->rate == 0)
		return;
	earn(o, now_ms);
	o->credit -= (int64_t)messages * 1000;
}

void
mus_outbox_sent(struct mus_outbox *o, struct mus_outbox_item *it, int64_t now_ms)
{
	mus_outbox_withdraw(o, it);
	mus_outbox_charge(o, 1, now_ms);
	it->sent_ms = now_ms;
	TAILQ_INSERT_TAIL(&o->sent, it, link);
	o->sent_count++;
}

void
mus_outbox_try_again(struct mus_outbox *o)
{
	o->silent = 0;
	o->silent_ms = o->until_ms = 0;
}

/* What was sent before the pause began says nothing new. */
static void
pause(struct mus_outbox *o, int64_t sent_ms, int64_t now_ms)
{
	if (o->silent && sent_ms <= o->silent_ms)
		return;
	o->until_ms = now_ms + mus_span_doubled_ms(o->pause_min_ms, o->silent, o->pause_max_ms);
	o->silent++;
	o->silent_ms = now_ms;
}

void
mus_outbox_done(struct mus_outbox *o, struct mus_outbox_item *it, enum mus_outbox_end how, int64_t now_ms)
{
	TAILQ_REMOVE(&o->sent, it, link);
	o->sent_count--;
	if (how == MUS_OUTBOX_ANSWERED)
		mus_outbox_try_again(o);
	else if (how == MUS_OUTBOX_SILENT)
		pause(o, it->sent_ms, now_ms);
}
