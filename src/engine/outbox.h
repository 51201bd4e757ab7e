/*
 * Outbox: the changes that wait for one signer, and when the next of them may go.  Sends nothing
 * itself and has no clock: milliseconds of a steady clock are an argument.
 *
 * - A zone has one place at most: who wants more, waits behind the others.  First come, first served.
 * - The next change of a zone goes when the one before it is answered: their order is kept.
 * - At most MUS_OUTBOX_WINDOW are unanswered, at most ${rate} go in a second, spread evenly.
 * - A signer that does not answer is tried with one change at a time, after a pause that doubles
 *   up to a limit.  Any answer, a refusal too, ends that.
 */
#ifndef MUS_ENGINE_OUTBOX_H
#define MUS_ENGINE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	MUS_OUTBOX_MAX = 8192,		/* places in the queue */
	MUS_OUTBOX_WINDOW = 16,		/* changes unanswered at once */
};

/* Part of what is sent; the caller's, as long as it is in an outbox. */
struct mus_outbox_item {
	TAILQ_ENTRY(mus_outbox_item) link;
	int64_t zone_id;
	int64_t sent_ms;
	uint64_t place;			/* 0: none yet; kept when it is withdrawn */
};
TAILQ_HEAD(mus_outbox_items, mus_outbox_item);

struct mus_outbox {
	struct mus_outbox_items waiting, sent;
	unsigned waiting_count, sent_count;
	unsigned waiting_max;		/* MUS_OUTBOX_MAX */
	uint64_t places;		/* given so far */
	uint32_t rate;			/* a second; 0: no limit */
	int64_t credit, credit_ms;	/* thousandths of a change, as of then */
	int64_t pause_min_ms, pause_max_ms;
	unsigned silent;		/* times in vain, one after the other */
	int64_t silent_ms, until_ms;	/* the last of them; the next is tried then */
};

void mus_outbox_init(struct mus_outbox *o, int64_t pause_min_ms, int64_t pause_max_ms);
bool mus_outbox_has_room(const struct mus_outbox *o);
/* Into the queue: to its old place when it has one (it stood there, or takes over from one that did),
 * else to the end. */
void mus_outbox_put(struct mus_outbox *o, struct mus_outbox_item *it);
/* Out of the queue, unsent. */
void mus_outbox_withdraw(struct mus_outbox *o, struct mus_outbox_item *it);
/* What may go now; NULL: nothing.  It stays where it is. */
struct mus_outbox_item *mus_outbox_next(struct mus_outbox *o, int64_t now_ms);
/* Milliseconds until something may go; -1: only an answer, or a new change, can bring that about. */
int64_t mus_outbox_due_ms(struct mus_outbox *o, int64_t now_ms);
/* It goes: what mus_outbox_next gave. */
void mus_outbox_sent(struct mus_outbox *o, struct mus_outbox_item *it, int64_t now_ms);
/* More was sent to the signer than one message for a change, or past the queue. */
void mus_outbox_charge(struct mus_outbox *o, unsigned messages, int64_t now_ms);
/* Its end: answered, in vain, or never gone because of us. */
enum mus_outbox_end { MUS_OUTBOX_ANSWERED, MUS_OUTBOX_SILENT, MUS_OUTBOX_UNSENT };
void mus_outbox_done(struct mus_outbox *o, struct mus_outbox_item *it, enum mus_outbox_end how,
    int64_t now_ms);
/* Forgets that the signer was silent (its address may be another now). */
void mus_outbox_try_again(struct mus_outbox *o);

#endif
