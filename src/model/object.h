/*
 * The objects an operator manages: signers, signer groups, zones; and what is kept of their past.
 * As stored and as shown; no secret is in them (TSIG keys are named by file).
 */
#ifndef MUS_MODEL_OBJECT_H
#define MUS_MODEL_OBJECT_H

#include "base/addr.h"
#include "base/time.h"
#include "model/zone.h"

enum {
	MUS_LABEL_MAX = 64,		/* name of a signer, group, driver, token */
	MUS_ZONETEXT_MAX = 256 * 4,	/* a domain name in presentation form, canonical, final dot */
	MUS_PATH_TEXT_MAX = 512,
	MUS_OBJ_NS_MAX = 8,		/* name-server names one signer has (for one zone) */
	MUS_OBJ_ADDR_MAX = 8,		/* addresses of one name server */
	MUS_OBJ_PARENT_MAX = 16,
	MUS_REASON_MAX = 256,
};

/* A name server and its public addresses.  No address: found by a validated look-up. */
struct mus_ns_obj {
	char name[256];
	struct mus_addr addr[MUS_OBJ_ADDR_MAX];
	uint8_t addr_count;
};

/* Drivers by name, X(name): the table of src/signer has one for each, and what speaks of drivers to people
 * names these. */
#define MUS_DRIVERS(X) X(ddns) X(manual) X(secondary)

struct mus_signer_obj {
	int64_t id;			/* 0: not stored yet */
	char name[MUS_LABEL_MAX];
	char driver[MUS_LABEL_MAX];	/* "ddns", "fake", ... */
	struct mus_addr update;		/* where changes go and whole copies are read */
	char key_file[MUS_PATH_TEXT_MAX];	/* TSIG key; empty: none */
	bool no_transfer;		/* whole copies are refused there */
	uint32_t max_ttl_s;		/* declared largest TTL; 0: not declared */
	bool declared_content;
	uint32_t update_rate;		/* UPDATEs per second at most; 0: no limit */
	struct mus_ns_obj ns[MUS_OBJ_NS_MAX];
	uint8_t ns_count;
	struct mus_caps caps;		/* from probe */
	struct mus_time caps_at;	/* NEVER: never probed */
	struct mus_time created_at, changed_at;
};

struct mus_group_obj {
	int64_t id;
	char name[MUS_LABEL_MAX];
	struct {
		int64_t signer_id;
		bool leaving;		/* marked to leave; unmarking re-joins it */
	} member[MUS_SIGNERS_MAX];
	uint8_t member_count;
	struct mus_time created_at, changed_at;
};

enum mus_zone_mode { MUS_MODE_AUTO, MUS_MODE_MANUAL };

/* What one zone has different for one signer. */
struct mus_zone_signer_obj {
	int64_t signer_id;
	struct mus_ns_obj ns[MUS_OBJ_NS_MAX];	/* vanity or in-bailiwick names; 0: the signer's */
	uint8_t ns_count;
	char key_file[MUS_PATH_TEXT_MAX];	/* TSIG key for this zone alone; empty: the signer's */
	uint32_t max_ttl_s;		/* 0: the signer's */
	bool lost;			/* declared lost */
	uint32_t lost_ttl_s;		/* of lost: the largest TTL that was known then */
	struct mus_time lost_until;	/* of lost: what listed it may be cached until then; NEVER: it has yet to leave;
					 * ALWAYS: that is over */
	bool excluded;			/* the operator aborted its join: keep it out of this zone */
	bool staying;			/* the operator aborted its leave: keep it in this zone */
};

struct mus_zone_obj {
	int64_t id;
	char name[MUS_ZONETEXT_MAX];
	int64_t group_id;		/* 0: none */
	enum mus_zone_mode mode;
	bool held;
	char held_reason[MUS_REASON_MAX];
	char sample[256];		/* an existing name to watch, relative ("www"); empty: apex only */
	char parent[256];		/* parent zone, when not to be found by look-up; else empty */
	struct mus_addr parent_addr[MUS_OBJ_PARENT_MAX];	/* its servers, likewise */
	uint8_t parent_addr_count;
	/* state, for lists; written by the engine */
	char state[MUS_LABEL_MAX];	/* "VALID", ... */
	char process[MUS_LABEL_MAX];	/* "ADD-SIGNER knot", or empty */
	char row[MUS_LABEL_MAX];	/* "ds-propagated", or empty */
	char waiting[480];		/* sentence; empty: nothing */
	struct mus_time waiting_until;
	struct mus_time next_check_at, checked_at;
	struct mus_time created_at, changed_at;
	uint8_t signer_count;
	/* last, for it is most of the bytes, and for most zones none of them means anything */
	struct mus_zone_signer_obj signer[MUS_SIGNERS_MAX];
};
/* The bytes of ${o} that mean something: as much is to be copied. */
static inline size_t
mus_zone_obj_bytes(const struct mus_zone_obj *o)
{
	return offsetof(struct mus_zone_obj, signer) + o->signer_count * sizeof o->signer[0];
}

/* One line of a zone's history. */
struct mus_event_obj {
	int64_t id;
	int64_t zone_id;		/* 0: not about a zone */
	char zone[MUS_ZONETEXT_MAX];	/* filled when read */
	struct mus_time at;
	char kind[32];			/* "process", "row", "action", "change-seen", "alarm", "operator" ... */
	char text[1024];
	char actor[MUS_LABEL_MAX];	/* token name, "musicd" */
};

/* One process, finished or not. */
struct mus_process_obj {
	int64_t id, zone_id;
	char zone[MUS_ZONETEXT_MAX];
	char kind[MUS_LABEL_MAX];	/* "ADD-SIGNER" */
	char signer[MUS_LABEL_MAX];
	char row[MUS_LABEL_MAX];
	struct mus_time started_at, ended_at;	/* ended NEVER: running */
	char outcome[MUS_REASON_MAX];	/* "done", "aborted: ..." */
};

#endif
