#include <string.h>

#include "world_int.h"

/* A name server of the delegation. */
static bool
is_asked(const struct world *w, const struct world_server *v)
{
	return v->origin != MUS_PARENT && (w->parent.copy.rr[MUS_RR_PNS].set >> v->ns & 1) &&
	    !(w->parent.passes_over >> v->origin & 1);
}

/* All servers of the delegation show the same; NULL: not. */
static const struct world_set *
agreed(const struct world *w, unsigned kind)
{
	const struct world_set *first = NULL;

	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_server *v = &w->server[i];
		const struct world_set *s = &v->shown.rr[kind];

		if (!is_asked(w, v))
			continue;
		if (v->is_silent || s->absent)
			return NULL;
		if (first && (first->set != s->set || first->aux != s->aux ||
				 memcmp(first->dt, s->dt, sizeof s->dt) != 0))
			return NULL;
		first = s;
	}
	return first;
}

/* Every server's CDS is signed by a key that DS names, and its DNSKEY goes with the new set. */
static bool
is_continuous(const struct world *w, const struct world_set *cds)
{
	uint64_t ds = w->parent.copy.rr[MUS_RR_DS].set;

	for (unsigned i = 0; i < w->server_count; i++) {
		const struct world_set *rr = w->server[i].shown.rr;

		if (!is_asked(w, &w->server[i]))
			continue;
		if (!(rr[MUS_RR_CDS].sig & rr[MUS_RR_KEY].set & ds) ||
		    !(cds->set & rr[MUS_RR_KEY].set & rr[MUS_RR_KEY].sig))
			return false;
	}
	return true;
}

void
world_parent_scan(struct world *w)
{
	struct world_parent *p = &w->parent;
	const struct world_set *cds = agreed(w, MUS_RR_CDS), *cdn = agreed(w, MUS_RR_CDNSKEY);
	const struct world_set *ns = agreed(w, MUS_RR_NS), *csync = agreed(w, MUS_RR_CSYNC);

	p->scan_at = mus_time_add_s(w->now, p->scan_s);
	w->events[WORLD_EV_SCAN]++;
	if (p->is_frozen || mus_time_is_set(p->publish_at))
		return;
	p->next = p->copy;
	if (!p->ignores_cds && cds && cdn && cds->set == cdn->set && is_continuous(w, cds)) {
		p->next.rr[MUS_RR_DS].set = cds->set;
		memcpy(p->next.rr[MUS_RR_DS].dt, cds->dt, sizeof cds->dt);
	}
	if (!p->ignores_csync && ns && csync && ns->set)
		p->next.rr[MUS_RR_PNS].set = p->next.rr[MUS_RR_GLUE].set = ns->set;
	if (memcmp(&p->next, &p->copy, sizeof p->next) == 0)
		return;
	p->publish_at = mus_time_add_s(w->now, p->delay_s);
	world_tell(w, "parent: its scanner takes up what CDS and CSYNC ask for");
	/* Just before the next change, when nobody may look. */
	if (p->restores_late && p->copy.rr[MUS_RR_DS].ttl_s == p->ds_ttl_low_s) {
		p->restore_at = mus_time_add_s(p->publish_at, 5);
		p->publish_at = mus_time_add_s(p->publish_at, 25);
	}
}

void
world_parent_publish(struct world *w)
{
	struct world_parent *p = &w->parent;
	bool ds_changes = memcmp(&p->next.rr[MUS_RR_DS], &p->copy.rr[MUS_RR_DS],
			      sizeof p->next.rr[0]) != 0;
	char text[200];

	w->events[WORLD_EV_PUBLISH]++;
	if (ds_changes)
		world_tell(w, "parent: publishes DS {%s}",
		    world_keys_text(w, p->next.rr[MUS_RR_DS].set, text, sizeof text));
	if (p->next.rr[MUS_RR_PNS].set != p->copy.rr[MUS_RR_PNS].set)
		world_tell(w, "parent: publishes NS {%s}",
		    world_names_text(w, p->next.rr[MUS_RR_PNS].set, text, sizeof text));
	p->copy = p->next;
	p->publish_at = MUS_TIME_NEVER;
	if (ds_changes && p->ds_ttl_low_s) {
		p->copy.rr[MUS_RR_DS].ttl_s = p->ds_ttl_low_s;
		p->restore_at = p->restores_late ? MUS_TIME_NEVER : mus_time_add_s(w->now, p->ds_ttl_s);
	}
	world_changed(w, MUS_PARENT);
}

void
world_parent_restore(struct world *w)
{
	struct world_parent *p = &w->parent;

	w->events[WORLD_EV_PUBLISH]++;
	world_tell(w, "parent: DS has its long TTL again");
	p->restore_at = MUS_TIME_NEVER;
	p->copy.rr[MUS_RR_DS].ttl_s = p->next.rr[MUS_RR_DS].ttl_s = p->ds_ttl_s;
	world_changed(w, MUS_PARENT);
}
