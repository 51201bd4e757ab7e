#include <string.h>

#include "core/rows.h"

/* protocol.md 7.1.  Keys before CDS so that both clocks run together; NS last, for it is what
 * exposes the joiner. */
static const struct mus_row add_rows[] = {
    {"signers-unsynced", 0, {0}, {0}, MUS_RULE_NONE},
    {"dnskeys-synced", "import every signer's keys into the others' DNSKEY sets",
	{MUS_RULE_PREFLIGHT}, {MUS_RULE_V7}, MUS_RULE_G8},
    {"cds-added", "publish CDS and CDNSKEY for the SEP keys of all on all",
	{MUS_RULE_V7, MUS_RULE_V10}, {MUS_RULE_SIGNAL, MUS_RULE_V2C}, MUS_RULE_G4},
    {"parent-ds-synced", 0, {0}, {MUS_RULE_PARENTDS}, MUS_RULE_NONE},
    {"ds-propagated", 0, {MUS_RULE_DSWAIT, MUS_RULE_KEYWAIT}, {0}, MUS_RULE_G1},
    {"nses-synced", "add the joiner's name servers to NS on all",
	{MUS_RULE_V7, MUS_RULE_PARENTDS, MUS_RULE_DSWAIT, MUS_RULE_KEYWAIT, MUS_RULE_V12},
	{MUS_RULE_NSSET}, MUS_RULE_G1},
    {"csync-added", "publish CSYNC on all, unless the parent has the NS set already", {0},
	{MUS_RULE_CSYNCSET, MUS_RULE_NSSET}, MUS_RULE_NONE},
    {"parent-ns-synced", 0, {0}, {MUS_RULE_PARENTNS}, MUS_RULE_NONE},
    {"stop", "remove CSYNC on all", {0}, {MUS_RULE_CSYNCSET}, MUS_RULE_NONE},
};

/* protocol.md 7.2.  The leaver takes part in rows 1 to 4; its keys and DS go when nothing it ever
 * said can be in a cache. */
static const struct mus_row remove_rows[] = {
    {"start", 0, {0}, {0}, MUS_RULE_NONE},
    {"nses-synced", "remove the leaver's name servers from NS on all, the leaver included",
	{MUS_RULE_LASTONE, MUS_RULE_V1, MUS_RULE_V10, MUS_RULE_V12}, {MUS_RULE_NSSET}, MUS_RULE_NONE},
    {"csync-added", "publish CSYNC on all, unless the parent has the NS set already", {0},
	{MUS_RULE_CSYNCSET, MUS_RULE_NSSET}, MUS_RULE_NONE},
    {"parent-ns-synced", 0, {0}, {MUS_RULE_PARENTNS, MUS_RULE_NSSET}, MUS_RULE_NONE},
    {"csync-removed", "remove CSYNC on all", {0}, {MUS_RULE_CSYNCSET}, MUS_RULE_NONE},
    {"ns-propagated", 0, {MUS_RULE_NSWAIT, MUS_RULE_REACH}, {0}, MUS_RULE_G6},
    {"data-expired", 0, {MUS_RULE_REACH, MUS_RULE_DATAWAIT}, {0}, MUS_RULE_NONE},
    {"cds-added", "publish CDS and CDNSKEY without the leaver's keys on those that stay",
	{MUS_RULE_REACH, MUS_RULE_DATAWAIT}, {MUS_RULE_SIGNAL}, MUS_RULE_G5},
    {"dnskeys-synced", "withdraw the leaver's keys from the DNSKEY sets of those that stay",
	{MUS_RULE_REACH, MUS_RULE_DATAWAIT}, {MUS_RULE_G3}, MUS_RULE_G3},
    {"parent-ds-synced", 0, {0}, {MUS_RULE_PARENTDS}, MUS_RULE_NONE},
    {"stop", 0, {0}, {0}, MUS_RULE_NONE},
};

/* protocol.md 7.3.  The signer rolls by itself; the others follow, and it is told when it may go on. */
static const struct mus_row zsk_rows[] = {
    {"new-key-seen", 0, {0}, {0}, MUS_RULE_NONE},
    {"dnskeys-synced", "import the new key into the others' DNSKEY sets", {0}, {MUS_RULE_NEWKEY}, MUS_RULE_G8},
    {"new-key-ready", 0, {MUS_RULE_KEYWAIT}, {0}, MUS_RULE_G2},
    {"new-key-in-use", 0, {0}, {MUS_RULE_NEWUSED}, MUS_RULE_NONE},
    {"old-key-unused", 0, {0}, {MUS_RULE_OLDUNUSED}, MUS_RULE_NONE},
    {"old-data-expired", 0, {MUS_RULE_DATAWAIT}, {0}, MUS_RULE_G3},
    {"old-key-gone", 0, {0}, {MUS_RULE_OLDGONE}, MUS_RULE_NONE},
    {"stop", "withdraw the old key from the others' DNSKEY sets when its data have left all caches", {0},
	{MUS_RULE_WITHDRAWN}, MUS_RULE_G3},
};

/* protocol.md 7.4. */
static const struct mus_row ksk_rows[] = {
    {"new-key-seen", 0, {0}, {0}, MUS_RULE_NONE},
    {"signed-by-both", 0, {0}, {MUS_RULE_NEWSIGNS}, MUS_RULE_NONE},
    {"cds-added", "publish CDS and CDNSKEY for the new key too on all", {0}, {MUS_RULE_SIGNAL}, MUS_RULE_G4},
    {"parent-ds-synced", 0, {0}, {MUS_RULE_PARENTDS}, MUS_RULE_NONE},
    {"new-key-ready", 0, {MUS_RULE_DSWAIT, MUS_RULE_KEYWAIT}, {0}, MUS_RULE_G1},
    {"old-key-gone", 0, {0}, {MUS_RULE_OLDGONE}, MUS_RULE_NONE},
    {"cds-removed", "publish CDS and CDNSKEY without the old key on all", {0}, {MUS_RULE_SIGNAL}, MUS_RULE_G5},
    {"stop", 0, {0}, {MUS_RULE_PARENTDS}, MUS_RULE_NONE},
};

/* protocol.md 7.4 with the rows for a key that signs data too. */
static const struct mus_row csk_rows[] = {
    {"new-key-seen", 0, {0}, {0}, MUS_RULE_NONE},
    {"dnskeys-synced", "import the new key into the others' DNSKEY sets", {0}, {MUS_RULE_NEWKEY}, MUS_RULE_G8},
    {"signed-by-both", 0, {0}, {MUS_RULE_NEWSIGNS}, MUS_RULE_NONE},
    {"cds-added", "publish CDS and CDNSKEY for the new key too on all", {0}, {MUS_RULE_SIGNAL}, MUS_RULE_G4},
    {"parent-ds-synced", 0, {0}, {MUS_RULE_PARENTDS}, MUS_RULE_NONE},
    {"new-key-ready", 0, {MUS_RULE_DSWAIT, MUS_RULE_KEYWAIT}, {0}, MUS_RULE_G2},
    {"new-key-in-use", 0, {0}, {MUS_RULE_NEWUSED}, MUS_RULE_NONE},
    {"old-key-unused", 0, {0}, {MUS_RULE_OLDUNUSED}, MUS_RULE_NONE},
    {"old-data-expired", 0, {MUS_RULE_DATAWAIT}, {0}, MUS_RULE_G3},
    {"old-key-gone", 0, {0}, {MUS_RULE_OLDGONE}, MUS_RULE_NONE},
    {"dnskeys-withdrawn", "withdraw the old key from the others' DNSKEY sets when its data have left all caches", {0},
	{MUS_RULE_WITHDRAWN}, MUS_RULE_G3},
    {"cds-removed", "publish CDS and CDNSKEY without the old key on all", {0}, {MUS_RULE_SIGNAL}, MUS_RULE_G5},
    {"stop", 0, {0}, {MUS_RULE_PARENTDS}, MUS_RULE_NONE},
};

const struct mus_row *
mus_rows(enum mus_proc_kind kind, unsigned *count)
{
	switch (kind) {
	case MUS_PROC_ADD:
		*count = sizeof add_rows / sizeof add_rows[0];
		return add_rows;
	case MUS_PROC_REMOVE:
		*count = sizeof remove_rows / sizeof remove_rows[0];
		return remove_rows;
	case MUS_PROC_ZSK:
		*count = sizeof zsk_rows / sizeof zsk_rows[0];
		return zsk_rows;
	case MUS_PROC_KSK:
		*count = sizeof ksk_rows / sizeof ksk_rows[0];
		return ksk_rows;
	case MUS_PROC_CSK:
		*count = sizeof csk_rows / sizeof csk_rows[0];
		return csk_rows;
	case MUS_PROC_NONE:
	case MUS_PROC_COUNT:
		break;
	}
	*count = 0;
	return 0;
}

const char *
mus_row_name(enum mus_proc_kind kind, unsigned row)
{
	unsigned count;
	const struct mus_row *rows = mus_rows(kind, &count);

	return row < count ? rows[row].name : "";
}

bool
mus_has_row(enum mus_proc_kind kind, unsigned row)
{
	unsigned count;

	(void)mus_rows(kind, &count);
	return row < count;
}

bool
mus_row_reached(enum mus_proc_kind kind, unsigned row, const char *name)
{
	unsigned count;
	const struct mus_row *rows = mus_rows(kind, &count);

	for (unsigned i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return row >= i;
	return false;
}
