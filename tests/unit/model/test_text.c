/* One row for each rule, and more where a rule has several ways to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/text.h"

static struct mus_zonestate z;
enum { BIND, KNOT };			/* signers */
enum { SB, SK, SP1, SP2 };		/* servers */
enum { KB, KK, KU };			/* keys: of bind, of knot, of nobody */
#define NO MUS_NOBODY
#define AT {1767225600500}		/* 2026-01-01T00:00:00.5Z: said as :01 */

static int
setup(void **state)
{
	static const char *const addr[] = {"10.53.2.1", "10.53.3.1@5353", "10.53.1.1", "2001:db8::1"};

	(void)state;
	mus_zonestate_init(&z);
	strcpy(z.book.zone, "example.lab.");
	strcpy(z.book.parent, "lab.");
	z.zone.signer_count = 2;
	z.zone.ns_count = 3;
	z.zone.server_count = 4;
	z.zone.key_count = 3;
	strcpy(z.book.signer[BIND], "bind");
	strcpy(z.book.signer[KNOT], "knot");
	strcpy(z.book.ns[0], "ns1.bind.lab.");
	strcpy(z.book.ns[1], "ns1.knot.lab.");
	strcpy(z.book.ns[2], "ns1.old.lab.");
	z.zone.ns[2].is_former = true;
	z.zone.ns[0].in_domain = true;
	z.zone.signer[BIND].has_driver = true;
	for (unsigned i = 0; i < 4; i++) {
		z.zone.server[i] = (struct mus_server){i < 2 ? (uint8_t)i : MUS_PARENT, 0};
		assert_true(mus_addr_parse(addr[i], 53, &z.book.addr[i]));
	}
	z.zone.key[KB] = (struct mus_zkey){.tag = 12345, .owner = BIND, .alg = 13};
	z.zone.key[KK] = (struct mus_zkey){.tag = 23456, .owner = KNOT, .alg = 13};
	z.zone.key[KU] = (struct mus_zkey){.tag = 777, .owner = MUS_OWNER_UNKNOWN, .alg = 13};
	return 0;
}

#define W(rule_, result_, ...) {.rule = MUS_RULE_##rule_, .result = MUS_RES_##result_, __VA_ARGS__}
/* Every field that a row does not name is nobody's. */
#define NONE .origin = NO, .origin2 = NO, .server = NO, .server2 = NO, .kind = NO, .kind2 = NO, .key = NO, .ns = NO, \
	.cause = NO, .seen_at = {INT64_MAX}, .until = {INT64_MAX}

static const struct {
	struct mus_witness w;
	const char *want;
} rows[] = {
    {W(NONE, HOLDS, NONE), "none: nothing is missing"},
    {W(V1, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .origin2 = KNOT, .kind2 = MUS_RR_KEY,
	.server = SK, .until = AT),
	"V1: DS of the parent lab. does not authenticate DNSKEY of knot (10.53.3.1@5353); one of both may be "
	"cached until 2026-01-01T00:00:01Z"},
    {W(V1, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .server = SK),
	"V1: DNSKEY of knot (10.53.3.1@5353) is not signed by a key of its own that the DS set names"},
    {W(V1, UNKNOWN, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .server = SP1, .cause = MUS_CAUSE_TIMEOUT),
	"V1: 10.53.1.1 (parent lab.) gave no answer in time for DS"},
    {W(V1, UNKNOWN, NONE, .cause = MUS_CAUSE_OVERFLOW),
	"V1: somebody shows more versions than can be compared"},
    {W(V2, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .origin2 = BIND, .kind2 = MUS_RR_SOA,
	.server = SK, .until = AT),
	"V2: DNSKEY of knot (10.53.3.1@5353) does not verify SOA of bind; one of both may be cached until "
	"2026-01-01T00:00:01Z"},
    {W(V2, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .origin2 = BIND, .kind2 = MUS_RR_SOA,
	.server = SK, .key = KB),
	"V2: DNSKEY of knot (10.53.3.1@5353) lacks key 12345 of bind, which signs SOA of bind"},
    {W(V2, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .origin2 = BIND, .kind2 = MUS_RR_SOA,
	.server = SK, .server2 = SB, .key = KB),
	"V2: DNSKEY of knot (10.53.3.1@5353) lacks key 12345 of bind, which signs SOA of bind (10.53.2.1)"},
    {W(V1, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .origin2 = KNOT, .kind2 = MUS_RR_KEY,
	.server = SP1, .server2 = SK),
	"V1: DS of the parent lab. (10.53.1.1) does not authenticate DNSKEY of knot (10.53.3.1@5353)"},
    {W(V2, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .origin2 = BIND, .kind2 = MUS_RR_DENY1,
	.server = SB),
	"V2: DNSKEY of knot does not verify a negative answer of bind (10.53.2.1)"},
    {W(V2, UNKNOWN, NONE, .origin = BIND, .kind = MUS_RR_DENY0, .server = SB, .cause = MUS_CAUSE_REFUSED),
	"V2: 10.53.2.1 (bind) answered REFUSED when asked for a negative answer"},
    {W(V2C, FAILS, NONE, .origin = BIND, .kind = MUS_RR_CDS, .server = SB),
	"V2c: CDS of bind (10.53.2.1) is not signed by a SEP key that the DS set names"},
    {W(V3, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .origin2 = BIND, .kind2 = MUS_RR_NAME,
	.number = 8),
	"V3: with algorithm 8 alone, DNSKEY of knot does not verify the sample name of bind"},
    {W(V3S, WARN, NONE, .origin = BIND, .kind = MUS_RR_SOA, .server = SB, .number = 8),
	"V3s: SOA of bind (10.53.2.1) is not signed with algorithm 8"},
    {W(V4, WARN, NONE, .origin = BIND, .kind = MUS_RR_SOA, .server = SB, .number = 12345, .until = AT),
	"V4: the signature over SOA of bind (10.53.2.1) by key 12345 is valid until 2026-01-01T00:00:01Z and "
	"should have been made anew by now"},
    {W(V4, FAILS, NONE, .origin = BIND, .kind = MUS_RR_SOA, .server = SB, .number = 12345, .until = AT),
	"V4: the signature over SOA of bind (10.53.2.1) by key 12345 is valid until 2026-01-01T00:00:01Z: "
	"expired, not valid yet, or over before caches forget it"},
    {W(V5, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS),
	"V5: the parent lab. has no DS: the zone is insecure"},
    {W(V5, WARN, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .server = SP2),
	"V5: some caches may still hold that 2001:db8::1 (parent lab.) has no DS"},
    {W(V6, WARN, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_SOA, .cause = MUS_CAUSE_TIMEOUT,
	.number = 6), "V6: 10.53.2.1 (bind) does not answer over TCP"},
    {W(V6, WARN, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_SOA, .cause = MUS_CAUSE_TIMEOUT,
	.number = 17), "V6: 10.53.2.1 (bind) does not answer over UDP"},
    {W(V6, FAILS, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_SOA, .cause = MUS_CAUSE_NOTAUTH),
	"V6: 10.53.2.1 (bind) is not authoritative for the zone when asked for SOA"},
    {W(V6, FAILS, NONE, .origin = BIND, .server = SB),
	"V6: 10.53.2.1 (bind) does not answer over both UDP and TCP"},
    {W(V6, UNKNOWN, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_SOA),
	"V6: 10.53.2.1 (bind) has not been asked over both UDP and TCP yet"},
    {W(V7, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .server = SK, .key = KB),
	"V7: DNSKEY of knot (10.53.3.1@5353) lacks key 12345 of bind"},
    {W(V7, UNKNOWN, NONE, .origin = KNOT, .kind = MUS_RR_KEY),
	"V7: no public server of knot is known to ask for DNSKEY"},
    {W(V7, UNKNOWN, NONE, .origin = BIND, .key = KB),
	"V7: it is not known yet whether key 12345 of bind signs data: the whole copy of bind must be read"},
    {W(V8, WARN, NONE, .origin = KNOT, .kind = MUS_RR_NS, .server = SK, .ns = 0),
	"V8: NS of knot (10.53.3.1@5353) is not the set asked for: ns1.bind.lab. is missing"},
    {W(V8, WARN, NONE, .origin = KNOT, .kind = MUS_RR_CSYNC, .server = SK),
	"V8: CSYNC of knot (10.53.3.1@5353) is not the set asked for"},
    {W(V9, WARN, NONE, .origin = MUS_PARENT, .kind = MUS_RR_GLUE, .server = SP1),
	"V9: 10.53.1.1 (parent lab.) does not show the glue that the zone has"},
    {W(V10, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .key = KU, .number = 777),
	"V10: key 777 in DNSKEY of knot has no known owner"},
    {W(V10, WARN, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .key = KK, .number = 23456),
	"V10: DNSKEY 23456 of knot is not known whose: nothing that was seen is signed with it"},
    {W(V10, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_NS, .server = SK, .ns = 1),
	"V10: name server ns1.knot.lab. in NS of 10.53.3.1@5353 (knot) has no known owner"},
    {W(V10, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_NS, .server = SK, .ns = 2),
	"V10: name server ns1.old.lab. in NS of 10.53.3.1@5353 (knot) is of a signer that has left"},
    {W(V10, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_NS, .server = SK),
	"V10: NS of knot (10.53.3.1@5353) holds what nobody has declared"},
    {W(V10, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_PNS),
	"V10: the delegation at the parent lab. leads to no name server of a known signer"},
    {W(V11, WARN, NONE, .origin = BIND, .origin2 = KNOT, .kind = MUS_RR_KEY, .key = KK, .number = 23456),
	"V11: key 23456 of knot and a key of bind share algorithm and key tag"},
    {W(V11, FAILS, NONE, .origin = KNOT, .key = KK, .number = 23456),
	"V11: key 23456 of knot and another key share algorithm and key tag"},
    {W(V12, FAILS, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_DENY0),
	"V12: negative answers of 10.53.2.1 (bind) do not prove that a name does not exist"},
    {W(V12, WARN, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_DENY0, .number = 10),
	"V12: NSEC3 of 10.53.2.1 (bind) has 10 iterations; there should be 0 (RFC 9276)"},
    {W(V12, WARN, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_DENY0, .number = 50),
	"V12: NSEC3 of 10.53.2.1 (bind) has 50 iterations; there should be 0 (RFC 9276)"},
    {W(V12, FAILS, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_DENY0, .number = 51),
	"V12: NSEC3 of 10.53.2.1 (bind) has 51 iterations, and validators take above 50 for insecure (RFC 9276): "
	"set them to 0"},
    {W(V13, WARN, NONE, .origin = KNOT, .origin2 = BIND), "V13: knot and bind do not serve the same content"},
    {W(V13, UNKNOWN, NONE, .origin = KNOT),
	"V13: the content of knot is not known: its whole copy has not been read"},
    {W(V14, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .origin2 = KNOT, .kind2 = MUS_RR_KEY,
	.number = 4),
	"V14: with DS of digest type 4 alone, DS of the parent lab. does not authenticate DNSKEY of knot"},
    {W(G0, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_SOA, .until = AT),
	"G0: a first DS may not be added yet; because of SOA of knot, until 2026-01-01T00:00:01Z"},
    {W(G1, FAILS, NONE, .ns = 1, .origin = BIND, .server = SB, .kind = MUS_RR_KEY),
	"G1: a name server may not enter yet: ns1.knot.lab.; because of DNSKEY of bind (10.53.2.1)"},
    {W(G2, FAILS, NONE, .key = KK, .origin = BIND),
	"G2: a key may not sign yet: key 23456 of knot; because of bind"},
    {W(G3, FAILS, NONE, .origin = BIND, .kind = MUS_RR_KEY, .server = SB, .key = KK),
	"G3: DNSKEY of bind (10.53.2.1) still holds key 23456 of knot"},
    {W(G3, FAILS, NONE, .key = KK), "G3: a key may not go yet: key 23456 of knot"},
    {W(G4, FAILS, NONE, .key = KK), "G4: a DS may not be added yet: key 23456 of knot"},
    {W(G5, FAILS, NONE, .key = KK, .until = AT),
	"G5: a DS or SEP key may not go yet: key 23456 of knot, until 2026-01-01T00:00:01Z"},
    {W(G6, FAILS, NONE, .origin = KNOT, .server = SK),
	"G6: a server may not stop yet; because of 10.53.3.1@5353 (knot)"},
    {W(G7, FAILS, NONE), "G7: a signer may not stop signing with a key yet"},
    {W(G8, FAILS, NONE, .origin = KNOT, .key = KK, .number = 23456),
	"G8: a key may not be imported: key 23456 of knot; knot shows more than the 12 keys one signer may have, "
	"or others' tags"},
    {W(G8, FAILS, NONE, .origin = KNOT, .origin2 = BIND, .key = KK, .number = 8),
	"G8: a key may not be imported: key 23456 of knot has algorithm 8, which bind does not sign with"},
    {W(G9, FAILS, NONE, .ns = 0), "G9: a name server's address may not change yet: ns1.bind.lab."},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_KEY, .cause = MUS_CAUSE_TIMEOUT),
	"observe: 10.53.3.1@5353 (knot) gave no answer in time for DNSKEY"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_KEY, .cause = MUS_CAUSE_TIMEOUT,
	 .seen_at = AT),
	"observe: 10.53.3.1@5353 (knot) gave no answer in time for DNSKEY, since 2026-01-01T00:00:00Z"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_KEY, .cause = MUS_CAUSE_NONE),
	"observe: 10.53.3.1@5353 (knot) has not been asked lately for DNSKEY"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_ADDR, .cause = MUS_CAUSE_BOGUS),
	"observe: 10.53.3.1@5353 (knot) sent an answer whose signatures do not verify when asked for name-server "
	"addresses"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .cause = MUS_CAUSE_OVERFLOW, .until = AT),
	"observe: knot shows more versions of DNSKEY than are kept; known again from 2026-01-01T00:00:01Z"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .cause = MUS_CAUSE_NOROOM),
	"observe: not all addresses of knot are asked: a zone has room for 64, those of all signers and of the parent"},
    {W(V6, UNKNOWN, NONE, .origin = MUS_PARENT, .cause = MUS_CAUSE_NOROOM),
	"V6: not all addresses of the parent lab. are asked: a zone has room for 64, those of all signers and of the "
	"parent"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = MUS_PARENT, .cause = MUS_CAUSE_LOOKING),
	"observe: the parent zone is being looked for"},
    {W(V6, UNKNOWN, NONE, .origin = MUS_PARENT, .cause = MUS_CAUSE_NOLOOKUP),
	"V6: the parent zone cannot be found"},
    {W(V1, UNKNOWN, NONE, .origin = MUS_PARENT, .server = SP1, .kind = MUS_RR_DS, .cause = MUS_CAUSE_LOOKING),
	"V1: the keys of the parent lab. are being looked up"},
    {W(V1, UNKNOWN, NONE, .origin = MUS_PARENT, .server = SP1, .kind = MUS_RR_DS, .cause = MUS_CAUSE_NOLOOKUP),
	"V1: the keys of the parent lab. cannot be looked up"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = MUS_PARENT, .cause = MUS_CAUSE_NOADDR),
	"observe: a name server (the parent lab.) has no address"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .ns = 1, .cause = MUS_CAUSE_LOOKING),
	"observe: the addresses of ns1.knot.lab. (knot) are being looked up"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .ns = 1, .cause = MUS_CAUSE_NOLOOKUP),
	"observe: the addresses of ns1.knot.lab. (knot) cannot be looked up"},
    {W(V6, UNKNOWN, NONE, .origin = KNOT, .ns = 1, .cause = MUS_CAUSE_NOADDR),
	"V6: ns1.knot.lab. (knot) has no address"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .ns = 1, .cause = MUS_CAUSE_ADDRESS),
	"observe: ns1.knot.lab. (knot) has, in DNS, an address that was not given here: nobody asks what is served there"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = BIND, .ns = 0, .cause = MUS_CAUSE_ADDRESS),
	"observe: ns1.bind.lab. (bind) has, in the zone or as glue, an address that was not given here: nobody asks what "
	"is served there"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .cause = MUS_CAUSE_ADDRESS),
	"observe: a name server (knot) has, in DNS, an address that was not given here: nobody asks what is served there"},
    {W(V6, UNKNOWN, NONE, .origin = KNOT, .ns = 1, .cause = MUS_CAUSE_UNASKED),
	"V6: ns1.knot.lab. is listed, but is no name server of knot any more: nobody asks it"},
    {W(V6, UNKNOWN, NONE, .origin = MUS_PARENT, .server = SP1, .kind = MUS_RR_PNS, .ns = 1,
	 .cause = MUS_CAUSE_UNASKED),
	"V6: delegation NS of the parent lab. (10.53.1.1) lists ns1.knot.lab.: nobody asks it what it serves"},
    {W(V6, UNKNOWN, NONE, .origin = KNOT, .kind = MUS_RR_NS, .cause = MUS_CAUSE_UNASKED, .until = AT),
	"V6: NS of knot listed a name server, which caches may hold until 2026-01-01T00:00:01Z: nobody asks it what "
	"it serves"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .cause = MUS_CAUSE_NOADDR),
	"observe: a name server (knot) has no address"},
    {W(OBSERVE, UNKNOWN, NONE, .cause = MUS_CAUSE_NOPLACE),
	"observe: a signer of the group has no place: 8 are on the zone, or may still be in caches"},
    {W(OBSERVE, UNKNOWN, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .cause = MUS_CAUSE_NONE),
	"observe: knot has not been asked lately for DNSKEY"},
    {W(HISTORY, UNKNOWN, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .until = AT),
	"history: DS of the parent lab. has not been watched for long enough; it has on 2026-01-01T00:00:01Z"},
    {W(HISTORY, UNKNOWN, NONE, .origin = KNOT, .kind = MUS_RR_SOA),
	"history: SOA of knot has not been watched without a gap yet"},
    {W(SERVES, FAILS, NONE, .origin = KNOT, .server = SK),
	"serves: 10.53.3.1@5353 (knot) is not authoritative for the zone"},
    {W(SERVES, FAILS, NONE, .origin = KNOT), "serves: knot is declared lost in this zone, until it joins"},
    {W(SERVES, UNKNOWN, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_SOA, .cause = MUS_CAUSE_NXDOMAIN),
	"serves: 10.53.3.1@5353 (knot) says the zone does not exist when asked for SOA"},
    {W(SIGNED, FAILS, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_KEY),
	"signed: DNSKEY of knot (10.53.3.1@5353) is missing, or not signed by a key of its own"},
    {W(SIGNED, FAILS, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_SOA),
	"signed: SOA of knot (10.53.3.1@5353) is not signed by a key of that signer's DNSKEY set"},
    {W(ALGS, FAILS, NONE, .origin = KNOT, .origin2 = BIND, .number = 8),
	"algorithms: knot and bind do not use the same algorithms: only one of them has 8"},
    {W(TTLMAX, UNKNOWN, NONE, .origin = KNOT),
	"max-ttl: the largest TTL of knot is not known: its whole copy must be read, or the TTL declared"},
    {W(CAPS, FAILS, NONE, .origin = BIND, .kind = MUS_RR_KEY),
	"capability: bind does not let us change its records: change DNSKEY there by hand"},
    {W(CAPS, FAILS, NONE, .origin = BIND, .kind = MUS_RR_CSYNC, .until = AT),
	"capability: bind does not let us change its records: change CSYNC there by hand; it is tried again at "
	"2026-01-01T00:00:01Z"},
    {W(CAPS, WARN, NONE, .origin = BIND),
	"capability: bind was not probed: whether it takes our changes shows in the middle of the process only, unless "
	"\"signer probe\" tries it before"},
    {W(CAPS, WARN, NONE, .origin = KNOT),
	"capability: knot cannot be changed from here: change what is asked for there by hand"},
    {W(NSNAMES, FAILS, NONE, .origin = KNOT), "name-servers: knot has no name server of its own for the zone"},
    {W(GLUEADDR, FAILS, NONE, .origin = KNOT, .server = SK, .ns = 1, .kind = MUS_RR_ADDR),
	"addresses: 10.53.3.1@5353 (knot) has no address record of the in-domain name server ns1.knot.lab."},
    {W(GLUEADDR, FAILS, NONE, .origin = KNOT, .origin2 = BIND, .kind = MUS_RR_ADDR),
	"addresses: knot and bind have different addresses for in-domain name servers"},
    {W(SAMPLE, WARN, NONE, .origin = KNOT, .kind = MUS_RR_NAME),
	"sample: knot has no address (A), and no alias, at the sample name: no data of the zone but the apex are watched there"},
    {W(SAMPLE, WARN, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_NAME, .kind2 = MUS_RR_PNS),
	"sample: 10.53.3.1@5353 (knot) has a delegation at or above the sample name, which is a name of another zone: "
	"no data of the zone but the apex are watched there"},
    {W(NEWKEY, FAILS, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_KEY, .key = KK),
	"new-key: 10.53.2.1 (bind) does not show the new key 23456 of knot yet"},
    {W(NEWSIGNS, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .key = KK),
	"new-key-signs: knot does not sign its DNSKEY set with key 23456 of knot yet"},
    {W(NEWUSED, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .key = KK),
	"new-key-used: knot does not sign with key 23456 of knot yet"},
    {W(OLDUNUSED, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .key = KK),
	"old-key-unused: knot still shows signatures by key 23456 of knot"},
    {W(OLDUNUSED, UNKNOWN, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .key = KK),
	"old-key-unused: knot: its whole copy must tell whether anything is signed with key 23456 of knot"},
    {W(OLDGONE, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_KEY, .key = KK),
	"old-key-gone: knot still shows key 23456 of knot"},
    {W(WITHDRAWN, FAILS, NONE, .origin = BIND, .server = SB, .kind = MUS_RR_KEY, .key = KK),
	"withdrawn: 10.53.2.1 (bind) still shows key 23456 of knot"},
    {W(KEYTTL, WARN, NONE, .origin = KNOT, .origin2 = BIND),
	"dnskey-ttl: knot and bind have different DNSKEY TTLs"},
    {W(DIGESTS, WARN, NONE, .origin = KNOT, .origin2 = BIND, .kind = MUS_RR_CDS, .number = 4),
	"cds-digests: knot publishes no CDS of digest type 4, which bind does"},
    {W(DIGESTS, WARN, NONE, .origin = KNOT, .kind = MUS_RR_CDS, .number = 1, .surplus = true),
	"cds-digests: knot publishes CDS of digest type 1, which musicd does not"},
    {W(LASTONE, FAILS, NONE, .origin = BIND), "last-signer: bind cannot leave: no other signer remains"},
    {W(PREFLIGHT, FAILS, NONE, .origin = KNOT), "preflight: the joining signer is fit: not yet so at knot"},
    {W(IMPORT, FAILS, NONE, .origin = BIND, .kind = MUS_RR_KEY, .server = SB, .key = KK),
	"import: DNSKEY of bind (10.53.2.1) lacks key 23456 of knot"},
    {W(SIGNAL, FAILS, NONE, .origin = BIND, .kind = MUS_RR_CDS, .server = SB, .number = 4711, .surplus = true),
	"signal: CDS of bind (10.53.2.1) is not the set asked for: a record for key 4711, which no signer shows, "
	"should be gone"},
    {W(PARENTDS, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .number = 4711, .surplus = true),
	"parent-ds: the parent lab. does not show the DS asked for yet: a record for key 4711, which no signer shows, "
	"should be gone"},
    {W(CSYNCSET, FAILS, NONE, .origin = BIND, .kind = MUS_RR_CSYNC, .server = SB, .surplus = true),
	"csync: CSYNC of bind (10.53.2.1) should be gone"},
    {W(SIGNAL, FAILS, NONE, .origin = BIND, .kind = MUS_RR_CDS, .server = SB, .key = KK),
	"signal: CDS of bind (10.53.2.1) is not the set asked for: key 23456 of knot is missing"},
    {W(SIGNAL, FAILS, NONE, .origin = BIND, .kind = MUS_RR_CDS, .server = SB, .key = KK, .surplus = true),
	"signal: CDS of bind (10.53.2.1) is not the set asked for: key 23456 of knot should be gone"},
    {W(SIGNAL, UNKNOWN, NONE, .kind = MUS_RR_CDS),
	"signal: no SEP key is known that CDS and CDNSKEY could name"},
    {W(PARENTDS, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .server = SP1, .key = KK),
	"parent-ds: 10.53.1.1 (parent lab.) does not show the DS asked for yet: key 23456 of knot is "
	"missing"},
    {W(DSWAIT, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS, .until = AT),
	"DS-Wait: old DS sets may be in caches until 2026-01-01T00:00:01Z"},
    {W(DSWAIT, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_DS),
	"DS-Wait: old DS sets may be in caches; the wait begins when every server shows the new one"},
    {W(KEYWAIT, FAILS, NONE, .until = AT),
	"DNSKEY-Wait: old DNSKEY sets may be in caches until 2026-01-01T00:00:01Z"},
    {W(NSSET, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_NS, .server = SK, .ns = 1),
	"ns-set: NS of knot (10.53.3.1@5353) is not the set asked for: ns1.knot.lab. is missing"},
    {W(CSYNCSET, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_CSYNC, .server = SK),
	"csync: CSYNC of knot (10.53.3.1@5353) is not the set asked for"},
    {W(PARENTNS, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_PNS, .server = SP2, .ns = 1),
	"parent-ns: 2001:db8::1 (parent lab.) does not show the delegation NS asked for yet: ns1.knot.lab. is "
	"missing"},
    {W(PARENTNS, FAILS, NONE, .origin = MUS_PARENT, .kind = MUS_RR_PNS, .server = SP2, .ns = 1, .surplus = true),
	"parent-ns: 2001:db8::1 (parent lab.) does not show the delegation NS asked for yet: ns1.knot.lab. should "
	"be gone"},
    {W(CSYNCSET, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_CSYNC, .server = SK, .surplus = true),
	"csync: CSYNC of knot (10.53.3.1@5353) should be gone"},
    {W(CSYNCSET, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_CSYNC, .server = SK, .number = 1),
	"csync: CSYNC of knot (10.53.3.1@5353) is not the set asked for"},
    {W(CSYNCSET, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_CSYNC, .server = SK, .number = 2),
	"csync: CSYNC of knot (10.53.3.1@5353) is not the set asked for: there are two CSYNC records, and one is allowed"},
    {W(CSYNCSET, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_CSYNC, .server = SK, .surplus = true, .number = 3),
	"csync: CSYNC of knot (10.53.3.1@5353): ours should be gone: there are 3 CSYNC records, and one is allowed"},
    {W(CSYNCSET, FAILS, NONE, .origin = KNOT, .kind = MUS_RR_CSYNC, .server = SK, .number = 1, .odd = true),
	"csync: CSYNC of knot (10.53.3.1@5353) is not the set asked for; one lists other types than NS, A and AAAA: "
	"it has to be taken away by hand"},
    {W(NSWAIT, FAILS, NONE, .until = AT), "NS-Wait: old NS sets may be in caches until 2026-01-01T00:00:01Z"},
    {W(REACH, FAILS, NONE, .origin = KNOT, .server = SK, .kind = MUS_RR_NS),
	"reach: resolvers may still be led to 10.53.3.1@5353 (knot)"},
    {W(DATAWAIT, FAILS, NONE, .origin = KNOT, .until = AT),
	"DATA-Wait: data of knot may be in caches until 2026-01-01T00:00:01Z"},
    {W(DATAWAIT, FAILS, NONE, .origin = KNOT),
	"DATA-Wait: data of knot may be in caches; the wait begins when no resolver is led to it any more"},
    {W(QUEUE, FAILS, NONE, .origin = KNOT, .until = AT),
	"queue: knot does not answer changes; the next is tried at 2026-01-01T00:00:01Z"},
    {W(QUEUE, FAILS, NONE, .origin = KNOT, .number = 1024),
	"queue: 1024 changes wait for knot already: there is no room for one more"},
    {W(HELD, FAILS, NONE), "held: the operator holds the zone: nothing is changed"},
    {W(MANUAL, FAILS, NONE), "manual: the next step waits for the operator (manual mode)"},
    {W(PROBE, FAILS, NONE),
	"probe: the zone is being probed: nothing is changed until what the probe wrote is gone"},
    {W(STORE, FAILS, NONE),
	"database: nothing can be stored, so that nothing that is seen counts and nothing is sent"},
    {W(PARTIAL, FAILS, NONE), "adopt: the zone has not been seen completely yet: nothing is changed before"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void
every_rule_has_a_sentence(void **state)
{
	char text[MUS_TEXT_MAX];
	bool seen[MUS_RULE_COUNT] = {false};
	unsigned failed = 0;

	(void)state;
	for (unsigned i = 0; i < ROWS; i++) {
		assert_ptr_equal(mus_witness_text(&z.book, &z.zone, &rows[i].w, text), text);
		seen[rows[i].w.rule] = true;
		if (strcmp(text, rows[i].want) != 0) {
			print_message("row %u\n  got  %s\n  want %s\n", i, text, rows[i].want);
			failed++;
		}
	}
	for (unsigned r = 0; r < MUS_RULE_COUNT; r++)
		if (!seen[r])
			fail_msg("no row for rule %s", mus_rule_text((enum mus_rule)r));
	assert_int_equal(failed, 0);
}

static const struct {
	struct mus_act a;
	const char *want;
} acts[] = {
    {{.kind = MUS_ACT_CHANGE, .signer = BIND, .rr = MUS_RR_KEY, .add = 2},
	"bind: add DNSKEY 23456 (knot)"},
    {{.kind = MUS_ACT_CHANGE, .signer = BIND, .rr = MUS_RR_KEY, .add = 6, .del = 1},
	"bind: add DNSKEY 23456 (knot), 777; delete DNSKEY 12345 (bind)"},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_CDNSKEY, .del = 3},
	"knot: delete CDNSKEY 12345 (bind), 23456 (knot)"},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_CDS, .add_dt = {0, 3, 1}, .del_dt = {2, 0, 0}},
	"knot: add CDS 12345 (bind) SHA-256+SHA-384, 23456 (knot) SHA-256; delete CDS 23456 (knot) SHA-1"},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_NS, .add = 1, .del = 2},
	"knot: add NS ns1.bind.lab.; delete NS ns1.knot.lab."},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_CSYNC, .add = 1, .csync_serial = 7,
	 .del_aux = {MUS_CSYNC_NS | 5 << 16 | 3, 4}, .del_aux_count = 2},
	"knot: add CSYNC with serial 7; delete CSYNC with serial 5 and flags 3; delete CSYNC with serial 0 and flags 4"},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_CSYNC, .del = 1}, "knot: delete CSYNC"},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_CSYNC, .del_aux = {5 << 16}, .del_aux_count = 1},
	"knot: delete CSYNC with serial 5 and flags 0"},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_CSYNC, .del = 1, .del_aux = {5 << 16 | 1},
	 .del_aux_count = 1},
	"knot: delete CSYNC with serial 5 and flags 1"},
    {{.kind = MUS_ACT_CHANGE, .signer = KNOT, .rr = MUS_RR_NS}, "knot: leave NS as it is"},
    {{.kind = MUS_ACT_TRANSFER, .signer = BIND}, "bind: read the whole copy"},
};

static void
every_action_has_a_sentence(void **state)
{
	char text[MUS_TEXT_MAX];

	(void)state;
	for (unsigned i = 0; i < sizeof acts / sizeof acts[0]; i++)
		assert_string_equal(mus_act_text(&z.book, &z.zone, &acts[i].a, text), acts[i].want);
}

static void
names(void **state)
{
	char text[MUS_TEXT_MAX], parent[sizeof z.book.parent];

	(void)state;
	assert_string_equal(mus_server_text(&z.book, &z.zone, SB, text), "10.53.2.1 (bind)");
	assert_string_equal(mus_server_text(&z.book, &z.zone, SP2, text), "2001:db8::1 (parent lab.)");
	assert_string_equal(mus_server_text(&z.book, &z.zone, 4, text), "-");
	z.zone.server[SK].origin = MUS_NOBODY;		/* a place that is free */
	assert_string_equal(mus_server_text(&z.book, &z.zone, SK, text), "-");
	z.zone.server[SK].origin = KNOT;
	assert_string_equal(mus_origin_text(&z.book, &z.zone, KNOT, text), "knot");
	assert_string_equal(mus_origin_text(&z.book, &z.zone, MUS_PARENT, text), "the parent lab.");
	assert_string_equal(mus_origin_text(&z.book, &z.zone, MUS_NOBODY, text), "-");
	assert_string_equal(mus_origin_text(&z.book, &z.zone, 5, text), "signer 5");
	strcpy(parent, z.book.parent);
	z.book.parent[0] = '\0';
	assert_string_equal(mus_origin_text(&z.book, &z.zone, MUS_PARENT, text), "the parent");
	assert_string_equal(mus_server_text(&z.book, &z.zone, SP1, text), "10.53.1.1 (parent)");
	memset(z.book.parent, 'p', sizeof z.book.parent - 1);
	z.book.parent[sizeof z.book.parent - 1] = '\0';
	mus_server_text(&z.book, &z.zone, SP1, text);
	assert_non_null(strstr(text, "ppp...)"));
	strcpy(z.book.parent, parent);
}

/* Too much for one line: cut, and one sees it. */
static void
long_lists_are_cut(void **state)
{
	struct mus_act a = {.kind = MUS_ACT_CHANGE, .signer = BIND, .rr = MUS_RR_KEY, .add = UINT64_MAX};
	char text[MUS_TEXT_MAX + 8];

	(void)state;
	memset(text, 'x', sizeof text);
	z.zone.key_count = MUS_KEYS_MAX;
	for (unsigned i = 3; i < MUS_KEYS_MAX; i++)
		z.zone.key[i].owner = KNOT;
	mus_act_text(&z.book, &z.zone, &a, text);
	z.zone.key_count = 3;
	assert_int_equal(strlen(text), MUS_TEXT_MAX - 1);
	assert_string_equal(text + MUS_TEXT_MAX - 4, "...");
	assert_int_equal(text[MUS_TEXT_MAX], 'x');
}

/* Whatever a witness says, it is put into words and nothing outside the tables is read. */
static void
any_witness(void **state)
{
	static const uint8_t some[] = {0, 1, 2, 3, 4, 7, 8, 9, 13, 14, 31, 32, 63, 64, 254, NO};
	char text[MUS_TEXT_MAX];
	uint64_t seed = 4711;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		struct mus_witness w = {.rule = (enum mus_rule)(i % (MUS_RULE_COUNT + 2)),
		    .result = (enum mus_result)(i % 4)};
		uint8_t *const f[] = {&w.origin, &w.origin2, &w.server, &w.kind, &w.kind2, &w.key, &w.ns, &w.cause};

		for (unsigned k = 0; k < 8; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			*f[k] = some[seed >> 60];
		}
		w.number = (uint16_t)(seed >> 40);
		w.until = seed & 1 << 20 ? MUS_TIME_NEVER : seed & 1 << 21 ? MUS_TIME_ALWAYS :
		    (struct mus_time){(int64_t)(seed >> 22)};
		mus_witness_text(&z.book, &z.zone, &w, text);
		assert_true(strlen(text) > 4);
	}
}

/* Of the parent, the name server that is lacking stands in the book for this. */
static void
parents_name_server(void **state)
{
	const struct mus_witness nolookup =
	    W(OBSERVE, UNKNOWN, NONE, .origin = MUS_PARENT, .cause = MUS_CAUSE_NOLOOKUP);
	const struct mus_witness noaddr = W(V6, UNKNOWN, NONE, .origin = MUS_PARENT, .cause = MUS_CAUSE_NOADDR);
	const struct mus_witness keys = W(
	    V1, UNKNOWN, NONE, .origin = MUS_PARENT, .server = SP1, .kind = MUS_RR_DS, .cause = MUS_CAUSE_NOLOOKUP);
	char text[MUS_TEXT_MAX];

	(void)state;
	strcpy(z.book.parent_ns, "b.lab.");
	assert_string_equal(mus_witness_text(&z.book, &z.zone, &nolookup, text),
	    "observe: the addresses of b.lab. (the parent lab.) cannot be looked up");
	assert_string_equal(
	    mus_witness_text(&z.book, &z.zone, &noaddr, text), "V6: b.lab. (the parent lab.) has no address");
	assert_string_equal(
	    mus_witness_text(&z.book, &z.zone, &keys, text), "V1: the keys of the parent lab. cannot be looked up");
	z.book.parent_ns[0] = '\0';
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_rule_has_a_sentence),
	    cmocka_unit_test(every_action_has_a_sentence),
	    cmocka_unit_test(names),
	    cmocka_unit_test(parents_name_server),
	    cmocka_unit_test(long_lists_are_cut),
	    cmocka_unit_test(any_witness),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
