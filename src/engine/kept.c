/*
 * What stands in the database of a zone, kept while the zone is in a turn or a process: it is read once,
 * not twice a turn; and the group that was read last.  Everything that changes it goes through here, or has all
 * forgotten that is kept, as a transaction that was rolled back does: then it is read again.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/int.h"

struct eng_kept {
	uint64_t from;			/* it counts while that is the engine's kept_from */
	struct mus_zone_obj *zobj;	/* only the bytes in use; NULL: not known */
	uint8_t *state;			/* as stored; NULL: not known */
	size_t zobj_room, state_room, state_len;
	struct mus_state_age age;	/* what is to be done to it */
};

/* Bytes that hold what they held, but for a longer one, in steps: thousands of blocks that grow by a few
 * bytes each turn, each of another length, would cost more to find a place for than all the rest. */
static void *
room_for(void *p, size_t *room, size_t len)
{
	enum { STEP = 512 };

	if (p && len <= *room)
		return p;
	free(p);
	*room = (len + STEP - 1) / STEP * STEP;
	return malloc(*room);
}

void
eng_kept_free(struct eng_zone *z)
{
	if (!z->kept)
		return;
	free(z->kept->zobj);
	free(z->kept->state);
	free(z->kept);
	z->kept = NULL;
}

void
eng_forget_kept(struct mus_engine *e)
{
	e->kept_from++;
	e->group.id = 0;
}

static struct eng_kept *
kept_of(const struct mus_engine *e, const struct eng_zone *z)
{
	return z && z->kept && z->kept->from == e->kept_from ? z->kept : NULL;
}

/* ---- the objects ------------------------------------------------------------------------------ */

const struct mus_group_obj *
eng_group_of(struct mus_engine *e, const struct mus_zone_obj *zobj, struct mus_errtext *et)
{
	if (e->group.id != zobj->group_id &&
	    mus_store_load_group_id(e->o.store, zobj->group_id, &e->group, et) < 0) {
		e->group.id = 0;
		return NULL;
	}
	return &e->group;
}

void
eng_keep_zone(struct mus_engine *e, struct eng_zone *z)
{
	size_t len = mus_zone_obj_bytes(&e->zobj);
	struct eng_kept *k;

	if (!kept_of(e, z)) {
		eng_kept_free(z);
		if (!(z->kept = calloc(1, sizeof *z->kept)))
			return;
		z->kept->from = e->kept_from;
	}
	k = z->kept;
	k->zobj = room_for(k->zobj, &k->zobj_room, len);
	if (k->zobj)
		memcpy(k->zobj, &e->zobj, len);
}

int
eng_load_zone(struct mus_engine *e, struct eng_zone *z, struct mus_errtext *et)
{
	const struct eng_kept *k = kept_of(e, z);
	int rc;

	if (k && k->zobj) {
		memcpy(&e->zobj, k->zobj, mus_zone_obj_bytes(k->zobj));
		return 0;
	}
	rc = mus_store_load_zone_id(e->o.store, z->id, &e->zobj, et);
	if (rc == 0)
		eng_keep_zone(e, z);
	return rc;
}

/* ---- the state ---------------------------------------------------------------------------------- */

static void
keep_state(struct eng_kept *k, const struct mus_buf *blob, struct mus_state_age age)
{
	k->state = room_for(k->state, &k->state_room, blob->len);
	if (!k->state)
		return;
	memcpy(k->state, blob->data, blob->len);
	k->state_len = blob->len;
	k->age = age;
}

static int
decode(const struct mus_engine *e, struct mus_zonestate *st, const uint8_t *p, size_t len, struct mus_state_age age,
    struct mus_errtext *et)
{
	int rc = mus_zonestate_decode(st, p, len, et);

	if (rc == 0 && age.behind_ms != 0)
		mus_zonestate_shift(st, age.behind_ms);
	if (rc == 0 && age.is_restored)
		mus_zonestate_break(st, eng_now(e));
	return rc;
}

/* NOTFOUND: nothing is known of it yet. */
static int
read_state(struct mus_engine *e, int64_t id, struct mus_zonestate *st, struct mus_errtext *et)
{
	struct eng_kept *k = kept_of(e, eng_zone_get(e, id));
	struct mus_state_age age;
	int rc;

	if (k && k->state)
		return decode(e, st, k->state, k->state_len, k->age, et);
	mus_buf_reset(&e->blob);
	rc = mus_store_load_state(e->o.store, id, &e->blob, &age, et);
	if (rc < 0) {
		mus_zonestate_clear(st);
		return rc;
	}
	if (k)
		keep_state(k, &e->blob, age);
	return decode(e, st, e->blob.data, e->blob.len, age, et);
}

/* Another version of the program has written it, or it is damaged: nothing of the past is known, and nobody may
 * take that for an empty past. */
static int
is_unreadable(struct mus_errtext *et)
{
	struct mus_errtext why = *et;

	return mus_errf(et, MUS_ERR_CONFLICT, "what is stored of the zone cannot be read (%.200s), so nothing is done "
	    "for it: run the version that wrote it, or \"zone delete\" and \"zone add\" it, then it is looked at as "
	    "if it were new", why.s);
}

int
eng_load_state(struct mus_engine *e, int64_t id, struct mus_zonestate *st, struct mus_errtext *et)
{
	int rc;

	eng_follow_clock(e);
	rc = read_state(e, id, st, et);
	if (rc == MUS_ERR_MALFORM || rc == MUS_ERR_UNSUPPORTED)
		return is_unreadable(et);
	if (rc != MUS_ERR_NOTFOUND)
		return rc;
	st->book.zone_id = id;
	return 0;
}

int
eng_save_state(struct mus_engine *e, int64_t id, const struct mus_zonestate *st)
{
	struct eng_kept *k;
	struct mus_errtext et;
	int rc = eng_begin(e);

	if (rc < 0)
		return rc;
	mus_buf_reset(&e->blob);
	if (!mus_zonestate_encode(st, &e->blob)) {
		e->tx_failed = true;
		return MUS_ERR_NOMEM;
	}
	rc = mus_store_save_state(e->o.store, id, e->blob.data, e->blob.len, &et);
	if (rc < 0)
		eng_store_failed(e, st->book.zone, &et);
	else if ((k = kept_of(e, eng_zone_get(e, id))) != NULL)
		keep_state(k, &e->blob, (struct mus_state_age){0, false});
	return rc;
}
