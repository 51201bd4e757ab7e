/*
 * The engine ends while something is under way: all that it has asked and sent is cancelled, whoever waits
 * is told, and nothing is left behind (LeakSanitizer looks when the test has ended).
 */
#include "rig.h"

enum { HELD_MAX = 64 };

static struct fake *server;		/* of signer a, and of the parent */
static struct mus_signer_obj sig;
static struct mus_group_obj group;
static struct mus_zone_obj zone;
static struct eng_zone *z;
static struct {
	bool answers_updates, answers_questions;
	unsigned updates, questions, transfers;
	struct fake_q *held[HELD_MAX];	/* UDP, not answered */
	unsigned held_count;
	unsigned told;			/* how often somebody who waits was told the end */
} s;

/* The DNSKEY RRset of one key; of everything else there is nothing. */
static size_t
fill(const struct fake_q *q, uint8_t *out)
{
	static const uint8_t key[] = {0xc0, 12, 0, 48, 0, 1, 0, 0, 0, 60, 0, 8, 1, 1, 3, 13, 1, 2, 3, 4};
	size_t len = fake_reply(q, MUS_RCODE_NOERROR, 0, out);

	if (out[len - 3] == MUS_TYPE_DNSKEY) {
		memcpy(out + len, key, sizeof key);
		len += sizeof key;
		out[7] = 1;
	}
	return len;
}

static void
on_message(struct fake_q *q, void *arg)
{
	static uint8_t out[65535];
	bool is_update = (q->wire[2] >> 3 & 15) == MUS_OPCODE_UPDATE;
	size_t len = fill(q, out);

	(void)arg;
	if (is_update)
		s.updates++;
	else if (out[len - 3] == MUS_TYPE_AXFR)
		s.transfers++;
	else
		s.questions++;
	if (is_update ? s.answers_updates : s.answers_questions) {
		fake_send(q, out, len);
	} else if (!q->conn) {
		assert_in_range(s.held_count, 0, HELD_MAX - 1);
		s.held[s.held_count] = malloc(sizeof *q);
		*s.held[s.held_count++] = *q;
	}
}

/* Group g with signer a, and zone z.test in it. */
static int
setup(void **state)
{
	struct mus_engine_opts o = rig_opts();

	(void)state;
	memset(&s, 0, sizeof s);
	rig_start(&o);
	server = fake_new(l, FAKE_UDP | FAKE_TCP, on_message, NULL);
	sig = (struct mus_signer_obj){.name = "a", .driver = "ddns", .update = server->addr, .ns_count = 1,
	    .ns[0] = {.name = "ns.a.test.", .addr_count = 1, .addr[0] = server->addr}};
	OK(mus_ctl_put_signer(e, "test", &sig, NULL, &et));
	group = (struct mus_group_obj){.name = "g", .member_count = 1, .member[0] = {.signer_id = sig.id}};
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	zone = (struct mus_zone_obj){.name = "z.test.", .group_id = group.id, .parent = "test.",
	    .parent_addr_count = 1, .parent_addr[0] = server->addr};
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	z = eng_zone_get(e, zone.id);
	st->book.zone_id = zone.id;
	assert_true(eng_sync(e, &zone, st, &et));
	return 0;
}

/* What is answered afterwards finds nobody. */
static void
end(unsigned told)
{
	mus_engine_free(e);
	e = NULL;
	for (unsigned i = 0; i < s.held_count; i++) {
		fake_answer(s.held[i], MUS_RCODE_NOERROR, 0);
		free(s.held[i]);
	}
	fake_close_all(server);
	turn_for(l, 20);
	fake_free(server);
	rig_stop();
	assert_int_equal(s.told, told);
}

static int
teardown(void **state)
{
	(void)state;
	end(0);
	return 0;
}

/* Likewise, of what somebody waits for. */
static int
teardown_told(void **state)
{
	(void)state;
	end(1);
	return 0;
}

static void
send_change(void)
{
	static const uint8_t rdata[] = {1, 0, 3, 13, 1, 2, 3, 5};
	struct mus_plan *plan = calloc(1, sizeof *plan);

	st->zone.key_count = 1;
	st->book.key[0].rdata = malloc(sizeof rdata);
	memcpy(st->book.key[0].rdata, rdata, sizeof rdata);
	st->book.key[0].len = sizeof rdata;
	plan->act_count = 1;
	plan->act[0] = (struct mus_act){.kind = MUS_ACT_CHANGE, .rr = MUS_RR_KEY, .add = 1, .id = 1};
	eng_act(e, z, &zone, st, plan);
	free(plan);
	until(l, &s.updates, 1);
}

static void
a_change(void **state)
{
	(void)state;
	send_change();
}

static void
a_change_read_back(void **state)
{
	(void)state;
	s.answers_updates = true;
	send_change();
	until(l, &s.questions, 1);
}

/* Its turn comes. */
static void
wake(void)
{
	e->active = 0;
	z->due_ms = eng_now(e).ms + 1000;
	eng_wake(e, z, ENG_FOCUS_ALL, 0);
}

static void
a_look(void **state)
{
	(void)state;
	wake();
	until(l, &s.questions, 8);
	assert_non_null(z->turn);
}

/* The look of a zone that is deleted meanwhile. */
static void
a_look_at_what_is_gone(void **state)
{
	(void)state;
	a_look(state);
	OK(mus_ctl_delete_zone(e, "test", "z.test.", true, &et));
	assert_non_null(e->deleted);
}

static void
a_peek(void **state)
{
	struct eng_peek *p = &eng_busy(z)->peek;

	(void)state;
	*p = (struct eng_peek){.ready = true, .type = MUS_TYPE_DS, .server_count = 1,
	    .server[0] = server->addr, .until = mus_time_add_s(eng_now(e), 5)};
	OK(mus_name_parse("z.test.", &p->zone, &et));
	wake();
	p->ready = true;
	until(l, &s.questions, 1);
	assert_null(z->turn);
}

static void
a_copy(void **state)
{
	(void)state;
	eng_copies(e, z, &zone, st, 1, 0);
	until(l, &s.transfers, 1);
}

static void
on_probed(void *arg, int err, const struct mus_errtext *words, const char *report)
{
	(void)arg;
	assert_int_equal(err, MUS_ERR_CANCELLED);
	assert_string_equal(words->s, "the daemon stops");
	assert_null(report);
	s.told++;
}

static void
a_probe_that_reads(void **state)
{
	(void)state;
	OK(mus_ctl_probe(e, "test", "a", "z.test.", on_probed, NULL, &et));
	until(l, &s.questions, 5);
}

static void
a_probe_that_changes(void **state)
{
	(void)state;
	s.answers_questions = true;
	OK(mus_ctl_probe(e, "test", "a", "z.test.", on_probed, NULL, &et));
	until(l, &s.updates, 1);
}

static void
what_a_probe_left(void **state)
{
	struct eng_turn t = {.e = e, .z = z, .focus = ENG_FOCUS_ALL, .at = eng_now(e)};

	(void)state;
	e->zobj = zone;
	st->zone.alg_count = 1;
	st->zone.alg[0] = 13;
	t.trials[MUS_RR_KEY] = mus_servers_of(&st->zone, 0);
	assert_true(eng_is_probed(&t));
	eng_probe_clean(&t, st);
	until(l, &s.updates, 1);
}

static void
on_fit(void *arg, int err, const struct mus_errtext *words, const struct mus_ctl_fit *fit)
{
	(void)arg;
	assert_int_equal(err, MUS_ERR_CANCELLED);
	assert_string_equal(words->s, "the daemon stops");
	assert_null(fit);
	s.told++;
}

static void
a_preflight(void **state)
{
	(void)state;
	OK(mus_ctl_preflight(e, "z.test.", "a", on_fit, NULL, &et));
	until(l, &s.questions, 8);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TOLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown_told)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_change),
	    T(a_change_read_back),
	    T(a_look),
	    T(a_look_at_what_is_gone),
	    T(a_peek),
	    T(a_copy),
	    TOLD(a_probe_that_reads),
	    TOLD(a_probe_that_changes),
	    T(what_a_probe_left),
	    TOLD(a_preflight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
