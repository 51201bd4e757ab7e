#include "resolver.h"

#include <stdio.h>
#include <string.h>

#include "world.h"

static unsigned
below(struct resolvers *r, unsigned n)
{
	r->seed ^= r->seed << 13;
	r->seed ^= r->seed >> 7;
	r->seed ^= r->seed << 17;
	return (unsigned)(r->seed >> 20) % n;
}

static void
empty(struct resolver_cache *c)
{
	c->ds.until_ms = c->ns.until_ms = INT64_MIN;
	for (unsigned k = 0; k < WORLD_RR_COUNT; k++)
		c->rr[k].until_ms = INT64_MIN;
}

void
resolvers_init(struct resolvers *r, unsigned count, uint64_t seed, uint32_t pause_s, int64_t now_ms)
{
	memset(r, 0, sizeof *r);
	r->count = count;
	r->seed = seed | 1;
	r->pause_s = pause_s;
	r->next_ms = count ? now_ms : INT64_MAX;
	for (unsigned i = 0; i < count; i++) {
		r->r[i].style = (enum resolver_style)(i % 3);
		r->r[i].forwarder = i / 3 % FORWARDERS_MAX;
		empty(&r->r[i].cache);
	}
	for (unsigned i = 0; i < FORWARDERS_MAX; i++) {
		r->forwarder[i].style = i % 2 ? RESOLVER_CHILD : RESOLVER_PARENT;
		empty(&r->forwarder[i].cache);
	}
}

/* ---- getting RRsets ------------------------------------------------------------------------- */

static bool
is_fresh(const struct world *w, const struct resolver_entry *e)
{
	return e->until_ms >= w->now.ms;
}

static void
take(const struct world *w, unsigned server, unsigned kind, struct resolver_entry *e)
{
	e->set = w->server[server].shown.rr[kind];
	e->until_ms = w->now.ms + (int64_t)e->set.ttl_s * 1000;
	e->server = (uint8_t)server;
}

/* Some server of the parent, or of these names, that answers; MUS_NOBODY: three tries, none did. */
static unsigned
choose(struct world *w, bool parent, uint64_t names)
{
	unsigned found[ORACLE_SERVERS_MAX], count = 0;

	for (unsigned i = 0; i < w->server_count; i++)
		if (parent ? w->server[i].origin == MUS_PARENT
			   : w->server[i].origin != MUS_PARENT && (names >> w->server[i].ns & 1))
			found[count++] = i;
	for (unsigned try = 0; count && try < 3; try++) {
		unsigned i = found[below(&w->resolvers, count)];

		if (!w->server[i].is_silent)
			return i;
	}
	return MUS_NOBODY;
}

/* Where the zone is served, as this one has learnt it. */
static bool
find_names(struct world *w, struct resolver *r)
{
	struct resolver_entry *ns = &r->cache.ns;
	unsigned server;

	if (is_fresh(w, ns))
		return true;
	server = choose(w, true, 0);
	if (server == MUS_NOBODY)
		return false;
	take(w, server, MUS_RR_PNS, ns);
	return true;
}

static bool
get(struct world *w, struct resolver *r, unsigned kind, struct resolver_entry **out)
{
	struct resolver_entry *e = kind == MUS_RR_DS ? &r->cache.ds : &r->cache.rr[kind], *from;
	unsigned server;

	*out = e;
	if (is_fresh(w, e))
		return true;
	if (r->style == RESOLVER_BEHIND) {
		if (!get(w, &w->resolvers.forwarder[r->forwarder], kind, &from))
			return false;
		*e = *from;	/* with what is left of its TTL */
		return true;
	}
	if (kind != MUS_RR_DS && !find_names(w, r))
		return false;
	server = choose(w, kind == MUS_RR_DS, r->cache.ns.set.set);
	if (server == MUS_NOBODY)
		return false;
	take(w, server, kind, e);
	if (r->style == RESOLVER_CHILD && kind != MUS_RR_DS)
		take(w, server, MUS_RR_NS, &r->cache.ns);
	return true;
}

/* ---- validating ----------------------------------------------------------------------------- */

static bool
is_chain(const struct world *w, const struct world_set *ds, const struct world_set *key)
{
	uint64_t good = key->set & key->sig & ds->set;

	/* Takes the strongest digest type for each algorithm, as most do. */
	for (unsigned alg = 0; alg < MUS_ALGS_MAX; alg++)
		for (unsigned t = MUS_DT_COUNT; t-- > 0;) {
			uint64_t named = ds->dt[t];

			for (uint64_t m = named; m; m &= m - 1)
				if (w->key_alg[__builtin_ctzll(m)] != alg)
					named &= ~(m & -m);
			if (named && !(named & good))
				return false;
			if (named)
				break;
		}
	return good != 0;
}

static void
say_entry(const struct world *w, const char *what, const struct resolver_entry *e, char *out, size_t size)
{
	char set[200], sig[100], from[8], until[24];

	world_keys_text(w, e->set.set, set, sizeof set);
	world_keys_text(w, e->set.sig, sig, sizeof sig);
	snprintf(out, size, "\n    %s {%s} signed by {%s}, got from %s, cached until %s", what, set, sig,
	    world_server_text(w, e->server, from, sizeof from),
	    world_time_text(w, e->until_ms, until, sizeof until));
}

static void
complain(struct world *w, unsigned who, const char *verdict, const struct resolver_entry *ds,
    const struct resolver_entry *key, const struct resolver_entry *x)
{
	static const char *const styles[] = {"by the parent's NS", "by the zone's NS", "behind a forwarder"};
	struct resolvers *r = &w->resolvers;
	char d[300] = "", k[300] = "", e[300] = "", at[24];

	if (r->first[0])
		return;
	say_entry(w, "DS", ds, d, sizeof d);
	if (key)
		say_entry(w, "DNSKEY", key, k, sizeof k);
	if (x)
		say_entry(w, "data", x, e, sizeof e);
	snprintf(r->first, sizeof r->first, "%s: resolver %u (%s) says %s:%s%s%s",
	    world_time_text(w, w->now.ms, at, sizeof at), who, styles[r->r[who].style], verdict, d, k, e);
}

static void
judge(struct world *w, unsigned who, unsigned kind)
{
	struct resolvers *r = &w->resolvers;
	struct resolver_entry *ds, *key, *x;

	if (!get(w, &r->r[who], MUS_RR_DS, &ds) || !get(w, &r->r[who], MUS_RR_KEY, &key) ||
	    !get(w, &r->r[who], kind, &x)) {
		r->failed++;
	} else if (ds->set.absent || ds->set.set == 0) {
		r->insecure++;
		complain(w, who, "insecure", ds, NULL, NULL);
	} else if (!is_chain(w, &ds->set, &key->set)) {
		r->bogus++;
		complain(w, who, "bogus", ds, key, NULL);
	} else if (!x->set.absent && !(x->set.sig & key->set.set)) {
		r->bogus++;
		complain(w, who, "bogus", ds, key, x);
	} else {
		r->secure++;
	}
}

void
resolvers_ask(struct world *w)
{
	static const uint8_t kinds[] = {MUS_RR_SOA, MUS_RR_NS, MUS_RR_NAME, MUS_RR_NAME, MUS_RR_DENY0, MUS_RR_DENY1,
	    WORLD_HIDDEN, WORLD_HIDDEN2};
	struct resolvers *r = &w->resolvers;
	unsigned who = below(r, r->count);

	if (below(r, 10) == 0)
		empty(&r->r[who].cache);	/* another one, that has just begun */
	judge(w, who, kinds[below(r, sizeof kinds)]);
	w->events[WORLD_EV_QUESTION]++;
	r->next_ms += 1 + below(r, 2000 * r->pause_s);
}
