/*
 * Drivers: how a signer is changed.  One table; a driver is a row in it.
 *
 * A change is exact records to add and to delete at the apex, never a whole RRset (but CSYNC, which
 * is one record, see ddns.c), never another type than the managed ones.  Nothing is concluded from a
 * driver's "done": the engine looks at the public servers.  What the driver itself read back
 * afterwards is evidence for the operator.
 */
#ifndef MUS_SIGNER_DRIVER_H
#define MUS_SIGNER_DRIVER_H

#include "io/dnsx.h"
#include "model/object.h"

enum { MUS_DRV_RR_MAX = 96 };

/* Where and how; lives as long as the request.  */
struct mus_drv_target {
	struct mus_dnsx *dnsx;
	struct mus_name zone;
	struct mus_addr update;
	const struct mus_tsig_key *key;	/* NULL: unsigned */
};

struct mus_drv_rr {
	uint16_t type;			/* DNSKEY, CDS, CDNSKEY, CSYNC or NS */
	bool del;
	uint32_t ttl_s;			/* of an addition: what the signer serves for that RRset */
	struct mus_rdata rd;
};
struct mus_drv_change {
	struct mus_drv_rr rr[MUS_DRV_RR_MAX];
	size_t count;
	/* The NS set as it was seen; a deletion from it happens only if it is still so. */
	struct mus_rdata *ns_was;
	size_t ns_was_count;
};

enum mus_drv_outcome {
	MUS_DRV_SHOWN,			/* accepted, and the signer shows it */
	MUS_DRV_NOT_SHOWN,		/* accepted, but the signer does not show it (yet) */
	MUS_DRV_REFUSED,		/* refused: words say what the signer answered */
	MUS_DRV_STALE,			/* a prerequisite did not hold: look again, plan again */
	MUS_DRV_FAILED,			/* no answer, bad TSIG, network: unknown what happened */
};
struct mus_drv_result {
	enum mus_drv_outcome outcome;
	uint16_t rcode;
	uint16_t type;			/* NOT_SHOWN: the first type that is not as asked */
	bool silent;			/* FAILED: nothing came back, or there is no way to the signer */
	unsigned messages;		/* UPDATEs that were sent for it */
	struct mus_errtext words;
};
typedef void mus_drv_fn(void *arg, const struct mus_drv_result *r);
struct mus_drv_job;			/* a change under way; every driver has its own */

struct mus_driver {
	const char *name;
	bool needs_update_addr;
	bool is_secondary;		/* nothing is changed there: what one of the other signers signs is transferred to it */
	/* Carries out ${change} (copied).  The callback always comes, from the loop, unless this
	 * fails (FULL, NOMEM, TOOBIG) or the job is cancelled.  *${job} is lent until then. */
	int (*apply)(const struct mus_drv_target *t, const struct mus_drv_change *change,
	    mus_drv_fn *fn, void *arg, struct mus_drv_job **job);
	/* Ends ${job} without a callback; what was sent may be carried out all the same.  Whoever has
	 * started a job cancels it before the DNS exchange of its target ends. */
	void (*cancel)(struct mus_drv_job *job);
};

/* NULL: no such driver. */
const struct mus_driver *mus_driver_find(const char *name);
/* "ddns, manual, ...": for error words. */
enum { MUS_DRV_NAMES_MAX = 256 };
const char *mus_driver_names(char out[static MUS_DRV_NAMES_MAX]);

/* The table (table.c), ended by NULL; a test that needs a driver of its own brings its own table. */
extern const struct mus_driver *const mus_drivers[];
extern const struct mus_driver mus_driver_ddns;
/* For signers that nobody can reach from here: every change is the operator's to make. */
extern const struct mus_driver mus_driver_manual;
/* For servers of a provider that signs nothing (mus_zsigner.is_secondary). */
extern const struct mus_driver mus_driver_secondary;

/* Can this type be changed through a driver at all? */
bool mus_drv_is_managed(uint16_t type);

#endif
