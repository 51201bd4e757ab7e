/*
 * Parents: found by validated look-up from the root, shared by all their children, kept for a
 * while.  The parent's DNSKEY RRset is the root of trust for what its servers say about DS.
 *
 * A server that is new in the parent's NS set may show an old DS, and that all servers show the new one is
 * what processes wait for: the set is looked up again every minute that somebody looks at a child, once for all
 * children, and a look waits for it when it is old because nobody did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

enum {
	KEEP_S = 600, KEEP_MIN_S = 5,	/* keys */
	SERVERS_S = 60, OLD_S = 2 * SERVERS_S,
	RETRY_S = 10,
	WAIT_S = 5,			/* a look waits that long for what was never known */
	DOUBT_S = 5,			/* keys are asked for that seldom by answers that do not verify */
};

#define OTHER_FMT "the zone above is %s, not the parent that was given: correct it (zone update --parent)"

/* Where the parent of a zone is, when it is not the next name up that is known. */
struct eng_child {
	bool asking, failed;
	bool is_other;			/* it is not the one that was given */
	struct mus_time asked_at, next;	/* not to be searched for again before */
	char text[];			/* the parent's name; failed: why it is not found */
};

/* A look-up under way, for one zone; several zones of one parent share its result. */
struct eng_search {
	struct eng_search *next;
	struct mus_engine *e;
	int64_t zone_id;
	char zone[MUS_ZONETEXT_MAX];	/* the child, or the parent for the key look-up */
	struct eng_parent *p;		/* key look-up: whose */
};

static struct eng_search *
search_new(struct mus_engine *e, int64_t zone_id)
{
	struct eng_search *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->e = e;
	s->zone_id = zone_id;
	s->next = e->searches;
	e->searches = s;
	return s;
}

static void
search_free(struct eng_search *s)
{
	struct eng_search **p = &s->e->searches;

	while (*p && *p != s)
		p = &(*p)->next;
	if (*p)
		*p = s->next;
	free(s);
}

static struct eng_parent *
parent_get(struct mus_engine *e, const char *zone)
{
	struct eng_parent *p = mus_map_get(e->parent_by_name, zone, strlen(zone));

	if (p)
		return p;
	p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	snprintf(p->zone, sizeof p->zone, "%s", zone);
	mus_arena_init(&p->arena, 1 << 20);
	if (mus_name_parse(zone, &p->name, NULL) < 0 ||
	    mus_map_set(e->parent_by_name, zone, strlen(zone), p, NULL) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

static void
wake_zone(struct mus_engine *e, int64_t id)
{
	struct eng_zone *z = eng_zone_get(e, id);

	if (z)
		eng_wake(e, z, 1u << MUS_RR_DS | 1u << MUS_RR_PNS, 0);
}

static void
wake_waiting(struct mus_engine *e, struct eng_parent *p)
{
	for (unsigned i = 0; i < p->waiting_count; i++)
		wake_zone(e, p->waiting[i]);
	p->waiting_count = 0;
}

bool
eng_parent_has_keys(const struct eng_parent *p, struct mus_time at)
{
	return p->keys_state == ENG_PK_SECURE && p->keys_until.ms > at.ms;
}

/* Good keys serve until their TTL ends. */
static void
no_keys(struct mus_engine *e, struct eng_parent *p, enum eng_parent_keys state, const char *words)
{
	if (strcmp(p->words.s, words) != 0)
		eng_say(e, LOG_WARNING, p->zone, "%s", words);
	mus_errf(&p->words, 0, "%s", words);
	p->next = mus_time_add_s(eng_now(e), state == ENG_PK_FAILED ? RETRY_S : KEEP_S);
	if (state == ENG_PK_INSECURE || !eng_parent_has_keys(p, eng_now(e)))
		p->keys_state = state;
}

static void
take_keys(struct mus_engine *e, struct eng_parent *p, const struct mus_rrset *set)
{
	int64_t ttl_s = set->ttl_s < KEEP_MIN_S ? KEEP_MIN_S : set->ttl_s > KEEP_S ? KEEP_S : set->ttl_s;

	mus_arena_clear(&p->arena);
	memset(&p->keys, 0, sizeof p->keys);
	p->keys.owner = set->owner;
	p->keys.type = set->type;
	p->keys.rclass = set->rclass;
	for (size_t i = 0; i < set->count; i++)
		if (mus_rrset_add(&p->keys, set->rd[i], &p->arena) < 0)
			break;
	p->keys_state = ENG_PK_SECURE;
	p->words.s[0] = '\0';
	p->keys_until = mus_time_add_s(eng_now(e), ttl_s);
	/* Before they end: who is asked for them may be silent for a while. */
	p->next = mus_time_add_ms(eng_now(e), ttl_s * 750);
}

static void
on_keys(void *arg, const struct mus_lookup_result *r)
{
	struct eng_search *s = arg;
	struct eng_parent *p = s->p;
	struct mus_engine *e = s->e;
	struct mus_errtext why;

	p->asking = false;
	if (r->err != 0 || r->security == MUS_LOOKUP_BOGUS) {
		mus_errf(&why, 0, "DNSKEY of the parent %s: %s", p->zone, r->words.s[0] ? r->words.s : "bogus");
		no_keys(e, p, ENG_PK_FAILED, why.s);
	} else if (r->security == MUS_LOOKUP_SECURE && r->set.count > 0) {
		take_keys(e, p, &r->set);
	} else {
		mus_errf(&why, 0, "the parent %s is not signed", p->zone);
		no_keys(e, p, ENG_PK_INSECURE, why.s);
	}
	wake_waiting(e, p);
	eng_trials_resume(e);
	search_free(s);
}

static void
ask_keys(struct mus_engine *e, struct eng_parent *p)
{
	struct eng_search *s;

	if (p->asking || !e->o.lookup)
		return;
	s = search_new(e, 0);
	if (!s)
		return;
	s->p = p;
	p->asked_at = eng_now(e);
	if (mus_lookup(e->o.lookup, &p->name, MUS_TYPE_DNSKEY, on_keys, s) < 0) {
		search_free(s);
		no_keys(e, p, ENG_PK_FAILED, "too many look-ups are under way");
	} else {
		p->asking = true;
	}
}

/* The zone is to look again when keys or servers are there.  Without memory it does so by itself, later. */
static void
wait_for(struct eng_parent *p, int64_t zone_id)
{
	int64_t *more;

	for (unsigned i = 0; i < p->waiting_count; i++)
		if (p->waiting[i] == zone_id)
			return;
	more = realloc(p->waiting, (p->waiting_count + 1) * sizeof *more);
	if (!more)
		return;
	p->waiting = more;
	p->waiting[p->waiting_count++] = zone_id;
}

enum mus_cause
eng_parent_doubt(struct mus_engine *e, struct eng_parent *p, int64_t zone_id)
{
	if (!p->asking && p->asked_at.ms <= eng_now(e).ms - DOUBT_S * 1000)
		ask_keys(e, p);
	if (p->asking) {
		wait_for(p, zone_id);
		return MUS_CAUSE_LOOKING;
	}
	return p->words.s[0] ? MUS_CAUSE_NOLOOKUP : MUS_CAUSE_BOGUS;
}

static struct eng_child *
child_get(struct mus_engine *e, const char *zone)
{
	return mus_map_get(e->parent_by_name, zone, strlen(zone) + 1);
}

/* Notes ${what} and ${text} under the child's name, with its NUL (no parent's entry has one).  NULL: no
 * memory. */
static struct eng_child *
remember(struct mus_engine *e, const char *zone, const struct eng_child *what, const char *text)
{
	size_t len = strlen(text) + 1;
	struct eng_child *c = malloc(sizeof *c + len);
	void *old = NULL;

	if (!c)
		return NULL;
	*c = *what;
	memcpy(c->text, text, len);
	if (mus_map_set(e->parent_by_name, zone, strlen(zone) + 1, c, &old) < 0) {
		free(c);
		return NULL;
	}
	free(old);
	return c;
}

/* NULL: none that is known. */
static struct eng_parent *
parent_found(struct mus_engine *e, const char *zone)
{
	const struct eng_child *c = child_get(e, zone);
	const char *up = strchr(zone, '.');
	struct eng_parent *p = NULL;

	if (c && !c->failed && c->text[0])
		p = mus_map_get(e->parent_by_name, c->text, strlen(c->text));
	/* The next name up, when it is known to be a zone. */
	if (!p && up)
		p = mus_map_get(e->parent_by_name, up[1] ? up + 1 : ".", up[1] ? strlen(up + 1) : 1);
	return p;
}

/* Found or not: it is not waited for again soon. */
static void
search_ended(struct mus_engine *e, struct eng_parent *p)
{
	p->searched_at = MUS_TIME_ALWAYS;
	p->told_at = eng_now(e);
}

/* Told once for each reason. */
static void
not_found(struct mus_engine *e, const struct eng_search *s, const char *why)
{
	struct eng_child *c = child_get(e, s->zone);
	struct eng_child what = {.failed = true, .next = mus_time_add_s(eng_now(e), RETRY_S)};
	struct eng_parent *p = parent_found(e, s->zone);

	if (!c || !c->failed || strcmp(c->text, why) != 0)
		eng_event(e, s->zone_id, s->zone, "parent", "musicd", LOG_WARNING,
		    "the parent zone cannot be found: %s", why);
	/* What was found before stays. */
	if (c && !c->failed && c->text[0])
		c->asking = false;
	else
		remember(e, s->zone, &what, why);
	wake_zone(e, s->zone_id);
	if (p) {
		search_ended(e, p);
		wake_waiting(e, p);
	}
}

/* ---- its servers ------------------------------------------------------------------------------- */

static bool
is_lame(const struct mus_lookup_parent *r, const struct mus_name *ns)
{
	for (size_t i = 0; i < r->lame_count; i++)
		if (mus_name_equal(&r->lame[i].ns, ns))
			return true;
	return false;
}

/* ${addr} NULL: any. */
static bool
has_server(const struct eng_parent *p, const struct mus_name *ns, const struct mus_addr *addr)
{
	for (unsigned i = 0; i < p->addr_count; i++)
		if (mus_name_equal(&p->server[i].ns, ns) &&
		    (!addr || mus_addr_equal(&p->server[i].addr, addr)))
			return true;
	return false;
}

static void
add_servers(struct eng_parent *p, const struct mus_lookup_parent *r, uint16_t port)
{
	for (size_t i = 0; i < r->count; i++) {
		struct mus_addr addr = r->server[i].addr;

		addr.port = port;
		if (has_server(p, &r->server[i].ns, &addr))
			continue;
		if (p->addr_count == MUS_LOOKUP_SERVERS_MAX) {
			p->lacks = MUS_CAUSE_NOROOM;
			return;
		}
		p->server[p->addr_count].addr = addr;
		p->server[p->addr_count].ns = r->server[i].ns;
		p->server[p->addr_count++].is_whole = !is_lame(r, &r->server[i].ns);
	}
}

/* A name server that the parent lists and whose addresses are not known, or not all, may be the one that
 * still has the old DS.  When its look-up fails, what a whole answer gave before counts as long as it is
 * listed.  That it has no address is told by the parent's zone; by glue resolvers reach it all the same. */
static void
take_servers(struct mus_engine *e, struct eng_parent *p, const struct mus_lookup_parent *r)
{
	const char *words = r->lame_count ? r->lame[0].words.s : "";
	unsigned n = 0;

	for (unsigned i = 0; i < p->addr_count; i++)
		if (p->server[i].is_whole && is_lame(r, &p->server[i].ns))
			p->server[n++] = p->server[i];
	p->addr_count = n;
	p->lacks = r->is_full ? MUS_CAUSE_NOROOM : MUS_CAUSE_NONE;
	p->lame[0] = '\0';
	for (size_t i = 0; i < r->lame_count && !p->lame[0]; i++) {
		if (r->lame[i].err && has_server(p, &r->lame[i].ns, NULL))
			continue;
		p->lacks = r->lame[i].err ? MUS_CAUSE_NOLOOKUP : MUS_CAUSE_NOADDR;
		(void)mus_name_text(&r->lame[i].ns, p->lame);
		words = r->lame[i].words.s;
	}
	add_servers(p, r, e->o.dns_port);
	if (words[0] && strcmp(p->lame_words.s, words) != 0)
		eng_say(e, LOG_WARNING, p->zone, "a name server of the parent: %s", words);
	mus_errf(&p->lame_words, 0, "%s", words);
}

static void
on_parent(void *arg, const struct mus_lookup_parent *r)
{
	struct eng_search *s = arg;
	struct mus_engine *e = s->e;
	char text[MUS_NAME_TEXT_MAX];
	const struct eng_child *c = child_get(e, s->zone);
	struct eng_parent *p;
	unsigned up = 0;
	bool is_other;

	if (r->err != 0 || r->count == 0) {
		not_found(e, s, r->words.s);
		goto out;
	}
	is_other = c && c->is_other;
	free(mus_map_remove(e->parent_by_name, s->zone, strlen(s->zone) + 1));
	p = parent_get(e, mus_name_text(&r->zone, text));
	if (!p)
		goto out;
	take_servers(e, p, r);
	search_ended(e, p);
	p->addr_until = mus_time_add_s(
	    eng_now(e), r->lame_count || p->lacks != MUS_CAUSE_NONE ? RETRY_S : SERVERS_S);
	/* Not the next name up (a name without a zone of its own lies between): remember it. */
	while (s->zone[up] && s->zone[up++] != '.')
		;
	if (is_other || (strcmp(s->zone + up, p->zone) != 0 && strcmp(p->zone, ".") != 0))
		remember(e, s->zone, &(struct eng_child){.is_other = is_other}, p->zone);
	if (p->keys_state == ENG_PK_NONE)
		ask_keys(e, p);
	wake_zone(e, s->zone_id);
	wake_waiting(e, p);
out:
	search_free(s);
}

/* Starts the search for a child's parent unless one is under way, or one has just failed. */
static void
search_parent(struct mus_engine *e, const char *zone, int64_t zone_id)
{
	struct eng_child *c = child_get(e, zone);
	struct mus_name name;
	struct eng_search *s;

	if (!e->o.lookup || (c && (c->asking || c->next.ms > eng_now(e).ms)) ||
	    mus_name_parse(zone, &name, NULL) < 0)
		return;
	if (!c && !(c = remember(e, zone, &(struct eng_child){.failed = false}, "")))
		return;
	s = search_new(e, zone_id);
	if (!s)
		return;
	snprintf(s->zone, sizeof s->zone, "%s", zone);
	c->asked_at = eng_now(e);
	c->asking = mus_lookup_parent(e->o.lookup, &name, on_parent, s) == 0;
	if (!c->asking) {
		not_found(e, s, "too many look-ups are under way");
		search_free(s);
	}
}

/* The name that was given is no zone, or there is one below it: nothing can be known of DS there. */
static bool
is_another(struct mus_engine *e, const struct mus_zone_obj *zobj, int64_t zone_id, const struct eng_parent *p)
{
	struct eng_child *c = child_get(e, zobj->name);
	struct eng_child what = {.failed = false};
	bool is = zobj->parent[0] && strcmp(zobj->parent, p->zone) != 0;

	if (is && (!c || !c->is_other)) {
		if (c)
			what = *c;
		what.failed = false;
		what.is_other = true;
		c = remember(e, zobj->name, &what, p->zone);
		eng_event(e, zone_id, zobj->name, "parent", "musicd", LOG_WARNING, OTHER_FMT, p->zone);
	}
	if (c)
		c->is_other = is;
	return is;
}

bool
eng_parent_is_searched(const struct mus_engine *e, const struct mus_zone_obj *zobj)
{
	return zobj->parent_addr_count == 0 || eng_checks_addresses(e);
}

struct eng_parent *
eng_parent_of(struct mus_engine *e, const struct mus_zone_obj *zobj, int64_t zone_id,
    struct mus_errtext *et)
{
	bool is_given = zobj->parent_addr_count > 0, is_searched = eng_parent_is_searched(e, zobj);
	struct eng_parent *p = is_searched ? parent_found(e, zobj->name) : parent_get(e, zobj->parent);

	/* Servers come and go; those that are known serve until the answer is there, and so do those that are given. */
	if (is_searched && (!p || p->addr_count == 0)) {
		search_parent(e, zobj->name, zone_id);
		p = is_given ? parent_get(e, zobj->parent) : NULL;
	} else if (is_searched && p->addr_until.ms <= eng_now(e).ms) {
		p->addr_until = mus_time_add_s(eng_now(e), RETRY_S);
		p->searched_at = eng_now(e);
		search_parent(e, zobj->name, zone_id);
	}
	if (!p) {
		mus_errf(et, MUS_ERR_NOTFOUND, "the parent zone is being looked for");
		return NULL;
	}
	if (is_another(e, zobj, zone_id, p)) {
		mus_errf(et, MUS_ERR_NOTFOUND, "the parent zone is another than the one given");
		return NULL;
	}
	if (p->keys_state == ENG_PK_NONE || p->next.ms <= eng_now(e).ms)
		ask_keys(e, p);
	return p;
}

bool
eng_is_just_asked(const struct mus_engine *e, struct mus_time at)
{
	return at.ms <= eng_now(e).ms && at.ms > eng_now(e).ms - WAIT_S * 1000;
}

static bool
are_keys_awaited(const struct mus_engine *e, const struct eng_parent *p)
{
	return p->asking && !eng_parent_has_keys(p, eng_now(e)) && !p->words.s[0] && eng_is_just_asked(e, p->asked_at);
}

static bool
are_old_servers_awaited(const struct mus_engine *e, const struct eng_parent *p)
{
	return mus_time_add_s(p->told_at, OLD_S).ms <= eng_now(e).ms && eng_is_just_asked(e, p->searched_at);
}

bool
eng_parent_is_awaited(struct mus_engine *e, const struct mus_zone_obj *zobj, int64_t zone_id)
{
	struct mus_errtext et;
	struct eng_parent *p = eng_parent_of(e, zobj, zone_id, &et);
	const struct eng_child *c = child_get(e, zobj->name);

	if ((!p || (p->addr_count == 0 && eng_parent_is_searched(e, zobj))) && c && c->asking && !c->failed &&
	    eng_is_just_asked(e, c->asked_at))
		return true;
	if (!p || (!are_old_servers_awaited(e, p) && !are_keys_awaited(e, p)))
		return false;
	wait_for(p, zone_id);
	return true;
}

enum mus_cause
eng_parent_lacks(const struct mus_engine *e, const char *zone)
{
	const struct eng_child *c = mus_map_get(e->parent_by_name, zone, strlen(zone) + 1);

	return c && (c->failed || c->is_other) ? MUS_CAUSE_NOLOOKUP : MUS_CAUSE_LOOKING;
}

void
eng_parent_trouble(const struct mus_engine *e, const struct mus_zonestate *st, struct mus_ctl_trouble *out)
{
	const char *zone = st->book.zone, *parent = st->book.parent;
	const struct eng_child *c = mus_map_get(e->parent_by_name, zone, strlen(zone) + 1);
	const struct eng_parent *p = mus_map_get(e->parent_by_name, parent, strlen(parent));

	if (p && st->book.parent_ns[0])
		snprintf(out->lookup, sizeof out->lookup, "%s", p->lame_words.s);
	else if (c && c->is_other)
		snprintf(out->lookup, sizeof out->lookup, OTHER_FMT, c->text);
	else if (c && c->failed)
		snprintf(out->lookup, sizeof out->lookup, "%s", c->text);
	else if (p)
		snprintf(out->lookup, sizeof out->lookup, "%s", p->words.s);
}

void
eng_parents_free(struct mus_engine *e)
{
	size_t pos = 0, len;
	const void *key;
	void *v;

	while (e->searches)
		search_free(e->searches);	/* the look-up is closed: none of them calls back */
	if (!e->parent_by_name)
		return;
	while (mus_map_next(e->parent_by_name, &pos, &key, &len, &v)) {
		if (len > 0 && ((const char *)key)[len - 1] != '\0') {
			struct eng_parent *p = v;

			mus_arena_clear(&p->arena);
			free(p->waiting);
		}
		free(v);
	}
	mus_map_free(e->parent_by_name);
	e->parent_by_name = NULL;
}
