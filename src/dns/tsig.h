/*
 * TSIG (RFC 8945), one message or a stream of them, over OpenSSL's HMAC.  The secret has a type of
 * its own; it is wiped when cleared and nothing prints it.
 */
#ifndef MUS_DNS_TSIG_H
#define MUS_DNS_TSIG_H

#include "base/buf.h"
#include "base/time.h"
#include "dns/msg.h"

struct mus_tsig_key;			/* name, algorithm, secret */

/* Key file in the form BIND and Knot tools write and read: key "name" { algorithm hmac-sha256;
 * secret "BASE64"; };  or one line hmac-sha256:name:BASE64.  Names file and field in ${et}.
 * A file that others than its owner and group may use is refused (INVAL).
 * hmac-sha1, -sha224, -sha256, -sha384, -sha512; md5 is refused.  Gives *out. */
int mus_tsig_key_load(const char *path, struct mus_tsig_key **out, struct mus_errtext *et) MUS_MUST_CHECK;
int mus_tsig_key_new(const char *name, const char *alg, const char *secret_base64,
    struct mus_tsig_key **out, struct mus_errtext *et) MUS_MUST_CHECK;
void mus_tsig_key_free(struct mus_tsig_key *k);
const struct mus_name *mus_tsig_key_name(const struct mus_tsig_key *k);
const char *mus_tsig_key_alg(const struct mus_tsig_key *k);	/* "hmac-sha256" (static) */

/* What the TSIG of an answer said. */
enum mus_tsig_result {
	MUS_TSIG_OK,
	MUS_TSIG_UNSIGNED,	/* no TSIG although one was expected */
	MUS_TSIG_BADSIG,	/* MAC does not verify */
	MUS_TSIG_BADTIME,	/* our clock and the server's are too far apart */
	MUS_TSIG_PEER_BADKEY,	/* the server does not know the key or the algorithm */
	MUS_TSIG_PEER_BADSIG,	/* the server says our MAC is wrong (other secret) */
	MUS_TSIG_PEER_BADTIME,	/* the server says our clock is off */
	MUS_TSIG_BADTRUNC,
};
const char *mus_tsig_result_text(enum mus_tsig_result r);
/* The same, and by how much the clocks differ when that is why: ${ahead_s} of the context.  ${rcode} of
 * the answer: NOTAUTH without the TSIG record that would say why (RFC 8945 5.2) is about the key, too. */
enum { MUS_TSIG_REASON_MAX = 160 };
const char *mus_tsig_reason(enum mus_tsig_result r, int64_t ahead_s, unsigned rcode,
    char out[static MUS_TSIG_REASON_MAX]);

/* One request and its answer messages. */
struct mus_tsig_ctx {
	const struct mus_tsig_key *key;	/* borrowed for the life of the context */
	uint8_t mac[64];
	size_t mac_len;
	uint64_t prev_time;
	unsigned unsigned_run;		/* messages since the last signed one; at most 99 */
	bool first_seen;
	int64_t ahead_s;		/* BADTIME, PEER_BADTIME: the server's clock less ours; 0: not told */
	struct mus_buf pending;		/* unsigned messages not yet covered */
};
void mus_tsig_ctx_init(struct mus_tsig_ctx *c, const struct mus_tsig_key *key);
void mus_tsig_ctx_clear(struct mus_tsig_ctx *c);
/* Signs the request in place at ${now}; new length, or TOOBIG.  A message with the QR bit is signed as
 * the next answer to the request that check_request took. */
int mus_tsig_sign(struct mus_tsig_ctx *c, uint8_t *wire, size_t len, size_t cap, struct mus_time now) MUS_MUST_CHECK;
/* Checks one answer message.  In a stream (TCP transfer) unsigned messages in the middle give OK
 * with *covered = false: their content must not be used before a later call says covered. */
enum mus_tsig_result mus_tsig_check(struct mus_tsig_ctx *c, const uint8_t *wire, size_t len,
    bool stream, struct mus_time now, bool *covered);
/* Server side: checks a signed request, then signs replies with the same context.  PEER_BADKEY here
 * means that the request was signed with a key or algorithm that is not the context's. */
enum mus_tsig_result mus_tsig_check_request(struct mus_tsig_ctx *c, const uint8_t *wire, size_t len,
    struct mus_time now);

#endif
