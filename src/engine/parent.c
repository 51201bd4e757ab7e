/*
 * Parents: found by validated look-up from the root, shared by all their children, kept for a
 * while.  The parent's DNSKEY RRset is the root of trust for what its servers say about DS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "engine/int.h"

enum { KEEP_S = 600, RETRY_S = 10 };

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
on_keys(void *arg, const struct mus_lookup_result *r)
{
	struct eng_search *s = arg;
	struct eng_parent *p = s->p;
	struct mus_engine *e = s->e;

	p->asking = false;
	mus_arena_clear(&p->arena);
	memset(&p->keys, 0, sizeof p->keys);
	p->until = mus_time_add_s(eng_now(e), KEEP_S);
	if (r->err != 0 || r->security == MUS_LOOKUP_BOGUS) {
		p->keys_state = ENG_PK_FAILED;
		mus_errf(&p->words, 0, "DNSKEY of the parent %s: %s", p->zone,
		    r->err ? r->words.s : "bogus");
		p->until = mus_time_add_s(eng_now(e), RETRY_S);
	} else if (r->security == MUS_LOOKUP_SECURE && r->set.count > 0) {
		p->keys.owner = r->set.owner;
		p->keys.type = r->set.type;
		p->keys.rclass = r->set.rclass;
		for (size_t i = 0; i < r->set.count; i++)
			if (mus_rrset_add(&p->keys, r->set.rd[i], &p->arena) < 0)
				break;
		p->keys_state = ENG_PK_SECURE;
	} else {
		p->keys_state = ENG_PK_INSECURE;
		mus_errf(&p->words, 0, "the parent %s is not signed", p->zone);
	}
	if (p->keys_state != ENG_PK_SECURE)
		eng_say(e, LOG_WARNING, p->zone, "%s", p->words.s);
	wake_zone(e, s->zone_id);
	search_free(s);
}

static void
ask_keys(struct mus_engine *e, struct eng_parent *p, int64_t zone_id)
{
	struct eng_search *s;

	if (p->asking || !e->o.lookup)
		return;
	s = search_new(e, zone_id);
	if (!s)
		return;
	s->p = p;
	if (mus_lookup(e->o.lookup, &p->name, MUS_TYPE_DNSKEY, on_keys, s) < 0)
		search_free(s);
	else
		p->asking = true;
}

/* Notes under the child's name, with its NUL (no parent's entry has one), where its parent is:
 * "" while that is being looked for. */
static bool
remember(struct mus_engine *e, const char *child, const char *parent)
{
	char *note = strdup(parent);
	void *old = NULL;

	if (!note || mus_map_set(e->parent_by_name, child, strlen(child) + 1, note, &old) < 0) {
		free(note);
		return false;
	}
	free(old);
	return true;
}

static void
on_parent(void *arg, const struct mus_lookup_parent *r)
{
	struct eng_search *s = arg;
	struct mus_engine *e = s->e;
	char text[MUS_NAME_TEXT_MAX];
	struct eng_parent *p;

	unsigned up = 0;

	/* The search of this child is over, whatever it gave. */
	free(mus_map_remove(e->parent_by_name, s->zone, strlen(s->zone) + 1));
	if (r->err != 0 || r->count == 0) {
		eng_say(e, LOG_WARNING, s->zone, "the parent zone cannot be found: %s",
		    r->err ? r->words.s : "no addresses");
		goto out;
	}
	p = parent_get(e, mus_name_text(&r->zone, text));
	if (!p)
		goto out;
	p->addr_count = 0;
	for (size_t i = 0; i < r->count && p->addr_count < MUS_LOOKUP_SERVERS_MAX; i++) {
		p->addr[p->addr_count] = r->server[i].addr;
		p->addr[p->addr_count++].port = e->o.dns_port;
	}
	p->addr_until = mus_time_add_s(eng_now(e), KEEP_S);
	/* Not the next name up (a name without a zone of its own lies between): remember it. */
	while (s->zone[up] && s->zone[up++] != '.')
		;
	if (strcmp(s->zone + up, p->zone) != 0 && strcmp(p->zone, ".") != 0)
		remember(e, s->zone, p->zone);
	if (p->keys_state == ENG_PK_NONE)
		ask_keys(e, p, s->zone_id);
	wake_zone(e, s->zone_id);
out:
	search_free(s);
}

/* Starts the search for a child's parent unless one is under way. */
static void
search_parent(struct mus_engine *e, const char *zone, int64_t zone_id)
{
	struct mus_name name;
	struct eng_search *s;

	if (!e->o.lookup || mus_map_get(e->parent_by_name, zone, strlen(zone) + 1) ||
	    mus_name_parse(zone, &name, NULL) < 0)
		return;
	s = search_new(e, zone_id);
	if (!s)
		return;
	if (!remember(e, zone, "")) {
		search_free(s);
		return;
	}
	snprintf(s->zone, sizeof s->zone, "%s", zone);
	if (mus_lookup_parent(e->o.lookup, &name, on_parent, s) < 0) {
		free(mus_map_remove(e->parent_by_name, zone, strlen(zone) + 1));
		search_free(s);
	}
}

struct eng_parent *
eng_parent_of(struct mus_engine *e, const struct mus_zone_obj *zobj, int64_t zone_id,
    struct mus_errtext *et)
{
	struct eng_parent *p = NULL;
	const char *known, *up = strchr(zobj->name, '.');

	if (zobj->parent[0]) {
		p = parent_get(e, zobj->parent);
		if (p && zobj->parent_addr_count) {
			p->addr_count = zobj->parent_addr_count;
			memcpy(p->addr, zobj->parent_addr, p->addr_count * sizeof p->addr[0]);
		}
	}
	known = mus_map_get(e->parent_by_name, zobj->name, strlen(zobj->name) + 1);
	if (!p && known && *known)
		p = mus_map_get(e->parent_by_name, known, strlen(known));
	/* The next name up, when it is known to be a zone. */
	if (!p && up)
		p = mus_map_get(e->parent_by_name, up[1] ? up + 1 : ".", up[1] ? strlen(up + 1) : 1);
	if (!p || p->addr_count == 0) {
		search_parent(e, zobj->name, zone_id);
		mus_errf(et, MUS_ERR_NOTFOUND, "the parent zone is being looked for");
		return NULL;
	}
	/* Servers come and go; those that are known serve until the answer is there. */
	if (!zobj->parent_addr_count && p->addr_until.ms <= eng_now(e).ms) {
		p->addr_until = mus_time_add_s(eng_now(e), RETRY_S);
		search_parent(e, zobj->name, zone_id);
	}
	if (p->keys_state == ENG_PK_NONE || p->until.ms <= eng_now(e).ms)
		ask_keys(e, p, zone_id);
	return p;
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
		}
		free(v);
	}
	mus_map_free(e->parent_by_name);
	e->parent_by_name = NULL;
}
