#include "rig.h"

struct mus_loop *l;
struct mus_store *store;
struct mus_engine *e;
struct mus_zonestate *st;
struct mus_errtext et;
const char *rig_path = ":memory:";
static struct mus_dnsx *dnsx;

struct mus_engine_opts
rig_opts(void)
{
	return (struct mus_engine_opts){.policy = {.margin_s = 1, .fresh_s = 30, .gap_s = 600},
	    .idle_ms = 1000, .poll_ms = 1000, .retry_ms = 20, .copy_ms = 1000, .active_max = 1,
	    .history_keep = 100};
}

void
rig_start(const struct mus_engine_opts *o)
{
	struct mus_engine_opts with = *o;

	et.s[0] = '\0';
	l = mus_loop_new();
	OK(mus_store_open(rig_path, &store, &et));
	dnsx = mus_dnsx_new(l, &(struct mus_dnsx_opts){.udp_timeout_ms = 200, .tcp_timeout_ms = 200});
	with.loop = l;
	with.store = store;
	with.dnsx = dnsx;
	OK(mus_engine_new(&with, &e, &et));
	e->active = e->o.active_max;
	st = mus_zonestate_room(sizeof *st);
	assert_non_null(st);
	mus_zonestate_init(st);
}

void
rig_stop(void)
{
	mus_engine_free(e);
	mus_dnsx_free(dnsx);
	mus_store_close(store);
	mus_loop_free(l);
	mus_zonestate_clear(st);
	free(st);
}

int
rig_teardown(void **state)
{
	(void)state;
	rig_stop();
	return 0;
}

void
rig_answer_copy(struct fake_q *q)
{
	static const uint8_t soa[] = {0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 60, 0, 22, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0,
		1, 0, 0, 0, 1, 0, 0, 0, 1},
	    a[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 0, 2, 1};
	uint8_t wire[512];
	size_t len = 12 + sizeof "\1z\4test" + 4;	/* without EDNS */

	memcpy(wire, q->wire, len);
	wire[2] = 0x84;			/* QR, AA */
	wire[7] = 3;
	wire[11] = 0;
	memcpy(wire + len, soa, sizeof soa);
	memcpy(wire + len + sizeof soa, a, sizeof a);
	memcpy(wire + len + sizeof soa + sizeof a, soa, sizeof soa);
	fake_send(q, wire, len + 2 * sizeof soa + sizeof a);
}

static void
stop(void *arg)
{
	(void)arg;
	mus_loop_stop(l);
}

void
rig_turn_by_turn(void)
{
	OK(mus_loop_at_turn_end(l, stop, NULL));
}
