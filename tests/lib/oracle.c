#include "oracle.h"

#include <stdio.h>
#include <string.h>

#include "world.h"

void
oracle_init(struct oracle *o, int64_t at_ms)
{
	memset(o, 0, sizeof *o);
	o->at_ms = at_ms;
	for (unsigned i = 0; i < ORACLE_SERVERS_MAX; i++)
		o->led_until_ms[i] = INT64_MIN;
}

/* Puts an RRset into the caches, or lets it stay there longer. */
static bool
hand_out(struct oracle *o, char what, unsigned origin, unsigned kind, const struct world_set *s,
    int64_t until_ms)
{
	struct oracle_rrset *e;

	for (unsigned i = 0; i < o->count; i++) {
		e = &o->cached[i];
		if (e->what != what || e->origin != origin || e->kind != kind ||
		    e->absent != s->absent || e->set != s->set || e->sig != s->sig ||
		    memcmp(e->dt, s->dt, sizeof e->dt) != 0)
			continue;
		if (e->until_ms >= until_ms)
			return false;
		e->until_ms = until_ms;
		return true;
	}
	if (o->count == ORACLE_CACHED_MAX) {
		o->overflow = true;
		return false;
	}
	e = &o->cached[o->count++];
	*e = (struct oracle_rrset){what, origin, kind, s->absent, s->set, s->sig, {0}, until_ms};
	memcpy(e->dt, s->dt, sizeof e->dt);
	return true;
}

static void
forget(struct oracle *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->count; i++)
		if (o->cached[i].until_ms >= o->at_ms)
			o->cached[n++] = o->cached[i];
	o->count = n;
}

static int64_t
led_until(const struct oracle *o, unsigned name)
{
	int64_t until = INT64_MIN;

	for (unsigned i = 0; i < o->count; i++)
		if (o->cached[i].what == 'n' && (o->cached[i].set >> name & 1) &&
		    o->cached[i].until_ms > until)
			until = o->cached[i].until_ms;
	return until;
}

static bool
is_data(unsigned kind)
{
	return kind == MUS_RR_SOA || kind == MUS_RR_NS || kind == MUS_RR_NAME ||
	    kind == MUS_RR_DENY0 || kind == MUS_RR_DENY1 || kind == MUS_RR_DENY2 ||
	    kind == MUS_RR_CSYNC || kind == WORLD_HIDDEN;
}

void
oracle_pass(struct oracle *o, const struct world *w, int64_t to_ms)
{
	bool again = true;

	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_set *rr = w->server[i].shown.rr;

		if (w->server[i].origin != MUS_PARENT || w->server[i].is_silent)
			continue;
		hand_out(o, 'd', MUS_PARENT, MUS_RR_DS, &rr[MUS_RR_DS],
		    to_ms + (int64_t)rr[MUS_RR_DS].ttl_s * 1000);
		hand_out(o, 'n', MUS_PARENT, MUS_RR_PNS, &rr[MUS_RR_PNS],
		    to_ms + (int64_t)rr[MUS_RR_PNS].ttl_s * 1000);
	}
	/* Who is reached says by its NS set who else is. */
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
			if (hand_out(o, 'n', w->server[i].origin, MUS_RR_NS, ns,
				last + (int64_t)ns->ttl_s * 1000))
				again = true;
		}
	}
	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_server *v = &w->server[i];
		int64_t last = o->led_until_ms[i] < to_ms ? o->led_until_ms[i] : to_ms;

		if (v->origin == MUS_PARENT || v->is_silent || o->led_until_ms[i] < o->at_ms)
			continue;
		for (unsigned k = 0; k < WORLD_RR_COUNT; k++) {
			const struct world_set *s = &v->shown.rr[k];
			char what = k == MUS_RR_KEY ? 'k' : 'x';

			if (k != MUS_RR_KEY && (!is_data(k) || s->absent))
				continue;
			hand_out(o, what, v->origin, k, s, last + (int64_t)s->ttl_s * 1000);
		}
	}
	o->at_ms = to_ms;
	forget(o);
}

static void
violation(struct oracle *o, const char *rule, const struct oracle_rrset *a,
    const struct oracle_rrset *b)
{
	if (o->violations++ == 0)
		snprintf(o->first, sizeof o->first,
		    "at %lld: %s: %c of %u {%llx %llx} until %lld, %c%u of %u {%llx %llx} until %lld",
		    (long long)o->at_ms, rule, a->what, a->origin, (unsigned long long)a->set,
		    (unsigned long long)a->sig, (long long)a->until_ms, b->what, b->kind, b->origin,
		    (unsigned long long)b->set, (unsigned long long)b->sig, (long long)b->until_ms);
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

			for (unsigned i = 0; i < w->key_count; i++)
				if (w->key_alg[i] != alg)
					named &= ~((uint64_t)1 << i);
			if (named && !(named & good))
				return false;
		}
	return true;
}

void
oracle_judge(struct oracle *o, const struct world *w)
{
	bool is_secure = false;

	for (unsigned i = 0; i < o->count; i++)
		is_secure |= o->cached[i].what == 'd' && !o->cached[i].absent;
	o->checks++;
	for (unsigned i = 0; is_secure && i < o->count; i++) {
		const struct oracle_rrset *k = &o->cached[i];

		if (k->what != 'k')
			continue;
		for (unsigned j = 0; j < o->count; j++) {
			const struct oracle_rrset *e = &o->cached[j];

			if (e->what == 'd' && !e->absent && !is_chain(w, e, k))
				violation(o, "chain", e, k);
			if (e->what == 'x' && !(e->sig & k->set))
				violation(o, "data", k, e);
		}
	}
}
