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
	case MUS_PROC_NONE:
	case MUS_PROC_COUNT:
		break;
	}
	*count = 0;
	return 0;
}
