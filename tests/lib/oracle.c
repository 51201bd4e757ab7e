#include "oracle.h"

#include <stdio.h>
#include <string.h>

#include "world.h"

void
oracle_init(struct oracle *o, int64_t at_ms)
{
	o->at_ms = at_ms;
	for (unsigned l = 0; l < ORACLE_WHAT_COUNT; l++)
		o->list[l].count = 0;
	for (unsigned i = 0; i < ORACLE_SERVERS_MAX; i++)
		o->led_until_ms[i] = INT64_MIN;
	o->overflow = o->may_be_insecure = false;
	o->checks = o->violations = o->insecure = 0;
	o->first[0] = '\0';
}

/* Puts an RRset into the caches, or lets it stay there longer. */
static bool
hand_out(struct oracle *o, enum oracle_what what, unsigned server, unsigned origin, unsigned kind,
    const struct world_set *s, int64_t given_ms)
{
	struct oracle_list *l = &o->list[what];
	int64_t until_ms = given_ms + (int64_t)s->ttl_s * 1000;
	struct oracle_rrset *e;

	for (unsigned i = 0; i < l->count; i++) {
		e = &l->e[i];
		if (e->set != s->set || e->sig != s->sig || e->kind != kind || e->origin != origin ||
		    e->absent != s->absent || memcmp(e->dt, s->dt, sizeof e->dt) != 0)
			continue;
		if (e->until_ms >= until_ms)
			return false;
		e->until_ms = until_ms;
		e->given_ms = given_ms;
		e->server = (uint8_t)server;
		return true;
	}
	if (l->count == ORACLE_CACHED_MAX) {
		o->overflow = true;
		return false;
	}
	e = &l->e[l->count++];
	*e = (struct oracle_rrset){.set = s->set, .sig = s->sig, .until_ms = until_ms, .origin = (uint8_t)origin,
	    .kind = (uint8_t)kind, .absent = s->absent, .is_new = true, .server = (uint8_t)server,
	    .given_ms = given_ms};
	memcpy(e->dt, s->dt, sizeof e->dt);
	return true;
}

static void
forget(struct oracle *o)
{
	for (unsigned l = 0; l < ORACLE_WHAT_COUNT; l++) {
		struct oracle_list *list = &o->list[l];
		unsigned n = 0;

		for (unsigned i = 0; i < list->count; i++) {
			if (list->e[i].until_ms < o->at_ms)
				continue;
			if (n != i)
				list->e[n] = list->e[i];
			n++;
		}
		list->count = n;
	}
}

static int64_t
led_until(const struct oracle *o, unsigned name)
{
	const struct oracle_list *l = &o->list[ORACLE_NAMES];
	int64_t until = INT64_MIN;

	for (unsigned i = 0; i < l->count; i++)
		if ((l->e[i].set >> name & 1) && l->e[i].until_ms > until)
			until = l->e[i].until_ms;
	return until;
}

/* What the parent hands out to everybody who asks. */
static void
pass_parent(struct oracle *o, const struct world *w, int64_t to_ms)
{
	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_set *rr = w->server[i].shown.rr;

		if (w->server[i].origin != MUS_PARENT || w->server[i].is_silent)
			continue;
		hand_out(o, ORACLE_DS, i, MUS_PARENT, MUS_RR_DS, &rr[MUS_RR_DS], to_ms);
		hand_out(o, ORACLE_NAMES, i, MUS_PARENT, MUS_RR_PNS, &rr[MUS_RR_PNS], to_ms);
	}
}

/* Who is reached says by its NS set who else is. */
static void
pass_names(struct oracle *o, const struct world *w, int64_t to_ms)
{
	bool again = true;

	while (again) {
		again = false;
		for (unsigned i = 0; i < w->server_count; i++) {
			const struct world_set *ns = &w->server[i].shown.rr[MUS_RR_NS];
			int64_t led, last;

			if (w->server[i].origin == MUS_PARENT)
				continue;
			led = led_until(o, w->server[i].ns);
			o->led_until_ms[i] = led;
			if (led < o->at_ms || w->server[i].is_silent)
				continue;
			last = led < to_ms ? led : to_ms;
			/* Who lists itself is asked again before that ends, for ever. */
			if (ns->set >> w->server[i].ns & 1)
				last = to_ms;
			if (hand_out(o, ORACLE_NAMES, i, w->server[i].origin, MUS_RR_NS, ns, last))
				again = true;
		}
	}
}

void
oracle_pass(struct oracle *o, const struct world *w, int64_t to_ms)
{
	pass_parent(o, w, to_ms);
	pass_names(o, w, to_ms);
	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_server *v = &w->server[i];
		int64_t last = o->led_until_ms[i] < to_ms ? o->led_until_ms[i] : to_ms;

		if (v->origin == MUS_PARENT || v->is_silent || o->led_until_ms[i] < o->at_ms)
			continue;
		hand_out(o, ORACLE_KEY, i, v->origin, MUS_RR_KEY, &v->shown.rr[MUS_RR_KEY], last);
		for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
			if (world_is_data(k) && !v->shown.rr[k].absent)
				hand_out(o, ORACLE_DATA, i, v->origin, k, &v->shown.rr[k], last);
	}
	o->at_ms = to_ms;
	forget(o);
}

/* ---- judging -------------------------------------------------------------------------------- */

static const char *
kind_text(unsigned kind)
{
	return kind < MUS_RR_COUNT ? mus_rr_text((enum mus_rr_kind)kind) : "a record nobody samples";
}

static void
say_rrset(const struct world *w, const struct oracle_rrset *e, char *out, size_t size)
{
	char set[200], sig[100], from[24], server[8], until[24];
	bool is_data = e->kind != MUS_RR_DS && e->kind != MUS_RR_KEY;

	world_keys_text(w, e->set, set, sizeof set);
	world_keys_text(w, e->sig, sig, sizeof sig);
	snprintf(out, size, "%s%s%s%s, signed by {%s}, handed out by %s at %s, in caches until %s",
	    kind_text(e->kind), is_data ? "" : " {", is_data ? "" : set, is_data ? "" : "}", sig,
	    world_server_text(w, e->server, server, sizeof server),
	    world_time_text(w, e->given_ms, from, sizeof from),
	    world_time_text(w, e->until_ms, until, sizeof until));
}

static void
violation(struct oracle *o, const struct world *w, const char *rule, const struct oracle_rrset *a,
    const struct oracle_rrset *b)
{
	char one[400] = "", two[400] = "", at[24];

	if (o->first[0])
		return;
	say_rrset(w, a, one, sizeof one);
	if (b)
		say_rrset(w, b, two, sizeof two);
	snprintf(o->first, sizeof o->first, "%s: %s:\n    %s\n    %s", world_time_text(w, o->at_ms, at, sizeof at),
	    rule, one, two);
}

/* Does the DS set lead to the DNSKEY set: with each algorithm, and with each digest type alone? */
static bool
is_chain(const struct world *w, const struct oracle_rrset *d, const struct oracle_rrset *k)
{
	uint64_t good = k->set & k->sig;

	if ((d->set & good) == 0)
		return false;
	for (unsigned alg = 0; alg < MUS_ALGS_MAX; alg++)
		for (unsigned t = 0; t < 4; t++) {
			uint64_t named = t < 3 ? d->dt[t] : d->set;

			for (uint64_t m = named; m; m &= m - 1)
				if (w->key_alg[__builtin_ctzll(m)] != alg)
					named &= ~(m & -m);
			if (named && !(named & good))
				return false;
		}
	return true;
}

static bool
is_empty(const struct oracle_rrset *d)
{
	return d->absent || d->set == 0;
}

/* Secure until now, and a new DS set is none. */
static void
judge_ds(struct oracle *o, const struct world *w, bool is_secure)
{
	const struct oracle_list *d = &o->list[ORACLE_DS];

	for (unsigned i = 0; i < d->count; i++)
		if (d->e[i].is_new && is_empty(&d->e[i]) && is_secure && !o->may_be_insecure) {
			o->insecure++;
			violation(o, w, "insecure: no DS set, and nobody asked for that", &d->e[i], NULL);
		}
}

void
oracle_judge(struct oracle *o, const struct world *w)
{
	struct oracle_list *d = &o->list[ORACLE_DS], *k = &o->list[ORACLE_KEY], *x = &o->list[ORACLE_DATA];
	bool is_secure = false, was_secure = false;

	for (unsigned i = 0; i < d->count; i++) {
		is_secure |= !is_empty(&d->e[i]);
		was_secure |= !is_empty(&d->e[i]) && !d->e[i].is_new;
	}
	o->checks++;
	judge_ds(o, w, is_secure);
	if (!is_secure)
		return;		/* nobody minds anything, and all is new when somebody does */
	for (unsigned i = 0; i < k->count; i++) {
		bool fresh = k->e[i].is_new || !was_secure;

		for (unsigned j = 0; j < d->count; j++)
			if ((fresh || d->e[j].is_new) && !is_empty(&d->e[j]) && !is_chain(w, &d->e[j], &k->e[i])) {
				o->violations++;
				violation(o, w, "bogus: the DS set does not lead to the DNSKEY set", &d->e[j], &k->e[i]);
			}
		for (unsigned j = 0; j < x->count; j++)
			if ((fresh || x->e[j].is_new) && !(x->e[j].sig & k->e[i].set)) {
				o->violations++;
				violation(o, w, "bogus: the DNSKEY set does not verify the data", &k->e[i], &x->e[j]);
			}
	}
	for (unsigned l = 0; l < ORACLE_WHAT_COUNT; l++)
		for (unsigned i = 0; i < o->list[l].count; i++)
			o->list[l].e[i].is_new = false;
}
