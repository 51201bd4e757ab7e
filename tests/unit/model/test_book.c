#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "model/book.h"

static struct mus_zonestate *
dirty_state(void)
{
	struct mus_zonestate *z = malloc(sizeof *z);

	assert_non_null(z);
	memset(z, 0xa5, sizeof *z);		/* scratch that held another zone */
	mus_zonestate_init(z);
	return z;
}

static void
init_is_never_seen(void **state)
{
	struct mus_zonestate *z = dirty_state();

	(void)state;
	assert_int_equal(z->zone.signer_count + z->zone.ns_count + z->zone.server_count +
	    z->zone.key_count + z->zone.alg_count, 0);
	assert_string_equal(z->book.zone, "");
	assert_string_equal(z->book.parent, "");
	for (unsigned i = 0; i < MUS_KEYS_MAX; i++) {
		assert_null(z->book.key[i].rdata);
		assert_int_equal(z->zone.key[i].owner, MUS_OWNER_UNKNOWN);
		assert_true(z->zone.key[i].gone_at.ms == MUS_TIME_NEVER.ms);
	}
	for (unsigned i = 0; i < MUS_NSNAMES_MAX; i++) {
		assert_string_equal(z->book.ns[i], "");
		assert_int_equal(z->zone.ns[i].owner, MUS_OWNER_UNKNOWN);
	}
	for (unsigned i = 0; i < MUS_SERVERS_MAX; i++) {
		assert_int_equal(z->book.addr[i].family, 0);
		assert_true(z->seen.server[i].cut.ms == MUS_TIME_ALWAYS.ms);
		assert_true(z->seen.server[i].led_until.ms == MUS_TIME_NEVER.ms);
		assert_int_equal(z->seen.server[i].udp, MUS_UNKNOWN);
	}
	for (unsigned o = 0; o < MUS_ORIGINS; o++) {
		unsigned first = o == MUS_PARENT ? MUS_RR_DS : 0;
		unsigned last = o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT;

		for (unsigned k = first; k < last; k++) {
			const struct mus_ring *r = mus_seen_ring_const(&z->seen, o, (enum mus_rr_kind)k);

			assert_int_equal(r->count, 0);
			assert_int_equal(r->overflow, 0);
			assert_int_equal(r->fail_cause, MUS_CAUSE_NONE);
			assert_true(r->ok == 0 && r->fail == 0 && r->ttl_max_s == 0);
			assert_true(r->since.ms == MUS_TIME_NEVER.ms);
			assert_true(r->fail_since.ms == MUS_TIME_NEVER.ms);
			assert_true(r->asked_at.ms == MUS_TIME_ALWAYS.ms);
		}
	}
	for (unsigned i = 0; i < MUS_SIGNERS_MAX; i++) {
		assert_int_equal(z->book.signer_id[i], 0);
		assert_string_equal(z->book.signer[i], "");
		assert_false(z->seen.copy[i].known);
	}
	assert_int_equal(z->seen.pending_count, 0);
	assert_false(z->want.adopted);
	assert_int_equal(z->want.proc.kind, MUS_PROC_NONE);
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		assert_true(z->want.proc.clock[i].from.ms == MUS_TIME_NEVER.ms);
	free(z);
}

static void
clear_frees_and_can_be_repeated(void **state)
{
	struct mus_zonestate *z = dirty_state();

	(void)state;
	z->zone.key_count = 3;
	z->book.key[0] = (struct mus_book_key){malloc(4), 4};
	z->book.key[2] = (struct mus_book_key){malloc(8), 8};
	z->book.key[63] = (struct mus_book_key){malloc(1), 1};	/* beyond the count: freed too */
	z->seen.signer[3][MUS_RR_NS].count = 7;
	mus_zonestate_clear(z);
	assert_int_equal(z->zone.key_count, 0);
	assert_null(z->book.key[2].rdata);
	assert_int_equal(z->seen.signer[3][MUS_RR_NS].count, 0);
	mus_zonestate_clear(z);
	free(z);
}

static void
find(void **state)
{
	static uint8_t a[] = {1, 2, 3}, b[] = {1, 2, 4};
	struct mus_zonestate *z = dirty_state();
	struct mus_addr addr, none = {0};

	(void)state;
	z->zone.key_count = 3;
	z->zone.key[0].id = 7;
	z->zone.key[2].id = 7;			/* digests may collide, rdata decides */
	z->book.key[0] = (struct mus_book_key){a, 3};
	z->book.key[2] = (struct mus_book_key){b, 3};
	assert_int_equal(mus_book_find_key(&z->book, &z->zone, 7, a, 3), 0);
	assert_int_equal(mus_book_find_key(&z->book, &z->zone, 7, b, 3), 2);
	assert_int_equal(mus_book_find_key(&z->book, &z->zone, 7, b, 2), -1);
	assert_int_equal(mus_book_find_key(&z->book, &z->zone, 8, a, 3), -1);
	assert_int_equal(mus_book_find_key(&z->book, &z->zone, 0, a, 3), -1);	/* index 1 is free */

	z->zone.ns_count = 3;
	strcpy(z->book.ns[0], "ns1.a.");
	strcpy(z->book.ns[2], "ns1.b.");
	strcpy(z->book.ns[3], "ns1.c.");
	assert_int_equal(mus_book_find_ns(&z->book, &z->zone, "ns1.b."), 2);
	assert_int_equal(mus_book_find_ns(&z->book, &z->zone, "ns1.c."), -1);	/* beyond the count */
	assert_int_equal(mus_book_find_ns(&z->book, &z->zone, ""), -1);

	z->zone.signer_count = 2;
	z->book.signer_id[1] = 42;
	z->book.signer_id[2] = 43;
	assert_int_equal(mus_book_find_signer(&z->book, &z->zone, 42), 1);
	assert_int_equal(mus_book_find_signer(&z->book, &z->zone, 43), -1);
	assert_int_equal(mus_book_find_signer(&z->book, &z->zone, 0), -1);

	assert_true(mus_addr_parse("192.0.2.1", 53, &addr));
	z->zone.server_count = 2;
	z->zone.server[0] = (struct mus_server){.origin = 0};
	z->zone.server[1] = (struct mus_server){.origin = MUS_PARENT};
	z->book.addr[0] = z->book.addr[1] = addr;
	assert_int_equal(mus_book_find_server(&z->book, &z->zone, 0, &addr), 0);
	assert_int_equal(mus_book_find_server(&z->book, &z->zone, MUS_PARENT, &addr), 1);
	assert_int_equal(mus_book_find_server(&z->book, &z->zone, 1, &addr), -1);
	addr.port = 5353;
	assert_int_equal(mus_book_find_server(&z->book, &z->zone, 0, &addr), -1);
	assert_int_equal(mus_book_find_server(&z->book, &z->zone, 0, &none), -1);
	free(z);
}

/* What waits count from moves with the clock; when was asked last, and what is no instant, do not. */
static void
shift_moves_what_waits_count_from(void **state)
{
	enum { AT = 5000, BY = 700 };
	struct mus_zonestate *z = dirty_state();
	const struct mus_time at = {AT};

	(void)state;
	for (unsigned o = 0; o < MUS_ORIGINS; o++)
		for (unsigned k = o == MUS_PARENT ? MUS_RR_DS : 0;
		     k < (o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT); k++) {
			struct mus_ring *r = mus_seen_ring(&z->seen, o, (enum mus_rr_kind)k);

			r->count = 2;
			r->v[0] = r->v[1] = (struct mus_version){.first = at, .last = at};
			r->v[1].last = MUS_TIME_ALWAYS;
			r->asked_at = r->since = r->overflow_until = r->fail_since = at;
		}
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		z->seen.copy[s].at = at;
	for (unsigned i = 1; i < MUS_SERVERS_MAX; i++)
		z->seen.server[i].led_until = z->seen.server[i].cut = at;
	z->seen.pending_count = MUS_PENDING_MAX;
	for (unsigned i = 0; i < MUS_PENDING_MAX; i++)
		z->seen.pending[i].sent_at = at;
	for (unsigned k = 1; k < MUS_KEYS_MAX; k++)
		z->zone.key[k].gone_at = at;
	for (unsigned i = 1; i < MUS_CLOCK_COUNT; i++)
		z->want.proc.clock[i].from = at;
	mus_zonestate_shift(z, BY);
	for (unsigned o = 0; o < MUS_ORIGINS; o++)
		for (unsigned k = o == MUS_PARENT ? MUS_RR_DS : 0;
		     k < (o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT); k++) {
			const struct mus_ring *r = mus_seen_ring_const(&z->seen, o, (enum mus_rr_kind)k);

			for (unsigned v = 0; v < 2; v++)
				assert_int_equal(r->v[v].first.ms, AT + BY);
			assert_int_equal(r->v[0].last.ms, AT + BY);
			assert_true(r->v[1].last.ms == MUS_TIME_ALWAYS.ms);
			assert_int_equal(r->since.ms, AT + BY);
			assert_int_equal(r->overflow_until.ms, AT + BY);
			assert_int_equal(r->asked_at.ms, AT);
			assert_int_equal(r->fail_since.ms, AT);
		}
	for (unsigned s = 0; s < MUS_SIGNERS_MAX; s++)
		assert_int_equal(z->seen.copy[s].at.ms, AT + BY);
	for (unsigned i = 1; i < MUS_SERVERS_MAX; i++) {
		assert_int_equal(z->seen.server[i].led_until.ms, AT + BY);
		assert_int_equal(z->seen.server[i].cut.ms, AT + BY);
	}
	assert_true(z->seen.server[0].led_until.ms == MUS_TIME_NEVER.ms);
	assert_true(z->seen.server[0].cut.ms == MUS_TIME_ALWAYS.ms);
	for (unsigned i = 0; i < MUS_PENDING_MAX; i++)
		assert_int_equal(z->seen.pending[i].sent_at.ms, AT + BY);
	for (unsigned k = 1; k < MUS_KEYS_MAX; k++)
		assert_int_equal(z->zone.key[k].gone_at.ms, AT + BY);
	assert_true(z->zone.key[0].gone_at.ms == MUS_TIME_NEVER.ms);
	for (unsigned i = 1; i < MUS_CLOCK_COUNT; i++)
		assert_int_equal(z->want.proc.clock[i].from.ms, AT + BY);
	assert_true(z->want.proc.clock[0].from.ms == MUS_TIME_NEVER.ms);
	mus_zonestate_clear(z);
	free(z);
}

/* Nothing that the copy says of the past counts on; what it says of what is wanted does. */
static void
break_forgets_the_past(void **state)
{
	enum { AT = 1000000, FOUND = 9000000 };
	struct mus_zonestate *z = malloc(sizeof *z);
	const struct mus_time at = {AT}, found = {FOUND};

	(void)state;
	mus_zonestate_init(z);
	for (unsigned o = 0; o < MUS_ORIGINS; o++)
		for (unsigned k = o == MUS_PARENT ? MUS_RR_DS : 0;
		     k < (o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT); k++) {
			struct mus_ring *r = mus_seen_ring(&z->seen, o, (enum mus_rr_kind)k);

			r->count = 3;
			r->v[0] = r->v[1] = r->v[2] = (struct mus_version){.first = at, .last = at};
			r->v[1].last = MUS_TIME_ALWAYS;
			r->v[2].last = mus_time_add_ms(found, 5);
			r->asked_at = r->since = r->fail_since = at;
			r->ok = r->fail = 3;
			r->ttl_max_s = 77;
		}
	z->seen.server[0].cut = MUS_TIME_NEVER;
	for (unsigned i = 2; i < MUS_SERVERS_MAX; i++)
		z->seen.server[i].cut = at;
	z->seen.pending_count = 2;
	z->seen.pending[0].sent_at = z->seen.pending[1].sent_at = at;
	z->zone.key[1].gone_at = at;
	z->want = (struct mus_want){.adopted = true, .keyg = 1, .dsg = 2, .nsg = 4, .csync = true, .csync_serial = 9,
	    .proc = {.kind = MUS_PROC_REMOVE, .signer = 3, .row = 5, .started_at = at, .row_at = at}};
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		z->want.proc.clock[i] = (struct mus_clock){at, 60};
	mus_zonestate_break(z, found);
	for (unsigned o = 0; o < MUS_ORIGINS; o++)
		for (unsigned k = o == MUS_PARENT ? MUS_RR_DS : 0;
		     k < (o == MUS_PARENT ? MUS_RR_COUNT : MUS_RR_SIGNER_COUNT); k++) {
			const struct mus_ring *r = mus_seen_ring_const(&z->seen, o, (enum mus_rr_kind)k);

			assert_int_equal(r->v[0].last.ms, FOUND);
			assert_true(r->v[1].last.ms == MUS_TIME_ALWAYS.ms);
			assert_int_equal(r->v[2].last.ms, FOUND + 5);
			assert_int_equal(r->v[0].first.ms, AT);
			assert_true(r->since.ms == MUS_TIME_NEVER.ms && r->fail_since.ms == MUS_TIME_NEVER.ms);
			assert_false(mus_time_is_set(r->asked_at));
			assert_true(r->ok == 0 && r->fail == 0);
			assert_int_equal(r->ttl_max_s, 77);
		}
	assert_true(z->seen.server[0].cut.ms == MUS_TIME_NEVER.ms);
	assert_true(z->seen.server[1].cut.ms == MUS_TIME_ALWAYS.ms);
	for (unsigned i = 2; i < MUS_SERVERS_MAX; i++)
		assert_int_equal(z->seen.server[i].cut.ms, FOUND);
	assert_int_equal(z->seen.pending[0].sent_at.ms, FOUND);
	assert_int_equal(z->seen.pending[1].sent_at.ms, FOUND);
	assert_true(z->zone.key[0].gone_at.ms == MUS_TIME_NEVER.ms);
	assert_int_equal(z->zone.key[1].gone_at.ms, FOUND);
	assert_true(z->want.keyg == 1 && z->want.dsg == 2 && z->want.nsg == 4 && z->want.met == 15);
	assert_false(z->want.csync);
	assert_int_equal(z->want.csync_serial, 9);
	assert_true(z->want.proc.kind == MUS_PROC_REMOVE && z->want.proc.signer == 3 && z->want.proc.row == 0);
	assert_int_equal(z->want.proc.started_at.ms, FOUND);
	assert_int_equal(z->want.proc.row_at.ms, FOUND);
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++) {
		assert_true(z->want.proc.clock[i].from.ms == MUS_TIME_NEVER.ms);
		assert_int_equal(z->want.proc.clock[i].ttl_s, 60);
	}
	/* Without a process CSYNC is as wanted, and nobody new has taken part. */
	z->want = (struct mus_want){.adopted = true, .keyg = 1, .csync = true};
	mus_zonestate_break(z, found);
	assert_true(z->want.csync && z->want.met == 1 && z->want.proc.kind == MUS_PROC_NONE);
	mus_zonestate_clear(z);
	free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(init_is_never_seen),
	    cmocka_unit_test(break_forgets_the_past),
		cmocka_unit_test(shift_moves_what_waits_count_from),
	    cmocka_unit_test(clear_frees_and_can_be_repeated),
	    cmocka_unit_test(find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
