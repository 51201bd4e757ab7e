#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "fill.h"

void
fill_ns(struct mus_ns_obj *ns, const char *name, unsigned addr_count)
{
	memset(ns, 0, sizeof *ns);
	mus_strcpy(ns->name, sizeof ns->name, name);
	ns->addr_count = (uint8_t)addr_count;
	for (unsigned i = 0; i < addr_count; i++) {
		char text[MUS_ADDR_TEXT_MAX];

		snprintf(text, sizeof text, i % 2 ? "2001:db8::%x" : "192.0.2.%u", i + 1);
		if (!mus_addr_parse(text, (uint16_t)(i == 3 ? 5353 : 53), &ns->addr[i]))
			abort();
	}
}

void
fill_signer(struct mus_signer_obj *o, const char *name)
{
	memset(o, 0, sizeof *o);
	mus_strcpy(o->name, sizeof o->name, name);
	mus_strcpy(o->driver, sizeof o->driver, "ddns");
	mus_addr_parse("2001:db8:53::1@10053", 53, &o->update);
	mus_strcpy(o->key_file, sizeof o->key_file, "keys/one.key");
	o->no_transfer = true;
	o->max_ttl_s = UINT32_MAX;
	o->declared_content = true;
	o->update_rate = 17;
	o->ns_count = MUS_OBJ_NS_MAX;
	for (unsigned i = 0; i < MUS_OBJ_NS_MAX; i++) {
		char ns[300];

		snprintf(ns, sizeof ns, "ns%u.%s.example.", MUS_OBJ_NS_MAX - i, name);
		fill_ns(&o->ns[i], ns, i % (MUS_OBJ_ADDR_MAX + 1));
	}
	fill_ns(&o->ns[7], "ns.full.example.", MUS_OBJ_ADDR_MAX);
	o->caps = (struct mus_caps){MUS_YES, MUS_NO, MUS_UNKNOWN, MUS_YES, MUS_NO};
	o->caps_at = MUS_TIME_NEVER;
	o->created_at = (struct mus_time){1767225600123};
	o->changed_at = (struct mus_time){1767225600456};
}

void
fill_group(struct mus_group_obj *o, const char *name, const int64_t *signer_id, unsigned count)
{
	memset(o, 0, sizeof *o);
	mus_strcpy(o->name, sizeof o->name, name);
	o->member_count = (uint8_t)count;
	for (unsigned i = 0; i < count; i++) {
		o->member[i].signer_id = signer_id[count - 1 - i];	/* order is kept as given */
		o->member[i].leaving = i == 1;
	}
	o->created_at = (struct mus_time){1};
	o->changed_at = MUS_TIME_ALWAYS;
}

void
fill_zone(struct mus_zone_obj *o, const char *name, int64_t group_id, const int64_t *signer_id,
    unsigned signer_count)
{
	memset(o, 0, sizeof *o);
	mus_strcpy(o->name, sizeof o->name, name);
	o->group_id = group_id;
	o->mode = MUS_MODE_MANUAL;
	o->held = true;
	mus_strcpy(o->held_reason, sizeof o->held_reason, "not before Monday");
	mus_strcpy(o->sample, sizeof o->sample, "www");
	mus_strcpy(o->parent, sizeof o->parent, "example.");
	o->parent_addr_count = MUS_OBJ_PARENT_MAX;
	for (unsigned i = 0; i < MUS_OBJ_PARENT_MAX; i++) {
		char text[MUS_ADDR_TEXT_MAX];

		snprintf(text, sizeof text, "2001:db8:ffff:ffff:ffff:ffff:ffff:%x@%u", i, 65535 - i);
		if (!mus_addr_parse(text, 53, &o->parent_addr[i]))
			abort();
	}
	o->signer_count = (uint8_t)signer_count;
	for (unsigned i = 0; i < signer_count; i++) {
		struct mus_zone_signer_obj *zs = &o->signer[i];

		zs->signer_id = signer_id[signer_count - 1 - i];
		zs->max_ttl_s = 3600 + i;
		zs->lost = i == 0;
		zs->lost_ttl_s = 86400 + i;
		zs->lost_until = i ? (struct mus_time){5000 + i} : MUS_TIME_NEVER;
		zs->excluded = i == 1;
		zs->staying = i != 0;
		zs->ns_count = (uint8_t)(i % 3);
		mus_strcpy(zs->key_file, sizeof zs->key_file, "keys/of-zone.key");
		for (unsigned k = 0; k < zs->ns_count; k++) {
			char ns[64];

			snprintf(ns, sizeof ns, "vanity%u-%u.example.", i, k);
			fill_ns(&zs->ns[k], ns, k + 1);
		}
	}
	mus_strcpy(o->state, sizeof o->state, "VALID");
	mus_strcpy(o->process, sizeof o->process, "ADD-SIGNER knot");
	mus_strcpy(o->row, sizeof o->row, "ds-propagated");
	mus_strcpy(o->waiting, sizeof o->waiting, "parent-ds: 192.0.2.1 does not show the DS");
	o->waiting_until = (struct mus_time){1767225700000};
	o->next_check_at = (struct mus_time){1767225800000};
	o->checked_at = MUS_TIME_ALWAYS;
	o->created_at = (struct mus_time){1767225600123};
	o->changed_at = MUS_TIME_NEVER;
}

#define DIFF_NUM(f) if (a->f != b->f) return #f
#define DIFF_STR(f) if (strcmp(a->f, b->f) != 0) return #f
#define DIFF_TIME(f) if (a->f.ms != b->f.ms) return #f

static const char *
diff_ns(const struct mus_ns_obj *a, const struct mus_ns_obj *b, unsigned count)
{
	for (; count > 0; count--, a++, b++) {
		DIFF_STR(name);
		DIFF_NUM(addr_count);
		for (unsigned i = 0; i < a->addr_count; i++)
			if (!mus_addr_equal(&a->addr[i], &b->addr[i]))
				return "addr";
	}
	return "";
}

const char *
diff_signer(const struct mus_signer_obj *a, const struct mus_signer_obj *b)
{
	DIFF_NUM(id);
	DIFF_STR(name);
	DIFF_STR(driver);
	if (!mus_addr_equal(&a->update, &b->update))
		return "update";
	DIFF_STR(key_file);
	DIFF_NUM(no_transfer);
	DIFF_NUM(max_ttl_s);
	DIFF_NUM(declared_content);
	DIFF_NUM(update_rate);
	DIFF_NUM(ns_count);
	DIFF_NUM(caps.dnskey);
	DIFF_NUM(caps.cds);
	DIFF_NUM(caps.cdnskey);
	DIFF_NUM(caps.csync);
	DIFF_NUM(caps.ns);
	DIFF_TIME(caps_at);
	DIFF_TIME(created_at);
	DIFF_TIME(changed_at);
	return diff_ns(a->ns, b->ns, a->ns_count);
}

const char *
diff_group(const struct mus_group_obj *a, const struct mus_group_obj *b)
{
	DIFF_NUM(id);
	DIFF_STR(name);
	DIFF_NUM(member_count);
	for (unsigned i = 0; i < a->member_count; i++) {
		DIFF_NUM(member[i].signer_id);
		DIFF_NUM(member[i].leaving);
	}
	DIFF_TIME(created_at);
	DIFF_TIME(changed_at);
	return "";
}

const char *
diff_zone(const struct mus_zone_obj *a, const struct mus_zone_obj *b)
{
	DIFF_NUM(id);
	DIFF_STR(name);
	DIFF_NUM(group_id);
	DIFF_NUM(mode);
	DIFF_NUM(held);
	DIFF_STR(held_reason);
	DIFF_STR(sample);
	DIFF_STR(parent);
	DIFF_NUM(parent_addr_count);
	for (unsigned i = 0; i < a->parent_addr_count; i++)
		if (!mus_addr_equal(&a->parent_addr[i], &b->parent_addr[i]))
			return "parent_addr";
	DIFF_NUM(signer_count);
	for (unsigned i = 0; i < a->signer_count; i++) {
		const char *ns;

		DIFF_NUM(signer[i].signer_id);
		DIFF_NUM(signer[i].ns_count);
		DIFF_STR(signer[i].key_file);
		DIFF_NUM(signer[i].max_ttl_s);
		DIFF_NUM(signer[i].lost);
		DIFF_NUM(signer[i].lost_ttl_s);
		DIFF_NUM(signer[i].lost_until.ms);
		DIFF_NUM(signer[i].excluded);
		DIFF_NUM(signer[i].staying);
		if ((ns = diff_ns(a->signer[i].ns, b->signer[i].ns, a->signer[i].ns_count))[0])
			return ns;
	}
	DIFF_STR(state);
	DIFF_STR(process);
	DIFF_STR(row);
	DIFF_STR(waiting);
	DIFF_TIME(waiting_until);
	DIFF_TIME(next_check_at);
	DIFF_TIME(checked_at);
	DIFF_TIME(created_at);
	DIFF_TIME(changed_at);
	return "";
}

void
folder_make(char out[static 256])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(out, 256, "%s/mus-store-XXXXXX", tmp ? tmp : "/tmp");
	if (mkdtemp(out) == NULL)
		abort();
}

void
folder_remove(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char file[1024];

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlink(file);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}
