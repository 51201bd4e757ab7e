/*
 * What an operator has changed, for the history: field by field, what was and what is.  Keys are named by
 * their files; nothing here knows a secret.
 */
#include <stdio.h>
#include <string.h>

#include "engine/control_int.h"

enum { SIDE_MAX = 64 << 10 };

/* One field; ${before} and ${after} are texts, empty: none. */
static void
differ(struct mus_buf *out, const char *what, const char *before, const char *after)
{
	if (strcmp(before, after) == 0)
		return;
	mus_buf_printf(out, "%s %s %s -> %s", out->len > 0 ? "," : ":", what, before[0] ? before : "none",
	    after[0] ? after : "none");
}

static void
differ_number(struct mus_buf *out, const char *what, uint32_t before, uint32_t after)
{
	char a[16], b[16];

	snprintf(a, sizeof a, "%u", before);
	snprintf(b, sizeof b, "%u", after);
	differ(out, what, a, b);
}

static void
differ_flag(struct mus_buf *out, const char *what, bool before, bool after)
{
	differ(out, what, before ? "yes" : "no", after ? "yes" : "no");
}

/* Takes both texts; either may have become too large, and the memory may have been missing. */
static void
differ_texts(struct mus_buf *out, const char *what, struct mus_buf *before, struct mus_buf *after)
{
	mus_buf_add_u8(before, 0);
	mus_buf_add_u8(after, 0);
	if (before->failed || after->failed)
		out->failed = true;
	else
		differ(out, what, (const char *)before->data, (const char *)after->data);
	mus_buf_clear(before);
	mus_buf_clear(after);
}

static void
add_addrs(struct mus_buf *out, const struct mus_addr *addr, unsigned count)
{
	char text[MUS_ADDR_TEXT_MAX];

	for (unsigned i = 0; i < count; i++)
		mus_buf_printf(out, "%s%s", i > 0 ? "," : "", mus_addr_text(&addr[i], 53, text));
}

static void
add_ns(struct mus_buf *out, const struct mus_ns_obj *ns, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		mus_buf_printf(out, "%s%s%s", i > 0 ? " " : "", ns[i].name, ns[i].addr_count > 0 ? "=" : "");
		add_addrs(out, ns[i].addr, ns[i].addr_count);
	}
}

void
eng_say_signer(const struct mus_signer_obj *a, const struct mus_signer_obj *b, struct mus_buf *out)
{
	struct mus_buf was, is;
	char before[MUS_ADDR_TEXT_MAX], after[MUS_ADDR_TEXT_MAX];

	differ(out, "driver", a->driver, b->driver);
	differ(out, "update", a->update.family ? mus_addr_text(&a->update, 53, before) : "",
	    b->update.family ? mus_addr_text(&b->update, 53, after) : "");
	differ(out, "key file", a->key_file, b->key_file);
	differ_flag(out, "no transfer", a->no_transfer, b->no_transfer);
	differ_number(out, "largest TTL", a->max_ttl_s, b->max_ttl_s);
	differ_flag(out, "declared content", a->declared_content, b->declared_content);
	differ_number(out, "update rate", a->update_rate, b->update_rate);
	mus_buf_init(&was, SIDE_MAX);
	mus_buf_init(&is, SIDE_MAX);
	add_ns(&was, a->ns, a->ns_count);
	add_ns(&is, b->ns, b->ns_count);
	differ_texts(out, "name servers", &was, &is);
}

/* What the zone has of its own for that signer. */
static void
add_own(struct mus_buf *out, const struct mus_zone_obj *o, int64_t signer_id)
{
	for (unsigned i = 0; i < o->signer_count; i++) {
		const struct mus_zone_signer_obj *zs = &o->signer[i];

		if (zs->signer_id != signer_id)
			continue;
		add_ns(out, zs->ns, zs->ns_count);
		if (zs->key_file[0])
			mus_buf_printf(out, "%skey file %s", out->len > 0 ? " " : "", zs->key_file);
		if (zs->max_ttl_s)
			mus_buf_printf(out, "%slargest TTL %u", out->len > 0 ? " " : "", zs->max_ttl_s);
	}
}

static int
say_own(struct mus_engine *e, const struct mus_zone_obj *a, const struct mus_zone_obj *b, int64_t signer_id,
    struct mus_buf *out, struct mus_errtext *et)
{
	char what[MUS_LABEL_MAX + 16];
	struct mus_signer_obj s;
	struct mus_buf was, is;
	int rc = mus_store_load_signer_id(e->o.store, signer_id, &s, et);

	if (rc < 0)
		return rc;
	snprintf(what, sizeof what, "for %s", s.name);
	mus_buf_init(&was, SIDE_MAX);
	mus_buf_init(&is, SIDE_MAX);
	add_own(&was, a, signer_id);
	add_own(&is, b, signer_id);
	differ_texts(out, what, &was, &is);
	return 0;
}

static bool
names_signer(const struct mus_zone_obj *o, int64_t signer_id)
{
	for (unsigned i = 0; i < o->signer_count; i++)
		if (o->signer[i].signer_id == signer_id)
			return true;
	return false;
}

static int
group_name(struct mus_engine *e, int64_t id, char out[static MUS_LABEL_MAX], struct mus_errtext *et)
{
	struct mus_group_obj g = {.id = 0};
	int rc = id ? mus_store_load_group_id(e->o.store, id, &g, et) : 0;

	snprintf(out, MUS_LABEL_MAX, "%s", g.name);
	return rc;
}

int
eng_say_zone(struct mus_engine *e, const struct mus_zone_obj *a, const struct mus_zone_obj *b,
    struct mus_buf *out, struct mus_errtext *et)
{
	static const char *const mode[] = {[MUS_MODE_AUTO] = "auto", [MUS_MODE_MANUAL] = "manual"};
	char before[MUS_LABEL_MAX], after[MUS_LABEL_MAX];
	struct mus_buf was, is;
	int rc;

	if ((rc = group_name(e, a->group_id, before, et)) < 0 || (rc = group_name(e, b->group_id, after, et)) < 0)
		return rc;
	differ(out, "group", before, after);
	differ(out, "mode", mode[a->mode], mode[b->mode]);
	differ(out, "sample", a->sample, b->sample);
	differ(out, "parent", a->parent, b->parent);
	mus_buf_init(&was, SIDE_MAX);
	mus_buf_init(&is, SIDE_MAX);
	add_addrs(&was, a->parent_addr, a->parent_addr_count);
	add_addrs(&is, b->parent_addr, b->parent_addr_count);
	differ_texts(out, "parent addresses", &was, &is);
	for (unsigned i = 0; rc == 0 && i < a->signer_count; i++)
		rc = say_own(e, a, b, a->signer[i].signer_id, out, et);
	for (unsigned i = 0; rc == 0 && i < b->signer_count; i++)
		if (!names_signer(a, b->signer[i].signer_id))
			rc = say_own(e, a, b, b->signer[i].signer_id, out, et);
	return rc;
}

const char *
eng_said(struct mus_buf *out)
{
	if (out->len == 0 && !out->failed)
		mus_buf_add_str(out, ": nothing differs");
	return mus_buf_add_u8(out, 0) ? (const char *)out->data : "";
}
