/*
 * Commands that tell signers about their keys: when one is run, how often, what is kept of it, and what an operator
 * may order.  The commands are real ones; what was seen of the zone is made by hand.
 */
#include <unistd.h>

#include "core/rows.h"
#include "rig.h"

enum { A, B, OLD = 0, NEW = 1, SEP = 2 };

static struct mus_signer_obj sig[2];
static struct mus_group_obj group;
static struct mus_zone_obj zone;
static char dir[64], out_path[96];

static int64_t later_ms;		/* so much the clock is ahead */

struct mus_time __real_mus_loop_now(const struct mus_loop *loop);
struct mus_time __wrap_mus_loop_now(const struct mus_loop *loop);

struct mus_time
__wrap_mus_loop_now(const struct mus_loop *loop)
{
	return mus_time_add_ms(__real_mus_loop_now(loop), later_ms);
}

static bool event_fails;
static unsigned allocs_left;		/* then one fails; 0: none does */

void *__real_mus_arena_alloc(struct mus_arena *a, size_t len);
void *__wrap_mus_arena_alloc(struct mus_arena *a, size_t len);

void *
__wrap_mus_arena_alloc(struct mus_arena *a, size_t len)
{
	if (allocs_left == 0 || --allocs_left > 0)
		return __real_mus_arena_alloc(a, len);
	a->failed = true;
	return NULL;
}

int __real_mus_store_add_event(struct mus_store *s, const struct mus_event_obj *o, struct mus_errtext *why);
int __wrap_mus_store_add_event(struct mus_store *s, const struct mus_event_obj *o, struct mus_errtext *why);

int
__wrap_mus_store_add_event(struct mus_store *s, const struct mus_event_obj *o, struct mus_errtext *why)
{
	return event_fails ? mus_errf(why, MUS_ERR_STORE, "disk full") : __real_mus_store_add_event(s, o, why);
}

static int not_begun;			/* enum mus_err: no command can be begun; 0: each can */

int __real_mus_run_start(struct mus_runs *set, const struct mus_run_cmd *cmd, mus_run_fn *fn, void *arg);
int __wrap_mus_run_start(struct mus_runs *set, const struct mus_run_cmd *cmd, mus_run_fn *fn, void *arg);

int
__wrap_mus_run_start(struct mus_runs *set, const struct mus_run_cmd *cmd, mus_run_fn *fn, void *arg)
{
	return not_begun ? not_begun : __real_mus_run_start(set, cmd, fn, arg);
}

static void
save(void)
{
	OK(eng_save_state(e, zone.id, st));
}

static void
hooks(const char *script)
{
	static const char *const verbs[] = {"roll", "go", "withdraw"};
	const char *words[] = {"/bin/sh", "-c", script, "sh", "{zone}", "{role}", "{old-key-tag}", "{algorithm}"};
	struct mus_hook h[MUS_VERB_COUNT];

	for (unsigned i = 0; i < MUS_VERB_COUNT; i++) {
		h[i] = (struct mus_hook){"a", (enum mus_verb)i, MUS_KEY_ROLE_ZSK | MUS_KEY_ROLE_KSK, words,
		    sizeof words / sizeof *words, 10000};
		assert_string_equal(mus_verb_text((enum mus_verb)i), verbs[i]);
	}
	OK(mus_engine_set_hooks(e, h, MUS_VERB_COUNT));
}

/* Group g with signers a and b, zone z.test; a signs with key 0 (ZSK) and 2 (SEP). */
static int
setup(void **state)
{
	static const char *const names[] = {"a", "b"};
	struct mus_engine_opts o = rig_opts();

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/mus-test-order-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(out_path, sizeof out_path, "%s/out", dir);
	rig_start(&o);
	memset(&group, 0, sizeof group);
	snprintf(group.name, sizeof group.name, "g");
	for (unsigned i = 0; i < 2; i++) {
		memset(&sig[i], 0, sizeof sig[i]);
		snprintf(sig[i].name, sizeof sig[i].name, "%s", names[i]);
		snprintf(sig[i].driver, sizeof sig[i].driver, "manual");
		sig[i].ns_count = sig[i].ns[0].addr_count = 1;
		snprintf(sig[i].ns[0].name, sizeof sig[i].ns[0].name, "ns.%s.test.", names[i]);
		assert_true(mus_addr_parse(i == A ? "192.0.2.1" : "192.0.2.2", 53, &sig[i].ns[0].addr[0]));
		OK(mus_ctl_put_signer(e, "test", &sig[i], NULL, &et));
		st->book.signer_id[i] = sig[i].id;
		snprintf(st->book.signer[i], sizeof st->book.signer[i], "%s", names[i]);
		group.member[group.member_count++].signer_id = sig[i].id;
	}
	OK(mus_ctl_put_group(e, "test", &group, NULL, &et));
	memset(&zone, 0, sizeof zone);
	snprintf(zone.name, sizeof zone.name, "z.test.");
	zone.group_id = group.id;
	OK(mus_ctl_put_zone(e, "test", &zone, NULL, &et));
	snprintf(zone.state, sizeof zone.state, "VALID");
	OK(mus_store_save_zone_status(store, &zone, &et));
	st->book.zone_id = zone.id;
	snprintf(st->book.zone, sizeof st->book.zone, "z.test.");
	st->zone.signer_count = 2;
	st->zone.signer[A].is_member = st->zone.signer[B].is_member = true;
	st->zone.key_count = 3;
	for (unsigned k = 0; k < 3; k++)
		st->zone.key[k] = (struct mus_zkey){.alg = 13, .tag = (uint16_t)(100 + k), .is_zone = true, .is_sep = k == SEP,
		    .owner = A, .evidence = MUS_EV_SIGNATURE, .signs_data = k == SEP ? MUS_NO : MUS_YES,
		    .gone_at = MUS_TIME_NEVER, .id = k + 1};
	for (unsigned k = 0; k < MUS_KEYS_PER_OWNER_MAX; k++) {
		st->book.key[k].rdata = calloc(1, 68);
		st->book.key[k].len = 68;
	}
	st->want.adopted = true;
	st->want.keyg = st->want.dsg = st->want.nsg = 3;
	st->want.known = mus_bit(OLD) | mus_bit(SEP);
	save();
	e->zobj = zone;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rig_stop();
	unlink(out_path);
	return rmdir(dir);
}

/* What the commands have written, each a line of theirs. */
static const char *
written(void)
{
	static char text[512];
	FILE *f = fopen(out_path, "r");

	text[f ? fread(text, 1, sizeof text - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	return text;
}

static void
script(char out[static 256], const char *then)
{
	snprintf(out, 256, "echo $MUSIC_VERB $* $MUSIC_NEW_KEY_TAG >>%s; %s", out_path, then);
}

/* a rolls its ZSK, and is waited for in the row of this name. */
static void
rolls(const char *row)
{
	struct mus_roll *r = &st->want.roll[0];

	mus_roll_clear(r);
	r->kind = MUS_PROC_ZSK;
	r->signer = A;
	r->in = mus_bit(NEW);
	r->out = mus_bit(OLD);
	r->started_at = r->row_at = eng_now(e);
	while (strcmp(mus_row_name(r->kind, r->row), row) != 0)
		r->row++;
	save();
}

/* The end of a turn that was planned so; what was seen is recent, for nothing is to be watched. */
static bool
turn(enum mus_rule waits)
{
	struct mus_policy policy = e->o.policy;
	struct eng_zone *z = eng_zone_get(e, zone.id);
	bool again;

	OK(eng_begin(e));
	OK(eng_load_state(e, zone.id, st, &et));
	memset(&e->plan, 0, sizeof e->plan);
	e->plan.want = st->want;
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		e->plan.roll_wait[i] = MUS_WITNESS_NONE;
	e->plan.roll_wait[0] = (struct mus_witness){.rule = waits, .result = MUS_RES_FAILS};
	policy.held = e->zobj.held;
	policy.manual = e->zobj.mode == MUS_MODE_MANUAL;
	again = eng_orders_turn(e, z, st, &policy, MUS_TIME_ALWAYS);
	save();
	return again;
}

static struct mus_roll *
stored(void)
{
	OK(eng_load_state(e, zone.id, st, &et));
	return &st->want.roll[0];
}

static void
stop_loop(void *arg)
{
	(void)arg;
	mus_loop_stop(l);
}

static char alarm_text[1024], last_text[1024], ordered_text[1024];

static int
note_event(void *arg, const struct mus_event_obj *o)
{
	unsigned *count = arg;

	if (strcmp(o->kind, "alarm") == 0)
		snprintf(alarm_text, sizeof alarm_text, "%s", o->text);
	if (strcmp(o->kind, "operator") == 0 && strstr(o->text, "is to roll"))
		snprintf(ordered_text, sizeof ordered_text, "%s", o->text);
	if (strcmp(o->kind, "command") == 0 && ++*count == 1)	/* newest first */
		snprintf(last_text, sizeof last_text, "%s", o->text);
	return 0;
}

/* How many commands have ended, as the history says. */
static unsigned
ended(void)
{
	unsigned count = 0;

	alarm_text[0] = last_text[0] = ordered_text[0] = '\0';
	OK(mus_store_list_events(store, zone.id, 0, 1000, note_event, &count));
	return count;
}

static void
run_for(int64_t ms)
{
	struct mus_timer *t = mus_timer_new(l, stop_loop, NULL);

	mus_timer_start(t, ms);
	mus_loop_run(l);
	mus_timer_free(t);
}

static void
until_ended(unsigned want)
{
	for (unsigned i = 0; i < 3000 && (ended() < want || e->in_tx); i++)
		run_for(20);
	assert_int_equal(ended(), want);
}

enum { LONG_MS = 100000000, SHORT_MS = 1 };	/* schedule.retry */

/* Turns until the command was begun so often, and then until it has ended. */
static void
until_tried(unsigned want)
{
	e->o.retry_ms = SHORT_MS;
	for (unsigned i = 0; i < 3000 && stored()->told_tries < want; i++) {
		turn(MUS_RULE_NEWUSED);
		run_for(5);
	}
	e->o.retry_ms = LONG_MS;
	assert_int_equal(stored()->told_tries, want);
}

/* ---- roll-overs ----------------------------------------------------------------------------- */

static void
told_once_in_each_row(void **state)
{
	char s[256];

	(void)state;
	script(s, "exit 0");
	hooks(s);
	rolls("new-key-ready");
	turn(MUS_RULE_KEYWAIT);
	rolls("new-key-in-use");
	turn(MUS_RULE_NEWUSED);
	assert_int_equal(st->want.roll[0].told_tries, 1);
	assert_false(st->want.roll[0].told);	/* stored before it is run */
	assert_string_equal(written(), "");
	until_ended(1);
	assert_string_equal(written(), "go z.test. zsk 100 13 101\n");
	assert_string_equal(last_text, "a go zsk: exit status 0");
	assert_true(stored()->told);
	e->o.retry_ms = SHORT_MS;
	turn(MUS_RULE_NEWUSED);
	run_for(20);
	turn(MUS_RULE_NEWUSED);
	turn(MUS_RULE_OLDUNUSED);
	assert_int_equal(ended(), 1);
	while (strcmp(mus_row_name(MUS_PROC_ZSK, stored()->row), "old-key-gone") != 0) {
		st->want.roll[0].row++;
		save();
	}
	turn(MUS_RULE_OLDGONE);
	until_ended(2);
	assert_string_equal(written(), "go z.test. zsk 100 13 101\nwithdraw z.test. zsk 100 13 101\n");
	turn(MUS_RULE_OLDGONE);
	assert_int_equal(ended(), 2);
}

/* Killed between the two: what is stored says that it was begun and not how it ended. */
static void
killed_while_it_runs(void **state)
{
	char s[256];

	(void)state;
	script(s, "exit 0");
	hooks(s);
	rolls("new-key-in-use");
	st->want.roll[0].told_row = st->want.roll[0].row;
	st->want.roll[0].told_tries = 1;
	st->want.roll[0].told_at = eng_now(e);
	save();
	e->o.retry_ms = LONG_MS;
	turn(MUS_RULE_NEWUSED);
	assert_int_equal(stored()->told_tries, 1);	/* it may have been done, and its effect is not seen yet */
	until_tried(2);
	until_ended(1);
	assert_true(stored()->told);
}

static void
one_that_fails_is_tried_five_times(void **state)
{
	struct mus_ctl_command c[MUS_CTL_COMMANDS_MAX];
	struct mus_zone_view v;
	int64_t due;
	char s[256];

	(void)state;
	script(s, "echo no such zone; exit 3");
	hooks(s);
	rolls("new-key-in-use");
	for (unsigned i = 1; i <= 5; i++) {
		until_tried(i);
		until_ended(i);
		assert_string_equal(last_text, "a go zsk: exit status 3: no such zone");
		assert_int_equal(stored()->told_tries, i);
		assert_int_equal(alarm_text[0] != '\0', i == 5);
		turn(MUS_RULE_NEWUSED);		/* not before the pause is over */
		assert_int_equal(stored()->told_tries, i);
		assert_int_equal(eng_commands(e, eng_zone_get(e, zone.id), st, &e->plan, c), 1);
		assert_int_equal(c[0].state, MUS_CTL_COMMAND_FAILED);
		assert_string_equal(c[0].words, "exit status 3: no such zone");
		assert_int_equal(mus_time_is_set(c[0].next), i < 5);
		/* It doubles, up to eight times as long. */
		due = eng_orders_due_ms(e, eng_zone_get(e, zone.id), st);
		if (i < 5)
			assert_in_range(due, LONG_MS * (1ll << (i - 1)) - 100000, LONG_MS * (1ll << (i - 1)));
		else
			assert_true(due == INT64_MAX);
	}
	assert_non_null(strstr(alarm_text, "a cannot be told to go its zsk: the command has failed 5 times"));
	e->o.retry_ms = SHORT_MS;
	turn(MUS_RULE_NEWUSED);
	run_for(20);
	turn(MUS_RULE_NEWUSED);
	assert_int_equal(stored()->told_tries, 5);
	assert_int_equal(ended(), 5);
	assert_int_equal(eng_orders_due_ms(e, eng_zone_get(e, zone.id), st), INT64_MAX);
	/* The operator has mended it. */
	hooks("exit 0");
	OK(mus_ctl_check(e, "test", "z.test.", &et));
	turn(MUS_RULE_NEWUSED);
	until_ended(6);
	assert_true(stored()->told);
	OK(mus_ctl_view(e, "z.test.", &v, &et));
}

static void
nobody_is_told(void **state)
{
	char s[256];

	(void)state;
	script(s, "exit 0");
	hooks(s);
	rolls("new-key-in-use");
	e->zobj.held = true;
	turn(MUS_RULE_NEWUSED);
	e->zobj.held = false;
	e->zobj.mode = MUS_MODE_MANUAL;
	turn(MUS_RULE_NEWUSED);
	e->zobj.mode = MUS_MODE_AUTO;
	e->verdict.rule[MUS_RULE_V2] = MUS_RES_FAILS;
	e->verdict.finding[e->verdict.finding_count++] =
	    (struct mus_witness){.rule = MUS_RULE_V2, .result = MUS_RES_FAILS, .origin = A, .origin2 = MUS_NOBODY,
		.server2 = MUS_NOBODY};
	turn(MUS_RULE_NEWUSED);
	e->verdict.finding_count = 0;
	e->verdict.rule[MUS_RULE_V2] = MUS_RES_HOLDS;
	stored()->kind = MUS_PROC_CSK;		/* no command is for that */
	save();
	turn(MUS_RULE_NEWUSED);
	stored()->kind = MUS_PROC_ZSK;
	save();
	st->zone.signer[A].is_lost = true;
	save();
	turn(MUS_RULE_NEWUSED);
	st->zone.signer[A].is_lost = false;
	save();
	run_for(20);
	assert_int_equal(stored()->told_tries, 0);
	assert_string_equal(written(), "");
	turn(MUS_RULE_NEWUSED);
	until_ended(1);
}

/* More than a program can be given, which no configuration has: as when memory is out. */
static void
one_that_cannot_be_made(void **state)
{
	static char huge[MUS_RUN_WORDS_MAX];
	int64_t due;

	(void)state;
	memset(huge, 'x', sizeof huge - 1);
	hooks(huge);
	rolls("new-key-in-use");
	for (unsigned i = 1; i <= 5; i++) {
		until_tried(i);
		until_ended(i);
		assert_string_equal(last_text, "a go zsk: not begun: out of memory");
		assert_false(stored()->told);
		assert_int_equal(alarm_text[0] != '\0', i == 5);
		turn(MUS_RULE_NEWUSED);
		assert_int_equal(stored()->told_tries, i);
		due = eng_orders_due_ms(e, eng_zone_get(e, zone.id), st);
		assert_int_equal(due == INT64_MAX, i == 5);
	}
	assert_non_null(strstr(alarm_text, "a cannot be told to go its zsk: the command has failed 5 times"));
}

/* A queue that is full is tried again at each look, and told once; likewise when something else is in the way. */
static void
one_that_cannot_be_begun(void **state)
{
	static const struct {
		int err;
		unsigned told;
		const char *text;
	} rows[] = {
		{MUS_ERR_FULL, 1, "a go zsk: not begun: "}, {MUS_ERR_FULL, 1, "a go zsk: not begun: "},
		{MUS_ERR_NOMEM, 2, "a go zsk: not begun: out of memory"}, {MUS_ERR_FULL, 3, "a go zsk: not begun: "},
		{0, 4, "a go zsk: exit status 3"}, {MUS_ERR_FULL, 5, "a go zsk: not begun: "},
	};
	char s[256];

	(void)state;
	script(s, "exit 3");
	hooks(s);
	rolls("new-key-in-use");
	e->o.retry_ms = SHORT_MS;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned begun = stored()->told_tries;

		not_begun = rows[i].err;
		run_for(2 * SHORT_MS);
		turn(MUS_RULE_NEWUSED);
		until_ended(rows[i].told);
		assert_memory_equal(last_text, rows[i].text, strlen(rows[i].text));
		assert_int_equal(stored()->told_tries, begun + (rows[i].err == 0));
	}
	not_begun = 0;
	e->o.retry_ms = LONG_MS;
}

/* What is deleted while its command runs; and one that still runs at the end of all. */
static void
zone_goes_while_it_runs(void **state)
{
	char s[256];

	(void)state;
	script(s, "exit 0");
	hooks(s);
	rolls("new-key-in-use");
	turn(MUS_RULE_NEWUSED);
	for (unsigned i = 0; i < 3000 && (e->orders || e->in_tx); i++)
		run_for(1);
	OK(mus_ctl_delete_zone(e, "test", "z.test.", true, &et));
	for (unsigned i = 0; i < 3000 && !written()[0]; i++)
		run_for(20);
	run_for(50);
	assert_string_equal(written(), "go z.test. zsk 100 13 101\n");
}

/* ---- the operator's ------------------------------------------------------------------------- */

static char said[2048];

static int
roll(const char *signer, enum mus_proc_kind kind, bool dry_run)
{
	struct mus_buf out;
	int rc;

	mus_buf_init(&out, 0);
	rc = mus_ctl_roll(e, "test", "z.test.", signer, kind, dry_run, &out, &et);
	snprintf(said, sizeof said, "%.*s", (int)out.len, out.data ? (const char *)out.data : "");
	mus_buf_clear(&out);
	return rc;
}

static void
refused(const char *signer, enum mus_proc_kind kind, const char *words)
{
	if (roll(signer, kind, false) != MUS_ERR_CONFLICT || !strstr(et.s, words))
		fail_msg("%s: not %s", et.s, words);
}

static void
shown_by_a(void)
{
	struct mus_ring *ring = &st->seen.signer[A][MUS_RR_KEY];
	struct mus_version *v = &ring->v[0];

	unsigned at = 0;

	(void)eng_sync(e, &zone, st, &et);
	while (at < st->zone.server_count && st->zone.server[at].origin != A)
		at++;
	assert_in_range(at, 0, st->zone.server_count - 1);
	ring->count = 1;
	ring->ok = mus_bit(at);
	ring->asked_at = eng_now(e);
	*v = (struct mus_version){.set = mus_bit(OLD) | mus_bit(SEP), .srv = mus_bit(at), .ttl_s = 60, .first = eng_now(e), .last = eng_now(e), .sig_count = 1};
	v->sig[0] = (struct mus_sig){.key = SEP, .from_s = 0, .until_s = INT32_MAX};
	save();
}

static void
operator_orders(void **state)
{
	char s[256];

	(void)state;
	shown_by_a();
	if (roll("a", MUS_PROC_ZSK, false) < 0)
		fail_msg("%s", et.s);
	assert_non_null(strstr(said, "No command is configured"));
	assert_non_null(strstr(said, "rndc dnssec -rollover -key 100 z.test."));
	assert_non_null(strstr(said, "add-zone-key z.test. zsk inactive"));
	assert_int_equal(roll("a", MUS_PROC_CSK, true), MUS_ERR_INVAL);
	assert_string_equal(et.s, "signer a has no CSK in use in zone z.test.");
	script(s, "exit 0");
	hooks(s);
	OK(roll("a", MUS_PROC_ZSK, true));
	assert_non_null(strstr(said, "a is told by: /bin/sh -c "));
	assert_non_null(strstr(said, " sh z.test. zsk 100 13\n"));
	run_for(20);
	assert_int_equal(ended(), 0);
	OK(roll("a", MUS_PROC_ZSK, false));
	refused("a", MUS_PROC_ZSK, "signer a has just been told to roll its ZSK");
	until_ended(1);
	assert_string_equal(written(), "roll z.test. zsk 100 13\n");
	refused("a", MUS_PROC_ZSK, "signer a has just been told to roll its ZSK");
	OK(roll("a", MUS_PROC_KSK, false));
	until_ended(2);
	assert_non_null(strstr(written(), "roll z.test. ksk 102 13\n"));
	/* A SEP key that signs data is a CSK, for which no command is. */
	st->zone.key[SEP].signs_data = MUS_YES;
	save();
	OK(roll("a", MUS_PROC_CSK, true));
	assert_non_null(strstr(said, "No command is configured"));
	assert_non_null(strstr(said, "add-zone-key z.test. ksk inactive"));
}

/* The history has it when it is on its way, and it is on its way when the history has it. */
static void
operator_orders_what_cannot_begin(void **state)
{
	static char huge[MUS_RUN_WORDS_MAX];
	char s[256];

	(void)state;
	shown_by_a();
	memset(huge, 'x', sizeof huge - 1);
	hooks(huge);
	for (unsigned dry = 0; dry < 2; dry++) {
		assert_int_equal(roll("a", MUS_PROC_ZSK, dry), MUS_ERR_NOMEM);
		assert_string_equal(et.s, "the command that tells a to roll its ZSK cannot be begun: out of memory");
		assert_string_equal(said, "");
	}
	script(s, "exit 0");
	hooks(s);
	event_fails = true;
	assert_int_equal(roll("a", MUS_PROC_ZSK, false), MUS_ERR_STORE);
	event_fails = false;
	assert_null(e->orders);
	assert_null(eng_zone_get(e, zone.id)->busy->orders);
	run_for(50);
	assert_int_equal(ended(), 0);
	assert_string_equal(ordered_text, "");
	assert_string_equal(written(), "");
	/* Memory is out here, or there: while it is said, or while it is made. */
	for (unsigned i = 1; allocs_left == 0; i++) {
		allocs_left = i;
		if (roll("a", MUS_PROC_ZSK, false) < 0) {
			assert_string_equal(et.s, "the command that tells a to roll its ZSK cannot be begun: out of memory");
			assert_int_equal(allocs_left, 0);
			assert_null(e->orders);
			assert_int_equal(ended(), 0);
			assert_string_equal(ordered_text, "");
		} else {
			assert_true(allocs_left > 0 && i > 16);
		}
	}
	allocs_left = 0;
	/* What the engine could not store has nothing to do with it. */
	e->tx_failed = true;
	until_ended(1);
	assert_string_equal(ordered_text, "a is to roll its ZSK");
	assert_string_equal(written(), "roll z.test. zsk 100 13\n");
}

static void
operator_is_refused(void **state)
{
	char s[256];

	(void)state;
	script(s, "exit 1");
	hooks(s);
	shown_by_a();
	refused("nosuch", MUS_PROC_ZSK, "signer nosuch does not sign zone z.test.");
	st->want.keyg = 2;
	save();
	refused("a", MUS_PROC_ZSK, "signer a does not sign zone z.test.");
	st->want.keyg = 3;
	st->want.proc.kind = MUS_PROC_REMOVE;
	st->want.proc.signer = B;
	save();
	refused("a", MUS_PROC_ZSK, "-SIGNER b is running; roll when it has ended");
	st->want.proc.kind = MUS_PROC_NONE;
	save();
	st->seen.signer[A][MUS_RR_KEY].v[0].set |= mus_bit(NEW);
	rolls("old-key-unused");
	refused("a", MUS_PROC_ZSK, "signer a rolls its ZSK already (old-key-unused)");
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++) {
		st->want.roll[i] = st->want.roll[0];
		st->want.roll[i].kind = MUS_PROC_KSK;
	}
	save();
	refused("a", MUS_PROC_ZSK, "4 roll-overs of the zone are followed");
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		mus_roll_clear(&st->want.roll[i]);
	st->seen.signer[A][MUS_RR_KEY].v[0].set = mus_bit(MUS_KEYS_PER_OWNER_MAX) - 1;
	st->want.known = ~0ull;
	st->zone.key_count = MUS_KEYS_PER_OWNER_MAX;
	for (unsigned k = 3; k < MUS_KEYS_PER_OWNER_MAX; k++) {
		st->zone.key[k] = st->zone.key[0];
		st->zone.key[k].id = k + 1;
	}
	save();
	refused("a", MUS_PROC_ZSK, "signer a has 12 keys in the zone, and more than 12 are not imported (G8)");
	st->seen.signer[A][MUS_RR_KEY].v[0].set = mus_bit(MUS_KEYS_PER_OWNER_MAX - 1) - 1;
	st->zone.key_count = MUS_KEYS_PER_OWNER_MAX - 1;
	save();
	OK(roll("a", MUS_PROC_ZSK, true));
	OK(mus_ctl_hold(e, "test", "z.test.", "lunch", &et));
	refused("a", MUS_PROC_ZSK, "z.test. is held");
	OK(mus_ctl_resume(e, "test", "z.test.", &et));
	OK(mus_store_load_zone(store, "z.test.", &zone, &et));
	snprintf(zone.state, sizeof zone.state, "AT-RISK");
	OK(mus_store_save_zone_status(store, &zone, &et));
	refused("a", MUS_PROC_ZSK, "z.test. is AT-RISK: roll when it is well again");
	snprintf(zone.state, sizeof zone.state, "VALID");
	OK(mus_store_save_zone_status(store, &zone, &et));
	st->want.adopted = false;
	save();
	refused("a", MUS_PROC_ZSK, "has not been seen completely yet");
	st->want.adopted = true;
	save();
	/* One that has failed can be ordered again at once: the operator is there. */
	OK(roll("a", MUS_PROC_ZSK, false));
	until_ended(1);
	OK(roll("a", MUS_PROC_ZSK, false));
	until_ended(2);
	run_for(100);
	assert_int_equal(ended(), 2);	/* and by itself it is not */
	turn(MUS_RULE_NONE);
	assert_non_null(eng_zone_get(e, zone.id)->busy->orders);
	run_for(20);
	later_ms = 3601000;		/* it is told for an hour */
	run_for(20);
	turn(MUS_RULE_NONE);
	later_ms = 0;
	assert_null(eng_zone_get(e, zone.id)->busy->orders);
	assert_int_equal(e->stats.commands, 2);
	assert_int_equal(e->stats.commands_failed, 2);
}

/* How a roll has ended is told until a process begins after it: the operator has gone on without. */
static void
a_process_ends_the_news(void **state)
{
	char s[256];
	struct eng_zone *z;

	(void)state;
	script(s, "exit 1");
	hooks(s);
	shown_by_a();
	OK(roll("a", MUS_PROC_ZSK, false));
	until_ended(1);
	z = eng_zone_get(e, zone.id);
	OK(eng_load_state(e, zone.id, st, &et));
	st->want.proc = (struct mus_proc){.kind = MUS_PROC_REMOVE, .signer = B, .started_at = mus_time_add_s(eng_now(e), -3600)};
	save();
	turn(MUS_RULE_NONE);
	assert_non_null(z->busy->orders);	/* it ran before the command had ended */
	st->want.proc.started_at = eng_now(e);
	save();
	turn(MUS_RULE_NONE);
	assert_null(z->busy->orders);
}

/* ---- words ---------------------------------------------------------------------------------- */

static void
placeholders(void **state)
{
	static const char *const good[] = {"{zone}", "a{signer}b{role}", "{old-key-tag}{algorithm}", "{", "}", "{}", "{ zone }",
	    "'{ print $1 }'", "{{zone}}", ""};

	(void)state;
	for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
		OK(mus_hook_check_word(MUS_VERB_ROLL, good[i], &et));
	assert_int_equal(mus_hook_check_word(MUS_VERB_GO, "x{zonne}", &et), MUS_ERR_INVAL);
	assert_non_null(strstr(et.s, "no placeholder {zonne} (there are: {zone}, "));
	assert_int_equal(mus_hook_check_word(MUS_VERB_ROLL, "{new-key-tag}", &et), MUS_ERR_INVAL);
	OK(mus_hook_check_word(MUS_VERB_GO, "{new-key-tag}", &et));
}

static int
size_of(const char *word)
{
	const char *words[] = {"/bin/sh", "-c", word};
	const struct mus_hook h = {"a", MUS_VERB_GO, MUS_KEY_ROLE_ZSK, words, 3, 1000};

	return mus_hook_check_size(&h, &et);
}

/* Whatever zone it is about: what is taken can be begun. */
static void
sizes(void **state)
{
	static char word[MUS_RUN_WORDS_MAX];
	const char *path = getenv("PATH");
	char kept[4096];

	(void)state;
	snprintf(kept, sizeof kept, "%s", path ? path : "");
	memset(word, 'x', sizeof word - 1);
	assert_int_equal(size_of(word), MUS_ERR_INVAL);
	assert_non_null(strstr(et.s, "too long: "));
	assert_non_null(strstr(et.s, "64 KiB"));
	word[32 << 10] = '\0';
	OK(size_of(word));
	/* Braces of a shell cost no more than other characters. */
	for (unsigned i = 0; i < 32 << 10; i += 8)
		memcpy(word + i, "{ x; }; ", 8);
	OK(size_of(word));
	/* A zone name has up to 1023 of them, the tags of all keys 383. */
	for (unsigned i = 0; i < 60; i++)
		memcpy(word + (size_t)i * 6, "{zone}", 6);
	word[60 * 6] = '\0';
	OK(size_of(word));
	memcpy(word + 60 * 6, "{zone}{zone}{zone}", 19);
	assert_int_equal(size_of(word), MUS_ERR_INVAL);
	/* The environment is given too. */
	memset(word, 'x', 63 << 10);
	word[63 << 10] = '\0';
	assert_int_equal(setenv("PATH", word, 1), 0);
	assert_int_equal(size_of("true"), MUS_ERR_INVAL);
	assert_int_equal(setenv("PATH", kept, 1), 0);
	OK(size_of("true"));
}

static void
told_in(void **state)
{
	static const bool waited_for[MUS_VERB_COUNT][3] = {{true, true, true}, {true, false, true}, {true, true, true}};
	static const enum mus_proc_kind kinds[3] = {MUS_PROC_ZSK, MUS_PROC_KSK, MUS_PROC_CSK};

	(void)state;
	for (unsigned v = 0; v < MUS_VERB_COUNT; v++)
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(mus_hook_is_told((enum mus_verb)v, kinds[k]), waited_for[v][k]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(told_once_in_each_row),
	    T(killed_while_it_runs),
	    T(one_that_fails_is_tried_five_times),
	    T(nobody_is_told),
	    T(one_that_cannot_be_made),
	    T(one_that_cannot_be_begun),
	    T(zone_goes_while_it_runs),
	    T(operator_orders),
	    T(operator_orders_what_cannot_begin),
	    T(operator_is_refused),
	    T(a_process_ends_the_news),
	    cmocka_unit_test(placeholders),
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(told_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
