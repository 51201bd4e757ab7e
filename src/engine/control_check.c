/*
 * Checks of what an operator wants stored; a fault is named by the place where he wrote it.
 */
#include <stdio.h>
#include <string.h>

#include "engine/control_int.h"
#include "wire/body.h"

static int refuse(const struct eng_at *at, const char *field, const char *fmt, ...) MUS_PRINTF(3, 4);

struct eng_at
eng_at_of(char *field, struct mus_errtext *et)
{
	if (field)
		field[0] = '\0';
	return (struct eng_at){field, et};
}

void
eng_point(const struct eng_at *at, const char *field)
{
	if (at->field)
		snprintf(at->field, MUS_CTL_FIELD_MAX, "%s", field);
}

static int
refuse(const struct eng_at *at, const char *field, const char *fmt, ...)
{
	char words[sizeof at->et->s];
	va_list ap;

	eng_point(at, field);
	va_start(ap, fmt);
	vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	return mus_errf(at->et, MUS_ERR_INVAL, "%s", words);
}

int
eng_check_label(const struct eng_at *at, const char *field, const char *s)
{
	const char *why = mus_check_label(s);

	return why ? refuse(at, field, "%s", why) : 0;
}

int
eng_canonical(const struct eng_at *at, const char *field, char *s, size_t cap)
{
	struct mus_name name;
	char text[MUS_NAME_TEXT_MAX];

	if (mus_name_parse(s, &name, at->et) < 0) {
		eng_point(at, field);
		return MUS_ERR_INVAL;
	}
	mus_name_text(&name, text);
	if (strlen(text) >= cap)
		return refuse(at, field, "name too long");
	snprintf(s, cap, "%s", text);
	return 0;
}

/* An address that a server can have; none is another matter. */
static int
check_addr(const struct eng_at *at, const char *field, const struct mus_addr *a)
{
	const char *why = a->family ? mus_addr_no_host(a) : NULL;
	char text[MUS_ADDR_TEXT_MAX];

	return why ? refuse(at, field, "no server has the address %s: it %s", mus_addr_text(a, 53, text), why) : 0;
}

/* ${where}: of the list. */
static int
check_ns(const struct mus_engine *e, const struct eng_at *at, const char *where, struct mus_ns_obj *ns, unsigned count)
{
	int rc;

	for (unsigned i = 0; i < count; i++) {
		char field[MUS_CTL_FIELD_MAX];

		snprintf(field, sizeof field, "%s/%u/name", where, i);
		if ((rc = eng_canonical(at, field, ns[i].name, sizeof ns[i].name)) < 0)
			return rc;
		for (unsigned k = 0; k < i; k++)
			if (strcmp(ns[k].name, ns[i].name) == 0)
				return refuse(at, field, "%s stands twice", ns[i].name);
		if (ns[i].addr_count == 0 && !e->o.lookup) {
			snprintf(field, sizeof field, "%s/%u/addresses", where, i);
			return refuse(at, field, "%s has no address", ns[i].name);
		}
		for (unsigned k = 0; k < ns[i].addr_count; k++) {
			snprintf(field, sizeof field, "%s/%u/addresses/%u", where, i, k);
			if ((rc = check_addr(at, field, &ns[i].addr[k])) < 0)
				return rc;
		}
	}
	return 0;
}

static int
check_key_file(const struct eng_at *at, const char *field, const char *path)
{
	struct mus_tsig_key *key = NULL;

	if (!path[0])
		return 0;
	if (mus_tsig_key_load(path, &key, at->et) < 0) {
		eng_point(at, field);
		return MUS_ERR_INVAL;
	}
	mus_tsig_key_free(key);
	return 0;
}

int
eng_check_signer(const struct mus_engine *e, const struct eng_at *at, struct mus_signer_obj *o)
{
	const struct mus_driver *d = mus_driver_find(o->driver);
	char names[MUS_DRV_NAMES_MAX];
	int rc;

	if ((rc = eng_check_label(at, "/name", o->name)) < 0)
		return rc;
	if (!d)
		return refuse(at, "/driver", "no driver \"%s\" (there are: %s)", o->driver,
		    mus_driver_names(names));
	if (d->needs_update_addr && o->update.family == 0)
		return refuse(
		    at, "/update", "driver %s needs the address that takes UPDATEs", d->name);
	if (d->is_secondary && o->update.family != 0)
		return refuse(at, "/update",
		    "driver %s changes nothing and reads no copies: it has no use for an address", d->name);
	if ((rc = check_addr(at, "/update", &o->update)) < 0)
		return rc;
	if ((rc = check_key_file(at, "/key_file", o->key_file)) < 0)
		return rc;
	return check_ns(e, at, "/name_servers", o->ns, o->ns_count);
}

/* The labels of ${name} before those of ${zone}; empty: none. */
static void
relative_to(const struct mus_name *name, const struct mus_name *zone, char out[static MUS_NAME_TEXT_MAX])
{
	char tail[MUS_NAME_TEXT_MAX];
	size_t len = strlen(mus_name_text(name, out)), cut = strlen(mus_name_text(zone, tail));

	out[len > cut ? len - cut - 1 : 0] = '\0';
}

/* Is the first label of a canonical name the asterisk?  Further on it is a label like others (RFC 4592 2.1.1). */
static bool
is_wildcard(const char *name)
{
	return strncmp(name, "*.", 2) == 0;
}

static int
check_sample(const struct eng_at *at, const struct mus_zone_obj *o)
{
	char text[MUS_NAME_TEXT_MAX];
	struct mus_name name, zone;

	if (!o->sample[0])
		return 0;
	if (strcmp(o->sample, "@") == 0)	/* as in zone files */
		return refuse(at, "/sample", "\"@\" is the zone itself, which is watched anyway: leave it out");
	/* "www.ex.lab" in ex.lab, with the dot or without: the whole name was meant */
	if (mus_name_parse(o->sample, &name, at->et) == 0 && mus_name_parse(o->name, &zone, at->et) == 0 &&
	    mus_name_in(&name, &zone)) {
		relative_to(&name, &zone, text);
		if (text[0])
			return refuse(at, "/sample", "\"%s\" ends with the name of the zone: write \"%s\"",
			    o->sample, text);
		return refuse(at, "/sample", "\"%s\" is the zone itself, which is watched anyway: leave it out",
		    o->sample);
	}
	if (o->sample[strlen(o->sample) - 1] == '.')
		return refuse(at, "/sample", "\"%s\" must be relative to the zone", o->sample);
	snprintf(text, sizeof text, "%s.%.300s", o->sample, o->name);
	if (mus_name_parse(text, &name, at->et) < 0) {
		eng_point(at, "/sample");
		return MUS_ERR_INVAL;
	}
	if (is_wildcard(mus_name_text(&name, text)))
		return refuse(at, "/sample", "\"%s\" is a wildcard, which nobody asks for: "
		    "take a name that it answers, or another", o->sample);
	return 0;
}

/* One that was taken before the other zone came is told by what is found at the signers. */
int
eng_check_cut(const struct mus_engine *e, const struct eng_at *at, const struct mus_zone_obj *o,
    const struct mus_zone_obj *before)
{
	char text[MUS_NAME_TEXT_MAX];
	struct mus_name name, zone;
	struct mus_zone_obj other;
	int rc;

	if (!o->sample[0] || (before && strcmp(before->sample, o->sample) == 0))
		return 0;
	snprintf(text, sizeof text, "%s.%.300s", o->sample, o->name);
	if (mus_name_parse(text, &name, at->et) < 0 || mus_name_parse(o->name, &zone, at->et) < 0)
		return MUS_ERR_INVAL;
	for (; !mus_name_equal(&name, &zone); (void)mus_name_parent(&name, &name)) {
		rc = mus_store_load_zone(e->o.store, mus_name_text(&name, text), &other, at->et);
		if (rc == 0)
			return refuse(at, "/sample", "\"%s\" is a name of %s, a zone of its own: "
			    "take one outside of it", o->sample, other.name);
		if (rc != MUS_ERR_NOTFOUND)
			return rc;
	}
	return 0;
}

static int
check_parent(const struct eng_at *at, struct mus_zone_obj *o)
{
	struct mus_name zone, parent;
	int rc;

	if (!o->parent[0])
		return 0;
	if ((rc = eng_canonical(at, "/parent", o->parent, sizeof o->parent)) < 0)
		return rc;
	if (mus_name_parse(o->name, &zone, at->et) < 0 || mus_name_parse(o->parent, &parent, at->et) < 0)
		return MUS_ERR_INVAL;
	if (!mus_name_in(&zone, &parent) || mus_name_equal(&zone, &parent))
		return refuse(at, "/parent", "%s is not above %s", o->parent, o->name);
	return 0;
}

int
eng_check_zone(const struct mus_engine *e, const struct eng_at *at, struct mus_zone_obj *o)
{
	int rc = eng_canonical(at, "/name", o->name, sizeof o->name);

	if (rc < 0)
		return rc;
	if (strcmp(o->name, ".") == 0)
		return refuse(at, "/name", "the root has no parent to follow");
	if (is_wildcard(o->name))
		return refuse(at, "/name", "%s is a wildcard, and no zone has such a name: "
		    "give each zone by its own", o->name);
	if ((rc = check_parent(at, o)) < 0)
		return rc;
	if (o->parent_addr_count && !o->parent[0])
		return refuse(at, "/parent", "must be given when addresses of its servers are");
	for (unsigned i = 0; i < o->parent_addr_count; i++) {
		char field[MUS_CTL_FIELD_MAX];

		snprintf(field, sizeof field, "/parent_addresses/%u", i);
		if ((rc = check_addr(at, field, &o->parent_addr[i])) < 0)
			return rc;
	}
	if ((rc = check_sample(at, o)) < 0)
		return rc;
	for (unsigned i = 0; i < o->signer_count; i++) {
		char field[MUS_CTL_FIELD_MAX];

		snprintf(field, sizeof field, "/signers/%u/key_file", i);
		if ((rc = check_key_file(at, field, o->signer[i].key_file)) < 0)
			return rc;
		snprintf(field, sizeof field, "/signers/%u/name_servers", i);
		if ((rc = check_ns(e, at, field, o->signer[i].ns, o->signer[i].ns_count)) < 0)
			return rc;
	}
	return 0;
}
