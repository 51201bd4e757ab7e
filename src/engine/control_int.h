/*
 * Inside the calls of an operator (engine/control.h): their transaction, their checks, who is woken.
 */
#ifndef MUS_ENGINE_CONTROL_INT_H
#define MUS_ENGINE_CONTROL_INT_H

#include "engine/int.h"

/* --- control.c --- */
/* An operator's transaction.  What the engine has gathered in this turn of the loop is stored before
 * it, so that the change stands or falls alone. */
int eng_ctl_begin(struct mus_engine *e, struct mus_errtext *et);
int eng_ctl_note(struct mus_engine *e, int64_t zone_id, const char *zone, const char *kind,
    const char *actor, struct mus_errtext *et, const char *fmt, ...) MUS_PRINTF(7, 8);
/* Ends it: all of it, or with ${rc} < 0 nothing.  Gives ${rc}, or why it was not stored. */
int eng_ctl_end(struct mus_engine *e, int rc, struct mus_errtext *et);
int eng_ctl_zone(struct mus_engine *e, const char *zone, struct mus_zone_obj *o, struct mus_errtext *et);
/* What was sent, or tried to be read, may be again at once: somebody has mended something. */
void eng_forget_tries(struct eng_zone *z);
void eng_wake_group(struct mus_engine *e, int64_t group_id);

/* --- control_check.c --- */
/* Where a fault is, as the client wrote it: a JSON pointer. */
struct eng_at {
	char *field;			/* MUS_CTL_FIELD_MAX, or NULL */
	struct mus_errtext *et;
};
struct eng_at eng_at_of(char *field, struct mus_errtext *et);
/* Each 0, or INVAL with words and the field.  eng_canonical rewrites ${s}, the others what they check. */
int eng_canonical(const struct eng_at *at, const char *field, char *s, size_t cap);
void eng_point(const struct eng_at *at, const char *field);
int eng_check_label(const struct eng_at *at, const char *field, const char *s);
int eng_check_signer(const struct mus_engine *e, const struct eng_at *at, struct mus_signer_obj *o);
/* A sample that is new, or ${before}'s no longer, is no name of a zone below that is under care too.  NULL: there was none. */
int eng_check_cut(const struct mus_engine *e, const struct eng_at *at, const struct mus_zone_obj *o,
    const struct mus_zone_obj *before);
int eng_check_zone(const struct mus_engine *e, const struct eng_at *at, struct mus_zone_obj *o);

/* --- control_group.c --- */
bool eng_is_in(const struct mus_group_obj *g, int64_t signer_id);

/* --- control_room.c --- */
/* Is there room for the addresses of all signers of the group, as ${changed} is to be (NULL: as stored), on
 * ${zone} (NULL: one with nothing of its own)?  INVAL with words: there is not. */
int eng_check_room(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et);
/* Has each name, and each address that is given, one of them as owner (protocol.md 7.2, V10)?
 * Arguments likewise.  INVAL with words: it has not. */
int eng_check_owners(struct mus_engine *e, const struct mus_group_obj *g,
    const struct mus_signer_obj *changed, const struct mus_zone_obj *zone, struct mus_errtext *et);
/* Likewise, between them and signers that take part in the zone though the group has them no more.  CONFLICT with
 * words; or why it cannot be told. */
int eng_check_leavers(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et);
/* Room and owners, of the group by itself. */
int eng_check_members(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    struct mus_errtext *et);
/* All three on a stored zone of the group, which the words name; and the group by itself and on all its zones. */
int eng_check_on_zone(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    const struct mus_zone_obj *zone, struct mus_errtext *et);
int eng_check_group(struct mus_engine *e, const struct mus_group_obj *g, const struct mus_signer_obj *changed,
    struct mus_errtext *et);

/* --- control_say.c --- */
/* ": mode auto -> manual, sample none -> www": what ${b} has different from ${a}, added to ${out}.  That of
 * a zone names groups and signers, which are loaded: their errors. */
void eng_say_signer(const struct mus_signer_obj *a, const struct mus_signer_obj *b, struct mus_buf *out);
int eng_say_zone(struct mus_engine *e, const struct mus_zone_obj *a, const struct mus_zone_obj *b,
    struct mus_buf *out, struct mus_errtext *et);
/* The text, once; lent as long as ${out} is. */
const char *eng_said(struct mus_buf *out);

/* --- control_zone.c --- */
/* Has it keys of its own?  A secondary has none; of one that cannot be read it is not taken for granted. */
bool eng_signs(struct mus_engine *e, int64_t signer_id);
/* Would anybody sign the zone, as its group and its marks are? */
bool eng_has_signer(struct mus_engine *e, const struct mus_zone_obj *o, const struct mus_group_obj *g);
/* What was planned before the operator spoke is planned anew, after a look. */
void eng_plan_anew(struct mus_engine *e, const struct mus_zone_obj *o);
/* What the zone has different for that signer, made where it has nothing; NULL: there is no room. */
struct mus_zone_signer_obj *eng_override_for(struct mus_zone_obj *o, int64_t signer_id);

#endif
