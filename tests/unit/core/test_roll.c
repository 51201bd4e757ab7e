/* Roll-overs that signers do by themselves: when each row is reached, what each waits for, and what is no
 * roll-over.  On the small world of tests/lib, whose oracle judges all the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/rows.h"
#include "world.h"

static struct world w;

static const struct mus_roll *
only_roll(void)
{
	const struct mus_roll *found = NULL;

	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (w.state.want.roll[i].kind != MUS_PROC_NONE) {
			assert_null(found);
			found = &w.state.want.roll[i];
		}
	return found;
}

static const char *
row(void)
{
	const struct mus_roll *r = only_roll();
	unsigned count;

	return r ? mus_rows(r->kind, &count)[r->row].name : "";
}

static enum mus_rule
waits_for(void)
{
	const struct mus_roll *r = only_roll();

	return r ? w.plan.roll_wait[r - w.state.want.roll].rule : MUS_RULE_NONE;
}

static bool
never(const struct world *x)
{
	(void)x;
	return false;
}

static void
pass(uint32_t s)
{
	world_run(&w, never, s);
	assert_int_equal(w.oracle.violations, 0);
}

/* Servers load, and the controller looks at them. */
static void
look(void)
{
	world_advance(&w, mus_time_add_s(w.now, 1));
	world_round(&w);
}

/* A group of two at rest: watched for so long that history is complete. */
static void
begin(bool csk)
{
	world_init(&w, 2, 2, 2);
	if (csk)
		for (unsigned s = 0; s < 2; s++) {
			w.signer[s].data_signers = w.signer[s].key_signers;
			world_changed(&w, s);
		}
	world_run(&w, never, 4 * 86400);
	oracle_init(&w.oracle, w.now.ms);	/* how it came to this is not the matter here */
	assert_null(only_roll());
}

static void
sign_data(unsigned s, unsigned key)
{
	w.signer[s].data_signers = mus_bit(key);
	world_changed(&w, s);
}

static unsigned
lowest(uint64_t mask)
{
	return (unsigned)__builtin_ctzll(mask);
}

static void
zsk(void **state)
{
	unsigned old, new;

	(void)state;
	begin(false);
	old = lowest(w.signer[1].data_signers);
	new = world_add_key(&w, 1, false);
	look();
	assert_int_equal(only_roll()->kind, MUS_PROC_ZSK);
	assert_int_equal(only_roll()->signer, 1);
	assert_true(only_roll()->in == mus_bit(new));
	assert_true(only_roll()->out == mus_bit(old));
	assert_string_equal(row(), "dnskeys-synced");
	assert_int_equal(waits_for(), MUS_RULE_NEWKEY);
	pass(600);
	assert_true(w.signer[0].copy.rr[MUS_RR_KEY].set & mus_bit(new));
	assert_string_equal(row(), "dnskeys-synced");
	assert_int_equal(waits_for(), MUS_RULE_KEYWAIT);
	pass(2 * 3600);
	assert_string_equal(row(), "new-key-in-use");
	assert_int_equal(waits_for(), MUS_RULE_NEWUSED);
	assert_false(w.plan.poll);		/* that is the signer's affair */
	sign_data(1, new);
	pass(12 * 3600);		/* a copy is read in between; the old data leave the caches */
	assert_string_equal(row(), "old-key-gone");
	assert_int_equal(waits_for(), MUS_RULE_OLDGONE);
	world_drop_key(&w, 1, old);
	pass(3600);
	assert_string_equal(row(), "stop");
	assert_int_equal(waits_for(), MUS_RULE_WITHDRAWN);
	pass(2 * 86400);
	assert_null(only_roll());
	assert_false(w.signer[0].copy.rr[MUS_RR_KEY].set & mus_bit(old));
	assert_true(w.state.want.known & mus_bit(new));
	assert_false(w.state.want.known & mus_bit(old));
	world_free(&w);
}

/* What the oracle calls a violation is the signer's doing; the track says who and since when. */
static void
zsk_too_early(void **state)
{
	(void)state;
	begin(false);
	sign_data(1, world_add_key(&w, 1, false));
	look();
	look();
	assert_true(only_roll()->early);
	world_free(&w);
}

static void
ksk(void **state)
{
	unsigned old, new;

	(void)state;
	begin(false);
	old = lowest(w.signer[1].key_signers);
	new = world_add_key(&w, 1, true);
	look();
	assert_int_equal(only_roll()->kind, MUS_PROC_KSK);
	assert_int_equal(waits_for(), MUS_RULE_NEWSIGNS);
	w.signer[1].key_signers |= mus_bit(new);
	world_changed(&w, 1);
	pass(1200);
	pass(3600);
	assert_string_equal(row(), "parent-ds-synced");
	assert_int_equal(waits_for(), MUS_RULE_DSWAIT);
	assert_true(w.parent.copy.rr[MUS_RR_DS].set & mus_bit(new));
	assert_true(w.parent.copy.rr[MUS_RR_DS].set & mus_bit(old));
	pass(2 * 86400);
	assert_string_equal(row(), "old-key-gone");
	assert_int_equal(waits_for(), MUS_RULE_OLDGONE);
	assert_false(only_roll()->early);
	world_drop_key(&w, 1, old);
	pass(86400);
	assert_null(only_roll());
	assert_false(w.parent.copy.rr[MUS_RR_DS].set & mus_bit(old));
	world_free(&w);
}

/* A signer that puts the new key into its CDS in the place of the old one, and takes no other there: the parent is
 * asked to change DS in one step, when every DNSKEY set that may be cached is signed by the new key. */
static void
ksk_swapped(void **state)
{
	unsigned old, new;

	(void)state;
	begin(false);
	old = lowest(w.signer[1].key_signers);
	new = world_add_key(&w, 1, true);
	w.signer[1].key_signers |= mus_bit(new);
	world_changed(&w, 1);
	pass(1800);
	w.signer[1].copy.rr[MUS_RR_CDS].dt[1] &= ~mus_bit(old);
	w.signer[1].copy.rr[MUS_RR_CDNSKEY].set &= ~mus_bit(old);
	w.signer[1].copy.rr[MUS_RR_CDS].dt[1] |= mus_bit(new);
	w.signer[1].copy.rr[MUS_RR_CDNSKEY].set |= mus_bit(new);
	w.signer[1].drops = 1 << MUS_RR_CDS | 1 << MUS_RR_CDNSKEY;
	world_changed(&w, 1);
	pass(2 * 86400);
	assert_true(w.state.zone.key[old].is_unasked);
	assert_true(w.parent.copy.rr[MUS_RR_DS].set & mus_bit(new));
	assert_false(w.parent.copy.rr[MUS_RR_DS].set & mus_bit(old));
	assert_string_equal(row(), "old-key-gone");
	world_drop_key(&w, 1, old);
	pass(86400);
	assert_null(only_roll());
	assert_false(w.state.zone.key[old].is_unasked);
	world_free(&w);
}

/* The old KSK goes while DS sets without the new one are in caches. */
static void
ksk_too_early(void **state)
{
	unsigned old;

	(void)state;
	begin(false);
	old = lowest(w.signer[1].key_signers);
	w.signer[1].key_signers |= mus_bit(world_add_key(&w, 1, true));
	look();
	world_drop_key(&w, 1, old);
	look();
	look();
	assert_true(only_roll()->early);
	world_free(&w);
}

static void
csk(void **state)
{
	unsigned old, new;

	(void)state;
	begin(true);
	old = lowest(w.signer[1].data_signers);
	new = world_add_key(&w, 1, true);
	w.signer[1].key_signers |= mus_bit(new);
	world_changed(&w, 1);
	look();
	assert_int_equal(only_roll()->kind, MUS_PROC_CSK);
	pass(2 * 86400);
	assert_string_equal(row(), "new-key-in-use");
	assert_true(w.signer[0].copy.rr[MUS_RR_KEY].set & mus_bit(new));
	sign_data(1, new);
	pass(86400);
	assert_string_equal(row(), "old-key-gone");
	world_drop_key(&w, 1, old);
	pass(4 * 86400);
	assert_null(only_roll());
	assert_false(w.signer[0].copy.rr[MUS_RR_KEY].set & mus_bit(old));
	assert_false(w.parent.copy.rr[MUS_RR_DS].set & mus_bit(old));
	world_free(&w);
}

static void
taken_back(void **state)
{
	unsigned new;

	(void)state;
	begin(false);
	new = world_add_key(&w, 1, false);
	pass(600);
	assert_non_null(only_roll());
	world_drop_key(&w, 1, new);
	pass(600);
	assert_null(only_roll());
	assert_false(w.state.want.known & mus_bit(new));
	world_free(&w);
}

/* Two keys of one role that come together are one roll-over. */
static void
two_at_once(void **state)
{
	unsigned a, b;

	(void)state;
	begin(false);
	a = world_add_key(&w, 1, false);
	b = world_add_key(&w, 1, false);
	look();
	assert_true(only_roll()->in == (mus_bit(a) | mus_bit(b)));
	world_free(&w);
}

/* Neither what was there at the first look nor what a joiner brings along. */
static void
no_roll(void **state)
{
	(void)state;
	world_init(&w, 2, 1, 2);
	pass(3600);
	assert_null(only_roll());
	world_member(&w, 1, true);
	pass(5 * 86400);
	assert_true(world_is_settled(&w));
	assert_null(only_roll());
	world_free(&w);
}

/* Who leaves in the middle is followed no more. */
static void
leaves(void **state)
{
	(void)state;
	begin(false);
	world_add_key(&w, 1, false);
	pass(600);
	assert_non_null(only_roll());
	world_member(&w, 1, false);
	pass(10 * 86400);
	assert_null(only_roll());
	assert_int_equal(w.state.want.keyg, 1);
	world_free(&w);
}

/* A row of another program's table is not walked. */
static void
no_such_row(void **state)
{
	(void)state;
	begin(false);
	world_add_key(&w, 1, false);
	look();
	for (unsigned i = 0; i < MUS_ROLLS_MAX; i++)
		if (w.state.want.roll[i].kind != MUS_PROC_NONE)
			w.state.want.roll[i].row = 200;
	look();
	look();
	assert_string_equal(row(), "dnskeys-synced");
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(zsk),
	    cmocka_unit_test(zsk_too_early),
	    cmocka_unit_test(ksk),
	    cmocka_unit_test(ksk_swapped),
	    cmocka_unit_test(ksk_too_early),
	    cmocka_unit_test(csk),
	    cmocka_unit_test(taken_back),
	    cmocka_unit_test(two_at_once),
	    cmocka_unit_test(no_roll),
	    cmocka_unit_test(leaves),
	    cmocka_unit_test(no_such_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
