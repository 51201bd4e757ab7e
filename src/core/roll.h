/*
 * Roll-overs that signers do on their own timetable (protocol.md 7.3, 7.4), followed beside the process of the
 * zone.  What has to be done for one follows from what is seen anyway (core/desire.h): new keys are imported,
 * named in CDS, and withdrawn when they are out of use.  A track tells how far it is, what it waits for, when
 * the signer may go on, and whether it went on too early.  Tracks change nothing and hold nothing up.
 */
#ifndef MUS_CORE_ROLL_H
#define MUS_CORE_ROLL_H

#include "core/desire.h"

/* Begins, advances and ends the tracks of ${want}; ${c} is the context of the same intention.  What each waits
 * for goes to ${plan} (roll_wait, by the same index, NONE before; wake_at, poll, need_copy). */
void mus_rolls(const struct mus_ctx *c, struct mus_want *want, struct mus_plan *plan);

/* Keys of signer ${s} that one which comes by a roll-over of ${kind} would take the place of; 0: it has none in that
 * role.  ${c} needs no desire. */
uint64_t mus_roll_keys(const struct mus_ctx *c, unsigned s, enum mus_proc_kind kind);

#endif
