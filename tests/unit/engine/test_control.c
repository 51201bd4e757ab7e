/*
 * What an operator asks of signers, groups and zones: the engine with a real store in memory.  What was
 * seen of the zones is made by hand; turns run only where a test ends one.
 */
#include <unistd.h>

#include "rig.h"

static struct mus_signer_obj sig[3];
static struct mus_group_obj group;
static struct mus_zone_obj zone;
static char said[MUS_TEXT_MAX];

static void
save_state(void)
{
	st->book.zone_id = zone.id;
	OK(eng_save_state(e, zone.id, st));
}

/* Group g with signer a; zone z.test in it, which a signs.  b and c are in nothing. */
static int
setup(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	struct mus_engine_opts o = rig_opts();

	(void)state;
	rig_start(&o);
	for (unsigned i = 0; i < 3; i++) {
		memset(&sig[i], 0, sizeof sig[i]);
		snprintf(sig[i].name, sizeof sig[i].name, "%s", names[i]);
		snprintf(sig[i].driver, sizeof sig[i].driver, "manual");
		OK(mus_ctl_put_signer(e, "test", &sig[i], NULL, &et));
		st->book.signer_id[i] = sig[i].id;
		snprintf(st->book.signer[i], sizeof st->book.signer[i], "%s", names[i]);
	}
	st->zone.signer_count = 3;
	memset(&group, 0, sizeof group);
	snprintf(group.name, sizeof group.name, "g");
	group.member_count = 1;
	group.member[0].signer_id = sig[0].id;
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	memset(&zone, 0, sizeof zone);
	snprintf(zone.name, sizeof zone.name, "z.test.");
	zone.group_id = group.id;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	st->want.adopted = true;
	st->want.keyg = st->want.dsg = st->want.nsg = 1;
	save_state();
	return 0;
}

static int
add_line(void *arg, const struct mus_event_obj *o)
{
	struct mus_buf *b = arg;

	mus_buf_printf(b, "%s %s: %s\n", o->actor, o->kind, o->text);
	return 0;
}

static void
assert_history(int64_t zone_id, unsigned limit, const char *want)
{
	struct mus_buf b;

	mus_buf_init(&b, 0);
	OK(mus_store_list_events(store, zone_id, 0, limit, add_line, &b));
	assert_true(mus_buf_add_u8(&b, 0));
	assert_string_equal((const char *)b.data, want);
	mus_buf_clear(&b);
}

/* Members as text; a leaver in brackets. */
static const char *
members(void)
{
	static char text[100];

	text[0] = '\0';
	OK(mus_store_load_group(store, "g", &group, &et));
	for (unsigned i = 0; i < group.member_count; i++)
		for (unsigned k = 0; k < 3; k++)
			if (sig[k].id == group.member[i].signer_id)
				snprintf(text + strlen(text), sizeof text - strlen(text),
				    group.member[i].leaving ? "(%s)" : "%s", sig[k].name);
	return text;
}

static void
process(enum mus_proc_kind kind, unsigned signer)
{
	st->want.proc = (struct mus_proc){.kind = kind, .signer = (uint8_t)signer};
	for (unsigned i = 0; i < MUS_CLOCK_COUNT; i++)
		st->want.proc.clock[i].from = MUS_TIME_NEVER;
	save_state();
}

/* A turn to which nothing has answered ends. */
static void
turn(void)
{
	struct eng_turn *t = calloc(1, sizeof *t);
	struct eng_zone *z = eng_zone_get(e, zone.id);

	t->e = e;
	t->z = z;
	t->at = eng_now(e);
	mus_arena_init(&t->arena, 0);
	z->in_turn = true;
	e->active++;
	eng_turn_done(t);
	OK(eng_load_state(e, zone.id, st, &et));
}

/* It took part in nothing: it is gone at once, or when its process has ended. */
static void
joined_and_left(void **state)
{
	struct mus_buf b;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	assert_string_equal(members(), "a");
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	process(MUS_PROC_ADD, 1);
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	assert_string_equal(members(), "a(b)");
	assert_int_equal(eng_group_of(e, &zone, &et)->member_count, 2);
	turn();
	assert_int_equal(st->want.proc.kind, MUS_PROC_NONE);
	assert_string_equal(members(), "a");
	assert_int_equal(eng_group_of(e, &zone, &et)->member_count, 1);
	mus_buf_init(&b, 0);
	OK(mus_store_list_events(store, 0, 0, 100, add_line, &b));
	assert_true(mus_buf_add_u8(&b, 0));
	assert_non_null(strstr((const char *)b.data, "musicd group: b has left group g on all its zones\n"));
	mus_buf_clear(&b);
}

/* A zone of the group at which ${b} takes part, or none but a. */
static void
other_zone(struct mus_zone_obj *o, const char *name, bool has_b)
{
	if (o->id == 0) {
		memset(o, 0, sizeof *o);
		snprintf(o->name, sizeof o->name, "%s", name);
		o->group_id = group.id;
		OK(mus_ctl_put_zone(e, "test", o, NULL, &et));
	}
	st->want.keyg = has_b ? 3 : 1;
	OK(eng_begin(e) < 0 ? -1 : 0);
	st->book.zone_id = o->id;
	OK(eng_save_state(e, o->id, st));
	st->book.zone_id = zone.id;
	st->want.keyg = 1;
}

/* Where ${signer} of the group was found last; 0: that is not known. */
static int64_t
last_on(int64_t group_id, int64_t signer_id)
{
	for (unsigned i = 0; i < ENG_LAST_ON_MAX; i++)
		if (e->last_on[i].group_id == group_id && e->last_on[i].signer_id == signer_id)
			return e->last_on[i].zone_id;
	return 0;
}

/* Which zones have let go is looked at from where the leaver was found last; who is at one before that again
 * stays a member all the same. */
static void
left_one_by_one(void **state)
{
	struct mus_zone_obj x = {.id = 0}, y = {.id = 0};

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	other_zone(&x, "x.test.", true);
	other_zone(&y, "y.test.", true);
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	other_zone(&x, NULL, false);
	eng_ctl_left(e, group.id, st);
	assert_string_equal(members(), "a(b)");
	assert_true(last_on(group.id, sig[1].id) == y.id);
	other_zone(&x, NULL, true);
	other_zone(&y, NULL, false);
	eng_ctl_left(e, group.id, st);
	assert_string_equal(members(), "a(b)");
	assert_true(last_on(group.id, sig[1].id) == x.id);
	other_zone(&x, NULL, false);
	eng_ctl_left(e, group.id, st);
	assert_string_equal(members(), "a");
}

/* As many groups as are remembered, each with a leaver: none is forgotten for another, but for one more the one
 * that was not asked about for longest. */
static void
many_leavers(void **state)
{
	struct mus_group_obj g[ENG_LAST_ON_MAX + 1];
	struct mus_zone_obj z;

	(void)state;
	for (unsigned i = 0; i < ENG_LAST_ON_MAX + 1; i++) {
		g[i] = (struct mus_group_obj){.member_count = 2};
		snprintf(g[i].name, sizeof g[i].name, "many%u", i);
		g[i].member[0].signer_id = sig[0].id;
		g[i].member[1].signer_id = sig[1].id;
		OK(mus_ctl_put_group(e, "test", &g[i], NULL, &et));
		memset(&z, 0, sizeof z);
		snprintf(z.name, sizeof z.name, "many%u.test.", i);
		z.group_id = g[i].id;
		OK(mus_ctl_put_zone(e, "test", &z, NULL, &et));
		other_zone(&z, NULL, true);
		OK(mus_ctl_group_leave(e, "test", g[i].name, "b", &et));
	}
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < ENG_LAST_ON_MAX; i++)
			eng_ctl_left(e, g[i].id, st);
	eng_ctl_left(e, g[0].id, st);
	for (unsigned i = 0; i < ENG_LAST_ON_MAX; i++)
		assert_true(last_on(g[i].id, sig[1].id) > 0);
	eng_ctl_left(e, g[ENG_LAST_ON_MAX].id, st);
	assert_true(last_on(g[ENG_LAST_ON_MAX].id, sig[1].id) == z.id);
	assert_true(last_on(g[0].id, sig[1].id) > 0);
	assert_true(last_on(g[1].id, sig[1].id) == 0);
}

/* Of a zone that was never seen whole nobody knows who signs it. */
static void
not_seen_yet(void **state)
{
	(void)state;
	st->want.adopted = false;
	save_state();
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	assert_string_equal(members(), "a(b)");
	assert_int_equal(mus_ctl_group_leave(e, "test", "g", "b", &et), MUS_ERR_CONFLICT);
	OK(mus_ctl_delete_zone(e, "test", "z.test", false, &et));
	assert_string_equal(members(), "a");
}

static void
moved_away(void **state)
{
	(void)state;
	memset(&st->want, 0, sizeof st->want);
	save_state();
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	zone.group_id = 0;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	assert_string_equal(members(), "a");
}

static void
is_needed(const char *signer)
{
	char words[sizeof et.s];

	snprintf(words, sizeof words,
	    "signer %s: in use by zone z.test., which has another group now and has not let it go yet", signer);
	assert_int_equal(mus_ctl_delete_signer(e, "test", signer, &et), MUS_ERR_CONFLICT);
	assert_string_equal(et.s, words);
}

/* The zone goes to a group of b; a signs it to the end of its leaving, so it stays. */
static void
moved_to_others(void **state)
{
	struct mus_group_obj g2 = {.name = "g2", .member_count = 1};

	(void)state;
	g2.member[0].signer_id = sig[1].id;
	OK(mus_ctl_put_group(e, "test", &g2, NULL, &et));
	assert_int_equal(mus_ctl_delete_signer(e, "test", "b", &et), MUS_ERR_CONFLICT);
	assert_string_equal(et.s, "signer b: in use by group g2");
	assert_int_equal(mus_ctl_delete_group(e, "test", "g", &et), MUS_ERR_CONFLICT);
	assert_string_equal(et.s, "signer group g: in use by zone z.test.");
	zone.group_id = g2.id;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	OK(mus_ctl_delete_group(e, "test", "g", &et));
	is_needed("a");
	st->want.keyg = st->want.dsg = st->want.nsg = 3;
	process(MUS_PROC_REMOVE, 0);
	is_needed("a");
	st->want.keyg = st->want.dsg = st->want.nsg = 2;
	save_state();
	is_needed("a");			/* in nothing, but its process has not ended */
	process(MUS_PROC_NONE, 0);
	OK(mus_ctl_delete_signer(e, "test", "a", &et));
	OK(mus_ctl_delete_signer(e, "test", "c", &et));
	/* Put out of its group: likewise, until the zone is gone. */
	g2.member_count = 0;
	OK(mus_ctl_put_group(e, "test", &g2, NULL, &et));
	is_needed("b");
	OK(mus_ctl_delete_zone(e, "test", "z.test", true, &et));
	OK(mus_ctl_delete_signer(e, "test", "b", &et));
}

/* The process that stands, and what the parent must be told, as the metrics have it. */
static void
what_stands_is_counted(void **state)
{
	struct mus_ctl_stats stats;

	(void)state;
	mus_ctl_stats(e, &stats);
	assert_int_equal(stats.row_s + stats.manual_ds + stats.manual_ns, 0);
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	process(MUS_PROC_ADD, 1);
	st->want.proc.row_at = mus_time_add_s(eng_now(e), -1000);
	save_state();
	turn();
	assert_int_equal(st->want.proc.kind, MUS_PROC_ADD);
	eng_zone_get(e, zone.id)->busy->manual = MUS_RULE_PARENTNS;
	mus_ctl_stats(e, &stats);
	assert_in_range(stats.row_s, 1000, 2000);
	assert_int_equal(stats.manual_ds, 0);
	assert_int_equal(stats.manual_ns, 1);
	turn();
	mus_ctl_stats(e, &stats);
	assert_int_equal(stats.manual_ns, 0);
}

/* While nothing can be stored, that is what the zone waits for first of all. */
static void
what_cannot_be_stored_is_the_first_wait(void **state)
{
	struct mus_zone_view view;
	unsigned count;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	process(MUS_PROC_ADD, 1);
	OK(mus_ctl_view(e, "z.test", &view, &et));
	assert_null(view.store_error);
	count = view.plan->wait_count;
	e->stats.store_failing_since = eng_now(e);
	mus_errf(&e->stats.store_error, 0, "disk is full");
	OK(mus_ctl_view(e, "z.test", &view, &et));
	assert_int_equal(view.plan->wait_count, count + 1);
	assert_int_equal(view.plan->wait[0].rule, MUS_RULE_STORE);
	assert_string_equal(view.store_error, "disk is full");
	e->stats.store_failing_since = MUS_TIME_NEVER;
}

/* Who forces one rule is told what goes on holding the step. */
static void
a_force_names_what_it_does_not_pass(void **state)
{
	struct mus_zone_view view;
	struct mus_buf out;
	enum mus_rule other = MUS_RULE_NONE;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	process(MUS_PROC_ADD, 1);
	OK(mus_ctl_hold(e, "test", "z.test", "Monday", &et));
	OK(mus_ctl_view(e, "z.test", &view, &et));
	for (unsigned i = 0; i < view.plan->wait_count; i++)
		if (view.plan->wait[i].rule != MUS_RULE_HELD)
			other = view.plan->wait[i].rule;
	mus_buf_init(&out, 0);
	OK(mus_ctl_force(e, "test", "z.test", other, "why", true, &out, &et));
	assert_true(mus_buf_add_u8(&out, 0));
	assert_non_null(strstr((const char *)out.data, "\nThe step then waits for held: "));
	mus_buf_clear(&out);
}

static char lost_says[4000];

static int
lose(const char *signer, bool forced, bool dry_run)
{
	const struct mus_ctl_loss loss = {signer, "burnt", forced, dry_run};
	struct mus_buf out;
	int rc;

	mus_buf_init(&out, 0);
	rc = mus_ctl_lost(e, "test", "z.test", &loss, &out, &et);
	snprintf(lost_says, sizeof lost_says, "%s", out.len ? (const char *)out.data : "");
	mus_buf_clear(&out);
	return rc;
}

/* A zone keeps a signer; one that was lost may join again. */
static void
the_last_is_not_lost(void **state)
{
	(void)state;
	assert_int_equal(lose("a", false, false), MUS_ERR_CONFLICT);
	assert_string_equal(
	    et.s, "signer a is the last of zone z.test., which would have none: join another first");
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(lose("a", false, false));
	assert_int_equal(lose("b", false, false), MUS_ERR_CONFLICT);
	OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
	assert_int_equal(zone.signer_count, 1);
	assert_true(zone.signer[0].lost);
	OK(mus_ctl_group_join(e, "test", "g", "a", &et));
	OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
	assert_false(zone.signer[0].lost);
	OK(lose("b", false, false));
}

static void
is_refused(const char *signer)
{
	assert_int_equal(lose(signer, false, false), MUS_ERR_CONFLICT);
	snprintf(said, sizeof said,
	    "signer %s takes no part in zone z.test.: it is not in its group, and nothing waits for it", signer);
	assert_string_equal(et.s, said);
	OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
	assert_int_equal(zone.signer_count, 0);
}

/* A slip of the name marks nothing; one that takes part, or is about to, may be lost wherever its group is. */
static void
only_who_takes_part_is_lost(void **state)
{
	(void)state;
	is_refused("b");
	is_refused("c");
	st->want.nsg = 3;
	save_state();
	OK(lose("b", false, false));
	OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
	zone.signer_count = 0;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	st->want.nsg = 1;
	process(MUS_PROC_ADD, 2);
	is_refused("b");
	OK(lose("c", false, false));
}

/* b joins with a server, and the zone has it in its table. */
static unsigned
server_of_b(void)
{
	struct mus_zone_view view;
	int i;

	sig[1].ns_count = 1;
	snprintf(sig[1].ns[0].name, sizeof sig[1].ns[0].name, "ns1.b.test.");
	assert_true(mus_addr_parse("192.0.2.1", 53, &sig[1].ns[0].addr[0]));
	sig[1].ns[0].addr_count = 1;
	OK(mus_ctl_put_signer(e, "test", &sig[1], NULL, &et));
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(mus_ctl_view(e, "z.test", &view, &et));
	i = mus_book_find_server(&e->view.book, &e->view.zone, 1, &sig[1].ns[0].addr[0]);
	assert_in_range(i, 0, MUS_SERVERS_MAX);
	return (unsigned)i;
}

/* What the latest round showed of it, ${age_ms} ago; ${cause} NONE: it answered. */
static void
b_showed(unsigned server, enum mus_cause cause, int64_t age_ms, bool parent_answers)
{
	struct mus_ring *ring = e->view.seen.signer[1];
	int ns = mus_book_find_ns(&e->view.book, &e->view.zone, "ns1.b.test.");

	ring[MUS_RR_NS].asked_at = (struct mus_time){1000};	/* an older round: it answered then */
	ring[MUS_RR_NS].ok = mus_bit(server);
	ring[MUS_RR_NS].count = 1;
	ring[MUS_RR_NS].v[0] = (struct mus_version){.set = mus_bit((unsigned)ns), .srv = mus_bit(server)};
	ring[MUS_RR_NS].ttl_max_s = 7;
	ring[MUS_RR_SOA].asked_at = mus_time_add_ms(eng_now(e), -age_ms);
	ring[MUS_RR_SOA].ok = cause == MUS_CAUSE_NONE ? mus_bit(server) : 0;
	ring[MUS_RR_SOA].fail = cause != MUS_CAUSE_NONE ? mus_bit(server) : 0;
	ring[MUS_RR_SOA].fail_cause = cause;
	ring[MUS_RR_SOA].fail_server = (uint8_t)server;
	e->view.seen.parent[0].ok = parent_answers ? mus_bit(63) : 0;
	e->view.seen.parent[0].asked_at = eng_now(e);
	OK(eng_save_state(e, zone.id, &e->view));
}

/* Its silence must have been seen, by a look that others answered; an error is no answer, what was not sent no silence. */
static void
who_answers_is_not_lost(void **state)
{
	static const struct {
		enum mus_cause cause;
		int64_t age_ms;
		bool parent_answers;
		const char *refused, *says;	/* the words; NULL: it is not */
	} rows[] = {
	    {MUS_CAUSE_NONE, 0, true, "signer b answers: ns1.b.test. (192.0.2.1), seen 0s ago. Who answers is not lost", "(192.0.2.1) ANSWERS, as of"},
	    {MUS_CAUSE_TIMEOUT, 0, false, "signer b is silent, and so is everybody else", "gives no answer with the zone, as of"},
	    {MUS_CAUSE_LOCAL, 0, true, "signer b: ns1.b.test. (192.0.2.1) could not be asked 0s ago", "has not been asked yet"},
	    {MUS_CAUSE_TIMEOUT, 31000, true, "signer b: nobody has looked at its servers lately", "gives no answer with the zone, as of 31s"},
	    {MUS_CAUSE_TIMEOUT, 25000, true, NULL, "gives no answer with the zone, as of 25s"},
	    {MUS_CAUSE_REFUSED, 0, true, NULL, "gives no answer with the zone, as of 0s"},
	};
	unsigned server = server_of_b();

	(void)state;
	assert_int_equal(lose("b", false, true), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "signer b: nobody has looked at its servers lately"));
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		b_showed(server, rows[i].cause, rows[i].age_ms, rows[i].parent_answers);
		for (unsigned dry = 0; rows[i].refused && dry < 2; dry++) {
			assert_int_equal(lose("b", false, dry), MUS_ERR_CONFLICT);
			if (strncmp(et.s, rows[i].refused, strlen(rows[i].refused)) != 0)
				fail_msg("row %u: %s", i, et.s);
		}
		OK(lose("b", rows[i].refused != NULL, true));
		if (!strstr(lost_says, rows[i].says))
			fail_msg("row %u: %s", i, lost_says);
		if (!strstr(lost_says, "Its copy lists itself: ns1.b.test.. Should a server of it answer"))
			fail_msg("row %u: %s", i, lost_says);
		assert_non_null(strstr(lost_says, "\"signer leave b --group g\""));
	}
	OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
	assert_int_equal(zone.signer_count, 0);
}

static uint64_t
counted(void)
{
	struct mus_ctl_stats now;

	mus_ctl_stats(e, &now);
	return now.lost_signer;
}

/* It is counted apart from the word on, until it has left and the largest TTL is over; each told once. */
static void
a_loss_is_counted_until_it_is_over(void **state)
{
	unsigned server = server_of_b();
	struct mus_buf b;

	(void)state;
	assert_int_equal(counted(), 0);
	b_showed(server, MUS_CAUSE_NONE, 0, true);
	OK(lose("b", true, false));
	assert_int_equal(counted(), 1);
	assert_history(zone.id, 2, "musicd alarm: WARN: resolvers that found the zone through b, which is declared lost, may "
	    "fail as long as it answers: it must be silent\ntest operator: signer b declared lost by force, while it answers: "
	    "burnt\n");
	OK(lose("b", false, false));		/* lost stays lost, and is not told as news */
	assert_non_null(strstr(lost_says, "b is declared lost already"));
	assert_history(zone.id, 1, "test operator: signer b declared lost: burnt\n");
	for (unsigned i = 0; i < 2; i++) {	/* the second time it had left, and was put into the group again */
		turn();
		OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
		assert_int_equal(zone.signer[0].lost_ttl_s, 7);
		assert_int_equal(zone.signer[0].lost_until.ms, MUS_TIME_NEVER.ms);
		zone.signer[0].lost_until = eng_now(e);
		OK(mus_store_save_zone(store, &zone, &et));
		eng_forget_kept(e);
	}
	zone.signer[0].lost_until = MUS_TIME_NEVER;
	OK(mus_store_save_zone(store, &zone, &et));
	st->want.keyg = st->want.dsg = st->want.nsg = 3;
	process(MUS_PROC_REMOVE, 1);
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	OK(lose("b", false, true));
	assert_non_null(strstr(lost_says, "It is leaving already"));
	assert_null(strstr(lost_says, "signer leave"));
	st->want.keyg = st->want.dsg = st->want.nsg = 1;
	process(MUS_PROC_NONE, 0);
	turn();
	OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
	assert_in_range(zone.signer[0].lost_until.ms, eng_now(e).ms, eng_now(e).ms + 8000);	/* and the margin */
	assert_int_equal(counted(), 1);
	zone.signer[0].lost_until = eng_now(e);
	OK(mus_store_save_zone(store, &zone, &et));
	eng_forget_kept(e);
	for (unsigned i = 0; i < 2; i++)
		turn();
	assert_int_equal(counted(), 0);
	mus_buf_init(&b, 0);
	OK(mus_store_list_events(store, zone.id, 0, 100, add_line, &b));
	assert_true(mus_buf_add_u8(&b, 0));
	assert_non_null(strstr((const char *)b.data, "musicd signer: what led to b, which was lost, is in no cache any more"));
	assert_null(strstr(strstr((const char *)b.data, "what led to b") + 1, "what led to b"));
	mus_buf_clear(&b);
}

static void
on_fit(void *arg, int err, const struct mus_errtext *words, const struct mus_ctl_fit *fit)
{
	const struct mus_witness *last = fit ? &fit->finding[fit->count - 1] : NULL;

	if (err < 0)
		fail_msg("%s", words->s);
	assert_true(fit->count > 1);
	assert_false(fit->state->zone.signer[last->origin].is_lost);
	mus_witness_text(&fit->state->book, &fit->state->zone, last, said);
	*(enum mus_result *)arg = last->result;
}

/* A join takes the mark away: it is looked at without, and told. */
static void
preflight_of_a_lost_one(void **state)
{
	enum mus_result result = MUS_RES_HOLDS;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(lose("b", false, false));
	OK(mus_ctl_preflight(e, "z.test.", "b", on_fit, &result, &et));
	while (result == MUS_RES_HOLDS)
		turn_for(l, 5);
	assert_int_equal(result, MUS_RES_WARN);
	assert_string_equal(said, "serves: b is declared lost in this zone, until it joins");
	OK(mus_store_load_zone_id(store, zone.id, &zone, &et));
	assert_true(zone.signer[0].lost);
}

static void
on_unfit(void *arg, int err, const struct mus_errtext *words, const struct mus_ctl_fit *fit)
{
	unsigned fails = 0;

	if (err < 0)
		fail_msg("%s", words->s);
	for (unsigned i = 0; i < fit->count; i++)
		fails += fit->finding[i].rule == MUS_RULE_PREFLIGHT && fit->finding[i].result == MUS_RES_FAILS;
	assert_int_equal(fails, fit->refused[0] != '\0');
	snprintf(said, sizeof said, "%s", fit->refused);
	*(bool *)arg = true;
}

/* The dry run of a join and the join say the same of ${signer}; "": it may. */
static void
join_says(const char *signer, const char *words)
{
	int expected = words[0] ? MUS_ERR_CONFLICT : 0;

	et.s[0] = '\0';
	assert_int_equal(mus_ctl_check_join(e, "g", signer, &et), expected);
	assert_string_equal(et.s, words);
	assert_int_equal(mus_ctl_group_join(e, "test", "g", signer, &et), expected);
	assert_string_equal(et.s, words);
}

/* Preflight does, too. */
static void
all_say(const char *signer, const char *words)
{
	bool is_there = false;

	OK(mus_ctl_preflight(e, "z.test.", signer, on_unfit, &is_there, &et));
	while (!is_there)
		turn_for(l, 5);
	assert_string_equal(said, words);
	join_says(signer, words);
}

static void
at_address(unsigned i, const char *name, const char *address)
{
	snprintf(sig[i].ns[0].name, sizeof sig[i].ns[0].name, "%s", name);
	sig[i].ns_count = sig[i].ns[0].addr_count = 1;
	assert_true(mus_addr_parse(address, 53, &sig[i].ns[0].addr[0]));
	OK(mus_ctl_put_signer(e, "test", &sig[i], NULL, &et));
}

#define ONE_OWNER ": it belongs to one; a server that serves the copies of several signers is a signer of its own with " \
	"driver secondary"

/* Everything that a join refuses; nothing is changed by asking. */
static void
refused_alike(void **state)
{
	struct mus_signer_obj more = {.driver = "manual"};

	(void)state;
	assert_int_equal(mus_ctl_check_join(e, "nosuch", "b", &et), MUS_ERR_NOTFOUND);
	assert_int_equal(mus_ctl_check_join(e, "g", "nosuch", &et), MUS_ERR_NOTFOUND);
	assert_int_equal(mus_ctl_check_join(e, "g", "a", &et), MUS_ERR_CONFLICT);
	assert_string_equal(et.s, "signer a is a member of group g already");
	at_address(0, "ns.a.test.", "fd53:3::1");
	at_address(1, "ns.b.test.", "fd53:3::1");
	all_say("b", "fd53:3::1 is an address of ns.a.test. (signer a) and of ns.b.test. (signer b)" ONE_OWNER);
	at_address(1, "ns.a.test.", "fd53:3::2");
	all_say("b", "ns.a.test. is a name server of signer a and of signer b" ONE_OWNER);
	assert_string_equal(members(), "a");
	at_address(1, "ns.b.test.", "fd53:3::2");
	all_say("b", "");
	assert_string_equal(members(), "ab");
	for (unsigned i = 0; i < 6; i++) {
		more.id = 0;
		snprintf(more.name, sizeof more.name, "m%u", i);
		OK(mus_ctl_put_signer(e, "test", &more, NULL, &et));
		OK(mus_ctl_group_join(e, "test", "g", more.name, &et));
	}
	assert_int_equal(mus_ctl_check_join(e, "g", "c", &et), MUS_ERR_CONFLICT);
	assert_string_equal(et.s, "group g has 8 signers, more it cannot hold");
}

/* Name server ${name} at ${address} of signer a is what its copy was last served by, as far as the state knows. */
static void
serve(const char *name, const char *address)
{
	st->zone.ns_count = st->zone.server_count = 1;
	st->zone.ns[0] = (struct mus_zns){.owner = 0};
	snprintf(st->book.ns[0], sizeof st->book.ns[0], "%s", name);
	st->zone.server[0] = (struct mus_server){.origin = 0, .ns = 0};
	assert_true(mus_addr_parse(address, 53, &st->book.addr[0]));
	save_state();
}

#define BY_NAME "ns.a.test. is a name server of signer a and of signer c" ONE_OWNER
#define BY_ADDRESS(name) "192.0.2.1 is an address of ns.a.test. (signer a) and of " name ONE_OWNER
#define STILL_HAS "zone z.test. still has signer a, which its group has not, so signer c has to wait: "

static void
assert_waits(int rc, const char *words)
{
	assert_int_equal(rc, MUS_ERR_CONFLICT);
	assert_string_equal(et.s, words);
}

/* To a group with a signer that serves by what one that leaves by it serves by. */
static void
moved_to_the_same_server(void **state)
{
	struct mus_group_obj g2 = {.name = "g2", .member_count = 2};
	char field[MUS_CTL_FIELD_MAX];

	(void)state;
	g2.member[0].signer_id = sig[1].id;
	g2.member[1].signer_id = sig[2].id;
	OK(mus_ctl_put_group(e, "test", &g2, NULL, &et));
	at_address(0, "ns.a.test.", "192.0.2.1");
	serve("ns.a.test.", "192.0.2.1");
	zone.group_id = g2.id;
	at_address(2, "ns.c.test.", "192.0.2.1");
	assert_waits(mus_ctl_check_zone(e, &zone, field, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	assert_waits(mus_ctl_put_zone(e, "test", &zone, field, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	assert_string_equal(field, "");
	at_address(2, "ns.a.test.", "192.0.2.2");
	assert_waits(mus_ctl_put_zone(e, "test", &zone, field, &et), STILL_HAS BY_NAME);
	/* What it served by until now counts when it has something else already, and what it has when that was not
	 * looked at yet. */
	at_address(0, "ns2.a.test.", "192.0.2.3");
	assert_waits(mus_ctl_put_zone(e, "test", &zone, field, &et), STILL_HAS BY_NAME);
	at_address(2, "ns.c.test.", "192.0.2.1");
	assert_waits(mus_ctl_put_zone(e, "test", &zone, field, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	at_address(0, "ns.a.test.", "192.0.2.1");
	serve("ns2.a.test.", "192.0.2.3");
	assert_waits(mus_ctl_put_zone(e, "test", &zone, field, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	/* It is in nothing, but its process has not ended; then it has left. */
	st->want.keyg = st->want.dsg = st->want.nsg = 2;
	process(MUS_PROC_REMOVE, 0);
	assert_waits(mus_ctl_put_zone(e, "test", &zone, field, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	process(MUS_PROC_NONE, 0);
	/* To be asked is not to be moved. */
	OK(mus_ctl_check_zone(e, &zone, field, &et));
	OK(mus_store_load_zone(store, zone.name, &zone, &et));
	assert_int_not_equal(zone.group_id, g2.id);
	zone.group_id = g2.id;
	OK(mus_ctl_put_zone(e, "test", &zone, field, &et));
}

/* The zone has been moved, and its signer of before has not left it: whatever else would bring the two together. */
static void
met_on_the_way_out(void **state)
{
	struct mus_group_obj g2 = {.name = "g2", .member_count = 1};
	struct mus_signer_obj changed;
	struct mus_zone_obj o;

	(void)state;
	g2.member[0].signer_id = sig[1].id;
	OK(mus_ctl_put_group(e, "test", &g2, NULL, &et));
	at_address(0, "ns.a.test.", "192.0.2.1");
	serve("ns.a.test.", "192.0.2.1");
	zone.group_id = g2.id;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	at_address(2, "ns.c.test.", "192.0.2.1");
	/* a join, its dry run, a group given anew: nothing is changed */
	assert_waits(mus_ctl_group_join(e, "test", "g2", "c", &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	assert_waits(mus_ctl_check_join(e, "g2", "c", &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	g2.member[0].signer_id = sig[2].id;
	assert_waits(mus_ctl_put_group(e, "test", &g2, NULL, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	OK(mus_store_load_group(store, "g2", &g2, &et));
	assert_true(g2.member_count == 1 && g2.member[0].signer_id == sig[1].id);
	/* a signer that is a member, and its name servers in this zone */
	at_address(2, "ns.c.test.", "192.0.2.2");
	OK(mus_ctl_group_join(e, "test", "g2", "c", &et));
	changed = sig[2];
	changed.ns[0].addr[0] = sig[0].ns[0].addr[0];
	assert_waits(mus_ctl_put_signer(e, "test", &changed, NULL, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
	/* the one that leaves */
	changed = sig[0];
	changed.ns[0].addr[0] = sig[2].ns[0].addr[0];
	assert_waits(mus_ctl_put_signer(e, "test", &changed, NULL, &et),
	    STILL_HAS "192.0.2.2 is an address of ns.a.test. (signer a) and of ns.c.test. (signer c)" ONE_OWNER);
	o = zone;
	o.signer_count = 1;
	o.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[2].id, .ns_count = 1, .ns[0] = sig[0].ns[0]};
	assert_waits(mus_ctl_put_zone(e, "test", &o, NULL, &et), STILL_HAS BY_NAME);
	/* one that goes out of the group as the other comes in */
	OK(mus_store_load_group(store, "g", &group, &et));
	zone.group_id = group.id;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	at_address(2, "ns.c.test.", "192.0.2.1");
	group.member[0].signer_id = sig[2].id;
	assert_waits(mus_ctl_put_group(e, "test", &group, NULL, &et), STILL_HAS BY_ADDRESS("ns.c.test. (signer c)"));
}

/* What a zone has of its own counts where signers join and change, too. */
static void
own_servers_of_a_zone(void **state)
{
	char field[MUS_CTL_FIELD_MAX];
	struct mus_signer_obj changed;

	(void)state;
	at_address(0, "ns.a.test.", "192.0.2.1");
	zone.signer_count = 1;
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[0].id, .ns_count = 1, .ns[0] = sig[0].ns[0]};
	snprintf(zone.signer[0].ns[0].name, sizeof zone.signer[0].ns[0].name, "own.a.test.");
	assert_true(mus_addr_parse("192.0.2.7", 53, &zone.signer[0].ns[0].addr[0]));
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	at_address(1, "own.a.test.", "192.0.2.2");
	join_says("b", "zone z.test.: own.a.test. is a name server of signer a and of signer b" ONE_OWNER);
	at_address(1, "ns.b.test.", "192.0.2.7");
	join_says("b", "zone z.test.: 192.0.2.7 is an address of own.a.test. (signer a) and of ns.b.test. (signer b)" ONE_OWNER);
	at_address(1, "ns.b.test.", "192.0.2.2");
	join_says("b", "");
	changed = sig[1];
	assert_true(mus_addr_parse("192.0.2.7", 53, &changed.ns[0].addr[0]));
	assert_int_equal(mus_ctl_put_signer(e, "test", &changed, field, &et), MUS_ERR_INVAL);
	assert_string_equal(field, "/name_servers");
	assert_non_null(strstr(et.s, "zone z.test.: 192.0.2.7 is an address of "));
}

static void
no_room_alike(void **state)
{
	(void)state;
	sig[0].ns_count = sig[1].ns_count = 8;
	for (unsigned i = 0; i < 2 * 8 * 5; i++) {
		struct mus_ns_obj *ns = &sig[i / 40].ns[i % 40 / 5];

		snprintf(ns->name, sizeof ns->name, "ns%u.test.", i / 5);
		ns->addr_count = 5;
		snprintf(said, sizeof said, "192.0.2.%u", i);
		assert_true(mus_addr_parse(said, 53, &ns->addr[i % 5]));
	}
	for (unsigned i = 0; i < 2; i++)
		OK(mus_ctl_put_signer(e, "test", &sig[i], NULL, &et));
	all_say("b", "the name servers of group g would have 80 addresses: a zone has room for 64, and its parent "
	    "needs 1");
}

/* The join half of a migration is taken back: so is the leave that was to follow. */
static void
a_migration_is_aborted(void **state)
{
	static const char words[] =
	    "\na was to leave afterwards: it stays in this zone until it leaves again.\n"
	    "Group g still has a marked as leaving, for its other zones and new ones: "
	    "\"signer join a --group g\" takes that back.\n"
	    "Group g still has b as a member, for its other zones and new ones: "
	    "\"signer leave b --group g\" takes that back.\n";
	struct mus_buf out;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(mus_ctl_group_leave(e, "test", "g", "a", &et));
	process(MUS_PROC_ADD, 1);
	mus_buf_init(&out, 1 << 16);
	OK(mus_ctl_abort(e, "test", "z.test", false, &out, &et));
	assert_non_null(memmem(out.data, out.len, words, sizeof words - 1));
	mus_buf_clear(&out);
	for (unsigned i = 0; i < 2; i++)
		turn();
	assert_int_equal(st->want.proc.kind, MUS_PROC_NONE);
	assert_true(st->zone.signer[0].is_member);
	assert_false(st->zone.signer[1].is_member);
	assert_int_equal(st->want.keyg & st->want.dsg & st->want.nsg, 1);
	/* the commands do what was said, in this order */
	OK(mus_ctl_group_join(e, "test", "g", "a", &et));
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	OK(mus_store_load_group(store, "g", &group, &et));
	assert_int_equal(group.member_count, 1);
	assert_false(group.member[0].leaving);
}

/* Who alone signs the zone cannot leave it: a leave that its abort would begin had no end. */
static void
the_join_of_the_only_signer_is_not_aborted(void **state)
{
	struct mus_buf out;

	(void)state;
	st->want.keyg = st->want.dsg = st->want.nsg = 1;
	process(MUS_PROC_ADD, 0);
	mus_buf_init(&out, 1 << 16);
	for (int dry_run = 0; dry_run < 2; dry_run++) {
		assert_int_equal(mus_ctl_abort(e, "test", "z.test", dry_run, &out, &et), MUS_ERR_CONFLICT);
		assert_string_equal(et.s, "z.test.: a is the only signer of the zone: its join cannot be turned round. Let "
		    "it end: it may leave when another has joined; or give the zone up as it stands (zone delete "
		    "--abandon)");
		assert_int_equal(out.len, 0);
	}
	st->want.keyg = 3;
	process(MUS_PROC_ADD, 0);
	OK(mus_ctl_abort(e, "test", "z.test", true, &out, &et));
	mus_buf_clear(&out);
	/* nor is there anything to resume in a zone that is not held */
	assert_int_equal(mus_ctl_resume(e, "test", "z.test", &et), MUS_ERR_CONFLICT);
	assert_string_equal(et.s, "z.test.: is not held");
}

/* A key file that has gone is told at the signer, as of now. */
static void
a_key_file_that_has_gone(void **state)
{
	char path[] = "/tmp/mus-key-XXXXXX";
	int fd = mkstemp(path);
	static const char key[] = "key \"k\" { algorithm hmac-sha256; secret \"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTE=\"; };\n";

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, key, sizeof key - 1), sizeof key - 1);
	close(fd);
	snprintf(sig[0].key_file, sizeof sig[0].key_file, "%s", path);
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	assert_string_equal(mus_ctl_signer_trouble(e, sig[0].id), "");
	eng_signer_forget(e, sig[0].id);	/* as after a start */
	assert_int_equal(unlink(path), 0);
	assert_non_null(strstr(mus_ctl_signer_trouble(e, sig[0].id), path));
	assert_string_equal(mus_ctl_signer_trouble(e, sig[1].id), "");
}

/* So is a leave: the group's mark is for its other zones, and told. */
static void
a_leave_is_aborted(void **state)
{
	static const char words[] = "leaves again.\nGroup g still has a marked as leaving, for its other zones and "
				    "new ones: \"signer join a --group g\" takes that back.\n";
	struct mus_buf out;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(mus_ctl_group_leave(e, "test", "g", "a", &et));
	process(MUS_PROC_REMOVE, 0);
	mus_buf_init(&out, 1 << 16);
	OK(mus_ctl_abort(e, "test", "z.test", true, &out, &et));
	assert_true(out.len >= sizeof words - 1);
	assert_string_equal((const char *)out.data + out.len - (sizeof words - 1), words);
	mus_buf_clear(&out);
}

/* Signer a with this name server. */
static void
named(const char *fmt, unsigned i)
{
	snprintf(sig[0].ns[0].name, sizeof sig[0].ns[0].name, fmt, i);
	sig[0].ns_count = 1;
	sig[0].ns[0].addr_count = 1;
	assert_true(mus_addr_parse("192.0.2.1", 53, &sig[0].ns[0].addr[0]));
	OK(mus_ctl_put_signer(e, "test", &sig[0], NULL, &et));
	if (!eng_sync(e, &zone, st, &et))
		fail_msg("%s", et.s);
}

static bool
is_known(const char *name)
{
	return mus_book_find_ns(&st->book, &st->zone, name) >= 0;
}

/* The place of a name is free when nothing refers to it, and not before. */
static void
names_come_and_go(void **state)
{
	struct mus_ring *ns = &st->seen.signer[0][MUS_RR_NS];
	struct mus_ring *pns = mus_seen_ring(&st->seen, MUS_PARENT, MUS_RR_PNS);
	struct mus_pending *p = &st->seen.pending[0];

	(void)state;
	for (unsigned i = 0; i < 3 * MUS_NSNAMES_MAX; i++)
		named("ns%u.test.", i);
	assert_in_range(st->zone.ns_count, 1, 2);
	assert_true(is_known("ns95.test."));
	assert_false(is_known("ns94.test."));
	ns->count = pns->count = 1;
	ns->v[0].set = mus_bit((unsigned)eng_intern_ns(st, "seen.test.", MUS_OWNER_UNKNOWN));
	pns->v[0].set = mus_bit((unsigned)eng_intern_ns(st, "above.test.", MUS_OWNER_UNKNOWN));
	st->seen.pending_count = 1;
	p->kind = MUS_RR_NS;
	p->del = mus_bit((unsigned)eng_intern_ns(st, "sent.test.", MUS_OWNER_UNKNOWN));
	for (unsigned i = 0; i < 3 * MUS_NSNAMES_MAX; i++)
		named("ns%u.test.", i);
	assert_true(is_known("seen.test.") && is_known("above.test.") && is_known("sent.test."));
	ns->count = pns->count = 0;
	st->seen.pending_count = 0;
	named("ns%u.test.", 0);
	assert_false(is_known("seen.test.") || is_known("above.test.") || is_known("sent.test."));
	assert_in_range(st->zone.ns_count, 4, 5);	/* free places among them */
	save_state();
	OK(eng_load_state(e, zone.id, st, &et));
	assert_true(is_known("ns0.test."));
	/* no place for the signer's own: looked at all the same, and named when there is one */
	ns->count = 1;
	ns->v[0].set = UINT32_MAX;
	for (unsigned i = 0; st->zone.ns_count < MUS_NSNAMES_MAX; i++) {
		char name[40];

		snprintf(name, sizeof name, "x%u.test.", i);
		assert_in_range(eng_intern_ns(st, name, MUS_OWNER_UNKNOWN), 0, MUS_NSNAMES_MAX - 1);
	}
	named("late%u.test.", 0);
	assert_false(is_known("late0.test."));
	assert_int_equal(st->zone.server[0].origin, 0);
	assert_int_equal(st->zone.server[0].ns, MUS_NOBODY);
	ns->count = 0;
	for (unsigned i = 0; i < 2; i++)
		named("late%u.test.", 0);
	assert_true(is_known("late0.test."));
}

/* The newest lines of a history, newest first. */
/* One force at a time: what the second replaces is told, and that it let nothing pass. */
static void
a_force_replaces_another(void **state)
{
	struct mus_zone_view view;
	enum mus_rule other = MUS_RULE_NONE;
	char want[400];
	struct mus_buf out;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	process(MUS_PROC_ADD, 1);
	OK(mus_ctl_hold(e, "test", "z.test", "Monday", &et));
	OK(mus_ctl_view(e, "z.test", &view, &et));
	for (unsigned i = 0; i < view.plan->wait_count; i++)
		if (view.plan->wait[i].rule != MUS_RULE_HELD)
			other = view.plan->wait[i].rule;
	mus_buf_init(&out, 0);
	OK(mus_ctl_force(e, "ann", "z.test", other, "why", false, &out, &et));
	snprintf(want, sizeof want, "ann operator: force past %s: why\n", mus_rule_text(other));
	assert_history(zone.id, 1, want);
	OK(mus_ctl_force(e, "bob", "z.test", other, "more", false, &out, &et));
	snprintf(want, sizeof want,
	    "bob operator: force past %s: more\nbob forced: the force past %s has ended unused: it is replaced by one "
	    "past %s (why)\n", mus_rule_text(other), mus_rule_text(other), mus_rule_text(other));
	assert_history(zone.id, 2, want);
	mus_buf_clear(&out);
}

/* A join that ends before anything was joined is not done: nobody may switch off who was to leave after it. */
static void
taken_back(void **state)
{
	struct mus_buf b;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	process(MUS_PROC_ADD, 1);
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	turn();
	mus_buf_init(&b, 0);
	OK(mus_store_list_events(store, zone.id, 0, 3, add_line, &b));
	assert_true(mus_buf_add_u8(&b, 0));
	assert_non_null(strstr((const char *)b.data, "ADD-SIGNER b is taken back after"));
	mus_buf_clear(&b);
}

/* A zone below that is under care too: its names are no names of this one. */
static void
sample_of_another_zone(void **state)
{
	static const char *const bad[] = {"sub", "www.sub", "a.b.sub"}, *const good[] = {"www", "asub", "www.other"};
	struct mus_zone_obj below = {.group_id = zone.group_id};
	char field[MUS_CTL_FIELD_MAX];

	(void)state;
	snprintf(below.name, sizeof below.name, "sub.z.test.");
	OK(mus_ctl_put_zone(e, "ann", &below, NULL, &et));
	for (unsigned i = 0; i < 3; i++) {
		snprintf(zone.sample, sizeof zone.sample, "%s", bad[i]);
		assert_int_equal(mus_ctl_put_zone(e, "ann", &zone, field, &et), MUS_ERR_INVAL);
		assert_string_equal(field, "/sample");
		assert_non_null(strstr(et.s, "is a name of sub.z.test., a zone of its own"));
	}
	for (unsigned i = 0; i < 3; i++) {
		snprintf(zone.sample, sizeof zone.sample, "%s", good[i]);
		OK(mus_ctl_put_zone(e, "ann", &zone, field, &et));
	}
	/* One that was there first stands in nobody's way. */
	memset(&below, 0, sizeof below);
	below.group_id = zone.group_id;
	snprintf(below.name, sizeof below.name, "other.z.test.");
	OK(mus_ctl_put_zone(e, "ann", &below, NULL, &et));
	zone.mode = MUS_MODE_MANUAL;
	OK(mus_ctl_put_zone(e, "ann", &zone, field, &et));
}

/* A join makes room for the leave of who is lost: it is neither turned round nor taken back. */
static void
put_off(void **state)
{
	struct mus_buf b;

	(void)state;
	OK(mus_ctl_group_join(e, "test", "g", "b", &et));
	OK(mus_ctl_group_join(e, "test", "g", "c", &et));
	st->want.keyg = st->want.dsg = st->want.nsg = 3;
	process(MUS_PROC_ADD, 2);
	OK(lose("b", false, false));
	OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
	turn();
	assert_int_equal(st->want.proc.kind, MUS_PROC_REMOVE);
	assert_int_equal(st->want.proc.signer, 1);
	mus_buf_init(&b, 0);
	OK(mus_store_list_events(store, zone.id, 0, 3, add_line, &b));
	assert_true(mus_buf_add_u8(&b, 0));
	assert_non_null(strstr((const char *)b.data, "ADD-SIGNER c is put off after"));
	mus_buf_clear(&b);
}

/* Who has changed what, from what to what. */
static void
history_says_what(void **state)
{
	struct mus_signer_obj s = sig[1];

	(void)state;
	zone.mode = MUS_MODE_MANUAL;
	snprintf(zone.sample, sizeof zone.sample, "www");
	OK(mus_ctl_put_zone(e, "ann", &zone, NULL, &et));
	assert_history(zone.id, 1, "ann operator: zone z.test. changed: mode auto -> manual, sample none -> www\n");
	snprintf(zone.parent, sizeof zone.parent, "test.");
	assert_true(mus_addr_parse("192.0.2.9", 53, &zone.parent_addr[0]));
	zone.parent_addr_count = 1;
	zone.sample[0] = '\0';
	zone.signer_count = 1;
	zone.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[0].id, .max_ttl_s = 60, .ns_count = 1};
	snprintf(zone.signer[0].ns[0].name, sizeof zone.signer[0].ns[0].name, "ns.z.test.");
	assert_true(mus_addr_parse("192.0.2.1", 53, &zone.signer[0].ns[0].addr[0]));
	zone.signer[0].ns[0].addr_count = 1;
	OK(mus_ctl_put_zone(e, "ann", &zone, NULL, &et));
	assert_history(zone.id, 1, "ann operator: zone z.test. changed: sample www -> none, parent none -> test., "
	    "parent addresses none -> 192.0.2.9, for a none -> ns.z.test.=192.0.2.1 largest TTL 60\n");
	zone.signer_count = 0;
	zone.group_id = 0;
	st->want.keyg = st->want.dsg = st->want.nsg = 0;
	save_state();
	OK(mus_ctl_put_zone(e, "bob", &zone, NULL, &et));
	assert_history(zone.id, 1, "bob operator: zone z.test. changed: group g -> none, "
	    "for a ns.z.test.=192.0.2.1 largest TTL 60 -> none\n");
	OK(mus_ctl_put_zone(e, "bob", &zone, NULL, &et));
	assert_history(zone.id, 1, "bob operator: zone z.test. changed: nothing differs\n");
	s.update_rate = 5;
	s.no_transfer = true;
	s.ns_count = 1;
	snprintf(s.ns[0].name, sizeof s.ns[0].name, "ns.b.test.");
	s.ns[0].addr[0] = zone.parent_addr[0];
	s.ns[0].addr_count = 1;
	OK(mus_ctl_put_signer(e, "bob", &s, NULL, &et));
	assert_history(0, 1, "bob operator: signer b changed: no transfer no -> yes, update rate 0 -> 5, "
	    "name servers none -> ns.b.test.=192.0.2.9\n");
}

/* What a probe found was for how the signer was. */
static void
capabilities_are_forgotten(void **state)
{
	struct mus_signer_obj s;

	(void)state;
	OK(mus_store_load_signer_id(store, sig[1].id, &s, &et));
	s.caps.dnskey = MUS_NO;
	s.caps_at = eng_now(e);
	OK(mus_store_save_signer(store, &s, &et));
	OK(mus_ctl_put_signer(e, "test", &s, NULL, &et));
	OK(mus_store_load_signer_id(store, sig[1].id, &s, &et));
	assert_int_equal(s.caps.dnskey, MUS_UNKNOWN);
	assert_false(mus_time_is_set(s.caps_at));
	/* Nobody has to try what a secondary takes: nothing is changed there. */
	s = (struct mus_signer_obj){.name = "second", .driver = "secondary", .max_ttl_s = 60, .ns_count = 1};
	snprintf(s.ns[0].name, sizeof s.ns[0].name, "ns.second.test.");
	assert_true(mus_addr_parse("192.0.2.77", 53, &s.ns[0].addr[0]));
	s.ns[0].addr_count = 1;
	OK(mus_ctl_put_signer(e, "test", &s, NULL, &et));
	OK(mus_store_load_signer_id(store, s.id, &s, &et));
	assert_int_equal(s.caps.dnskey, MUS_NO);
	assert_int_equal(s.caps.ns, MUS_NO);
}

/* A step is for what was shown: not for what the zone has come to since. */
static void
step_elsewhere(void **state)
{
	struct eng_zone *z = eng_zone_get(e, zone.id);
	struct mus_proc p = {.kind = MUS_PROC_NONE};

	(void)state;
	zone.mode = MUS_MODE_MANUAL;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	assert_int_equal(mus_ctl_step(e, "test", "z.test", &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "there is no step to take"));
	eng_busy(z)->step = true;
	eng_allow_at(z->busy, &p);
	turn();
	assert_true(z->busy->step);
	p.kind = MUS_PROC_ADD;
	p.signer = 1;
	eng_allow_at(z->busy, &p);
	turn();
	assert_false(z->busy && z->busy->step);
	assert_history(zone.id, 1, "musicd operator: the step has ended unused: the zone is no longer where it was allowed\n");
}

/* What is stored of the zone becomes what it never was: ${at} < 0 counts from the end. */
static void
damage(int at, uint8_t byte)
{
	struct mus_buf b;

	mus_buf_init(&b, 0);
	assert_true(mus_zonestate_encode(st, &b));
	b.data[at < 0 ? b.len - (size_t)-at : (size_t)at] ^= byte;
	OK(eng_begin(e));
	OK(mus_store_save_state(store, zone.id, b.data, b.len, &et));
	eng_forget_kept(e);
	mus_buf_clear(&b);
}

/* A preflight is about its zone and the group itself; what is wrong in another zone, the join says for all. */
static void
preflight_of_one_zone(void **state)
{
	struct mus_zone_obj other = {.name = "other.test.", .group_id = group.id};
	bool is_there = false;

	(void)state;
	OK(mus_ctl_put_zone(e, "test", &other, NULL, &et));
	zone.id = other.id;
	damage(0, 0x40);
	OK(mus_ctl_preflight(e, "z.test.", "b", on_unfit, &is_there, &et));
	while (!is_there)
		turn_for(l, 5);
	assert_string_equal(said, "");
	assert_int_equal(mus_ctl_preflight(e, "other.test.", "b", on_unfit, &is_there, &et), MUS_ERR_CONFLICT);
	assert_int_equal(mus_ctl_check_join(e, "g", "b", &et), MUS_ERR_CONFLICT);
	assert_non_null(strstr(et.s, "zone other.test.: what is stored of the zone cannot be read"));
}

/* As the schedule begins one. */
static void
begin_turn(void)
{
	struct eng_zone *z = eng_zone_get(e, zone.id);

	z->in_turn = true;
	e->active++;
	eng_turn_start(e, z);
}

static unsigned
unknown_zones(void)
{
	struct mus_ctl_stats stats;

	mus_ctl_stats(e, &stats);
	return (unsigned)stats.state[MUS_STATE_UNKNOWN];
}

/* Of another version, or damaged: the zone says so in all places, what cannot work is refused with the reason, and
 * it can be given out of care and in again, whatever it was doing. */
static void
what_is_stored_cannot_be_read(void **state)
{
	static const struct {
		int at;
		uint8_t byte;
		const char *why;
	} t[] = {{0, 0x40, "version"}, {-1, 1, "damaged (checksum differs)"}};
	struct mus_zone_view view;
	struct mus_buf b;
	char want[MUS_TEXT_MAX], history[3 * MUS_TEXT_MAX];

	(void)state;
	for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
		OK(mus_ctl_group_join(e, "test", "g", "b", &et));
		process(MUS_PROC_ADD, 1);
		OK(mus_store_load_zone(store, "z.test.", &zone, &et));
		snprintf(zone.state, sizeof zone.state, "VALID");
		snprintf(zone.process, sizeof zone.process, "ADD-SIGNER b");
		OK(eng_begin(e));
		OK(mus_store_save_zone_status(store, &zone, &et));
		damage(t[i].at, t[i].byte);
		assert_int_equal(unknown_zones(), 0);
		begin_turn();
		begin_turn();
		OK(eng_begin(e));
		assert_int_equal(unknown_zones(), 1);
		OK(mus_store_load_zone(store, "z.test.", &zone, &et));
		assert_string_equal(zone.state, "UNKNOWN");
		assert_non_null(strstr(zone.waiting, "what is stored of the zone cannot be read (zone state: "));
		assert_non_null(strstr(zone.waiting, t[i].why));
		assert_non_null(strstr(zone.waiting, "\"zone delete\" and \"zone add\""));
		snprintf(want, sizeof want, "%s", zone.waiting);
		/* once */
		snprintf(history, sizeof history, "musicd state: VALID -> UNKNOWN: %s\n"
		    "test operator: signer b joins group g\n", want);
		assert_history(zone.id, 2, history);
		mus_buf_init(&b, 0);
		assert_int_equal(mus_ctl_view(e, "z.test.", &view, &et), MUS_ERR_CONFLICT);
		assert_string_equal(et.s, want);
		assert_int_equal(mus_ctl_check(e, "test", "z.test.", &et), MUS_ERR_CONFLICT);
		assert_int_equal(mus_ctl_abort(e, "test", "z.test.", false, &b, &et), MUS_ERR_CONFLICT);
		assert_string_equal(et.s, want);
		mus_buf_clear(&b);
		assert_int_equal(mus_ctl_group_join(e, "test", "g", "c", &et), MUS_ERR_CONFLICT);
		assert_non_null(strstr(et.s, "zone z.test.: what is stored of the zone cannot be read"));
		assert_int_equal(mus_ctl_group_leave(e, "test", "g", "a", &et), MUS_ERR_CONFLICT);
		assert_non_null(strstr(et.s, "zone z.test.: what is stored of the zone cannot be read"));
		assert_string_equal(members(), "ab");
		/* forgotten, and as if it were new */
		OK(mus_ctl_delete_zone(e, "test", "z.test.", false, &et));
		OK(mus_ctl_group_leave(e, "test", "g", "b", &et));
		zone.id = 0;
		zone.process[0] = zone.waiting[0] = '\0';
		OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
		OK(mus_ctl_view(e, "z.test.", &view, &et));
		assert_false(view.state->want.adopted);
		save_state();
	}
}

/* Addresses that no server can have are refused where they stand, and those beside them are taken. */
static void
addresses_of_nobody(void **state)
{
	static const struct {
		const char *text, *why;		/* NULL: it is taken */
	} t[] = {
	    {"224.0.0.0", "is a multicast address"}, {"224.0.0.1", "is a multicast address"},
	    {"239.255.255.255@5353", "is a multicast address"}, {"ff00::", "is a multicast address"},
	    {"ff02::fb", "is a multicast address"}, {"255.255.255.255", "is the broadcast address"},
	    {"::ffff:192.0.2.1", "is an IPv4 address written as IPv6"},
	    {"0.0.0.0", "stands for no address at all"}, {"::", "stands for no address at all"},
	    {"223.255.255.255", NULL}, {"240.0.0.1", NULL}, {"255.255.255.254", NULL}, {"0.0.0.1", NULL},
	    {"::1", NULL}, {"feff::1", NULL}, {"2001:db8::ff00", NULL},
	};
	char field[MUS_CTL_FIELD_MAX];
	struct mus_addr good;
	char words[MUS_TEXT_MAX];

	(void)state;
	assert_true(mus_addr_parse("192.0.2.1", 53, &good));
	for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
		int want = t[i].why ? MUS_ERR_INVAL : 0;
		struct mus_signer_obj s = sig[2];
		struct mus_zone_obj o = zone;
		struct mus_addr a;

		assert_true(mus_addr_parse(t[i].text, 53, &a));
		s.update = a;
		assert_int_equal(mus_ctl_put_signer(e, "test", &s, field, &et), want);
		if (t[i].why) {
			assert_string_equal(field, "/update");
			snprintf(words, sizeof words, "no server has the address %s: it %s", t[i].text, t[i].why);
			assert_string_equal(et.s, words);
		}
		s.update = good;
		s.ns_count = 1;
		snprintf(s.ns[0].name, sizeof s.ns[0].name, "ns.c.test.");
		s.ns[0].addr[0] = good;
		s.ns[0].addr[1] = a;
		s.ns[0].addr_count = 2;
		assert_int_equal(mus_ctl_put_signer(e, "test", &s, field, &et), want);
		if (t[i].why)
			assert_string_equal(field, "/name_servers/0/addresses/1");
		o.signer_count = 1;
		o.signer[0] = (struct mus_zone_signer_obj){.signer_id = sig[2].id, .ns_count = 1, .ns[0] = s.ns[0]};
		assert_int_equal(mus_ctl_put_zone(e, "test", &o, field, &et), want);
		if (t[i].why)
			assert_string_equal(field, "/signers/0/name_servers/0/addresses/1");
		o.signer_count = 0;
		snprintf(o.parent, sizeof o.parent, "test.");
		o.parent_addr[0] = a;
		o.parent_addr_count = 1;
		assert_int_equal(mus_ctl_put_zone(e, "test", &o, field, &et), want);
		if (t[i].why)
			assert_string_equal(field, "/parent_addresses/0");
	}
}

/* A join or a leave is in the history of each zone of the group, and of no other. */
static void
history_of_a_group(void **state)
{
	struct mus_zone_obj more = {.group_id = group.id}, other = {.group_id = 0};

	(void)state;
	snprintf(more.name, sizeof more.name, "more.test.");
	snprintf(other.name, sizeof other.name, "other.test.");
	OK(mus_ctl_put_zone(e, "test", &more, NULL, &et));
	OK(mus_ctl_put_zone(e, "test", &other, NULL, &et));
	OK(mus_ctl_group_join(e, "ann", "g", "b", &et));
	assert_history(zone.id, 1, "ann operator: signer b joins group g\n");
	assert_history(more.id, 1, "ann operator: signer b joins group g\n");
	assert_history(other.id, 1, "test operator: zone other.test. added\n");
	OK(mus_ctl_group_leave(e, "bob", "g", "a", &et));
	assert_history(zone.id, 2, "bob operator: signer a leaves group g\nann operator: signer b joins group g\n");
	assert_history(more.id, 1, "bob operator: signer a leaves group g\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(joined_and_left, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(taken_back, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_force_replaces_another, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(put_off, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(left_one_by_one, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(many_leavers, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(not_seen_yet, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(moved_away, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(moved_to_others, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_stands_is_counted, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_cannot_be_stored_is_the_first_wait, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_force_names_what_it_does_not_pass, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(the_last_is_not_lost, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(only_who_takes_part_is_lost, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(who_answers_is_not_lost, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_loss_is_counted_until_it_is_over, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(preflight_of_a_lost_one, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(preflight_of_one_zone, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(refused_alike, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(moved_to_the_same_server, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(met_on_the_way_out, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(own_servers_of_a_zone, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(no_room_alike, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_migration_is_aborted, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(the_join_of_the_only_signer_is_not_aborted, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_key_file_that_has_gone, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(a_leave_is_aborted, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(names_come_and_go, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(sample_of_another_zone, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(history_says_what, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(capabilities_are_forgotten, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(step_elsewhere, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(history_of_a_group, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(what_is_stored_cannot_be_read, setup, rig_teardown),
	    cmocka_unit_test_setup_teardown(addresses_of_nobody, setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
