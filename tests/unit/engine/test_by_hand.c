/*
 * What somebody is told to change at a signer without a driver is, record by record, what driver ddns would send
 * it for the same plan; and nothing as long as something else comes first.
 */
#include "rig.h"

enum { KEYS = 48 };			/* with those of CDS and CDNSKEY more than one change holds */

static struct mus_signer_obj sig;
static struct mus_zone_obj zobj;
static struct eng_zone *z;
static struct fake *server;
static struct mus_plan plan;
static struct mus_buf out, sent;	/* what is told; what was sent, told alike */
static unsigned updates, records;

/* Of a deletion no TTL is sent. */
static void
note_sent(const struct mus_rr *rr, struct mus_arena *a)
{
	char type[MUS_TYPE_TEXT_MAX];

	assert_true(rr->rclass == MUS_CLASS_IN || rr->rclass == MUS_CLASS_NONE);
	mus_buf_printf(&sent, "%s z.test. %u IN %s %s\n", rr->rclass == MUS_CLASS_IN ? "add" : "remove", rr->ttl_s,
	    mus_type_text(rr->type, type), mus_rdata_text(rr->type, rr->rd, a));
	records++;
}

static void
on_message(struct fake_q *q, void *arg)
{
	struct mus_arena a;
	struct mus_msg m;

	(void)arg;
	mus_arena_init(&a, 1 << 20);
	if ((q->wire[2] >> 3 & 15) == 5) {
		OK(mus_msg_parse(q->wire, q->len, &a, &m, &et));
		for (size_t i = 0; i < m.rr_count[MUS_SEC_AUTHORITY]; i++)
			note_sent(&m.rr[MUS_SEC_AUTHORITY][i], &a);
		updates++;
	}
	mus_arena_clear(&a);
	fake_answer(q, MUS_RCODE_REFUSED, 0);
}

static void
serves(enum mus_rr_kind kind, uint32_t ttl_s)
{
	struct mus_ring *ring = &st->seen.signer[0][kind];

	ring->count = 1;
	ring->v[0] = (struct mus_version){.srv = 1, .serve_ttl_s = ttl_s, .set = 6};
}

static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();

	(void)state;
	updates = records = 0;
	o.retry_ms = 60000;
	rig_start(&o);
	server = fake_new(l, FAKE_TCP, on_message, NULL);
	sig = (struct mus_signer_obj){.name = "a", .driver = "ddns", .update = server->addr};
	OK(mus_ctl_put_signer(e, "test", &sig, NULL, &et));
	zobj = (struct mus_zone_obj){.name = "z.test."};
	OK(mus_store_begin(store, &et));
	OK(mus_store_save_zone(store, &zobj, &et));
	OK(mus_store_commit(store, &et));
	OK(eng_zone_add(e, zobj.id, mus_time_add_s(mus_loop_now(l), 3600)));
	z = eng_zone_get(e, zobj.id);
	snprintf(st->book.zone, sizeof st->book.zone, "z.test.");
	snprintf(st->book.signer[0], sizeof st->book.signer[0], "a");
	st->book.signer_id[0] = sig.id;
	st->zone.signer_count = 1;
	st->zone.ns_count = 3;
	for (unsigned n = 0; n < 3; n++)
		snprintf(st->book.ns[n], sizeof st->book.ns[n], "ns%u.x.test.", n);
	for (unsigned k = 0; k < KEYS; k++) {
		st->book.key[k].rdata = calloc(1, 68);
		assert_non_null(st->book.key[k].rdata);
		memcpy(st->book.key[k].rdata, "\1\1\3\15", 4);
		st->book.key[k].rdata[67] = (uint8_t)k;
		st->book.key[k].len = 68;
	}
	serves(MUS_RR_KEY, 3600);
	serves(MUS_RR_NS, 60);
	memset(&plan, 0, sizeof plan);
	mus_buf_init(&out, 0);
	mus_buf_init(&sent, 0);
	return 0;
}

static int
teardown(void **state)
{
	mus_buf_clear(&out);
	mus_buf_clear(&sent);
	fake_free(server);
	return rig_teardown(state);
}

static struct mus_act *
act(enum mus_rr_kind kind, uint64_t add, uint64_t del)
{
	struct mus_act *a = &plan.act[plan.act_count++];

	*a = (struct mus_act){.kind = MUS_ACT_CHANGE, .rr = kind, .add = add, .del = del, .id = plan.act_count};
	return a;
}

/* The same acts, of a signer without a driver. */
static const char *
told(void)
{
	struct mus_plan by_hand = plan;

	by_hand.act_count = 0;
	by_hand.hand_count = plan.act_count;
	assert_true(eng_by_hand(st, &by_hand, 0, &out));
	return out.len ? (const char *)out.data : "";
}

/* ${lines} without the TTL of what goes. */
static void
forget_ttls(char *lines)
{
	static const char head[] = "remove z.test. ";

	for (char *p = lines; (p = strstr(p, head)); p++) {
		char *ttl = p + sizeof head - 1, *end = strchr(ttl, ' ');

		ttl[0] = '0';
		memmove(ttl + 1, end, strlen(end) + 1);
	}
}

/* All that is told, and nothing else. */
static void
assert_sent_as_told(void)
{
	assert_true(told()[0] != '\0');
	eng_act(e, z, &zobj, st, &plan);
	until(l, &updates, 1);
	forget_ttls((char *)out.data);
	assert_string_equal((const char *)out.data, (const char *)sent.data);
}

static void
as_the_driver_sends(void **state)
{
	struct mus_act *a;

	(void)state;
	act(MUS_RR_KEY, 1, 2);
	a = act(MUS_RR_CDS, 3, 4);
	a->add_dt[1] = 3;
	a->del_dt[2] = 4;
	act(MUS_RR_CDNSKEY, 1, 4);
	act(MUS_RR_NS, 1, 4);
	a = act(MUS_RR_CSYNC, 1, 1);
	a->csync_serial = 77;
	a->del_aux[0] = MUS_CSYNC_A | MUS_CSYNC_NS | 76 << 16 | 1;
	a->del_aux[1] = 4294967295ull << 16 | 65535;
	a->del_aux_count = 2;
	assert_non_null(strstr(told(), "add z.test. 60 IN NS ns0.x.test.\n"));
	assert_non_null(strstr(told(), "add z.test. 3600 IN CSYNC 77 1 NS\n"));
	assert_non_null(strstr(told(), "\nremove z.test. 60 IN NS ns2.x.test.\n"));
	/* these very records, and no other */
	assert_non_null(strstr(told(), "\nremove z.test. 3600 IN CSYNC 76 1 A NS\n"));
	assert_non_null(strstr(told(), "\nremove z.test. 3600 IN CSYNC 4294967295 65535\n"));
	assert_sent_as_told();
	assert_int_equal(records, 12);
}

/* What does not fit is told, as it is sent, when the rest is seen. */
static void
no_more_than_one_change_holds(void **state)
{
	struct mus_act *a;

	(void)state;
	act(MUS_RR_KEY, mus_bit(KEYS) - 1, 0);
	act(MUS_RR_CDNSKEY, mus_bit(KEYS - 1) - 1, 0);
	a = act(MUS_RR_CDS, 3, 0);
	a->add_dt[1] = 3;
	act(MUS_RR_NS, 1, 0);
	assert_sent_as_told();
	assert_int_equal(records, MUS_DRV_RR_MAX);
	assert_null(strstr((const char *)out.data, " CDS "));
}

static void
nothing_before_its_turn(void **state)
{
	(void)state;
	act(MUS_RR_NS, 1, 0);
	assert_string_equal(told(), "add z.test. 60 IN NS ns0.x.test.\n");
	/* the acts of others */
	plan.act[0].signer = 1;
	assert_string_equal(told(), "");
	plan.act[0].signer = 0;
	/* a step that the operator has to allow first */
	plan.proposal = true;
	assert_string_equal(told(), "");
	plan.proposal = false;
	/* an intention that is not on disk yet: with another serial, in another row */
	plan.want.csync_serial = 9;
	assert_string_equal(told(), "");
	st->want.csync_serial = 9;
	assert_true(told()[0] != '\0');
	plan.want.proc.row = 1;
	assert_string_equal(told(), "");
	st->want.proc.row = 1;
	assert_true(told()[0] != '\0');
	plan.want.nsg = 1;
	assert_string_equal(told(), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_the_driver_sends, setup, teardown),
		cmocka_unit_test_setup_teardown(no_more_than_one_change_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_before_its_turn, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
