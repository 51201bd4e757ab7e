/*
 * A P-256 key and a certificate signed by itself, so that a daemon speaks TLS from its first start;
 * clients pin its key (SHA-256 of the SubjectPublicKeyInfo, what TLSA 3 1 1 holds).
 */
#ifndef MUS_APP_SELFSIGNED_H
#define MUS_APP_SELFSIGNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/time.h"

struct mus_selfsigned_opts {
	const char *cert_file;		/* written with mode 0644 */
	const char *key_file;		/* written with mode 0600, before the certificate */
	const char *const *names;	/* DNS names, NULL at the end; the first is the CN */
	const struct mus_addr *addrs;	/* ports do not matter */
	size_t addr_count;
	struct mus_time now;
	unsigned days;			/* [3653] */
};
/* What clients pin. */
struct mus_pin {
	uint8_t spki_sha256[32];
};
enum { MUS_PIN_TEXT_MAX = 56 };
/* "sha256//BASE64", as curl's --pinnedpubkey wants it.  Gives ${out}. */
const char *mus_pin_text(const struct mus_pin *p, char out[static MUS_PIN_TEXT_MAX]);

/* Are both files there (*found, gives ${pin}), or neither?  Makes nothing.
 * CONFLICT: only one of them is there, or key and certificate differ; INVAL: no PEM. */
int mus_selfsigned_find(const struct mus_selfsigned_opts *o, bool *found, struct mus_pin *pin,
    struct mus_errtext *et) MUS_MUST_CHECK;
/* Makes both files.  INVAL: no name.  Gives ${pin}. */
int mus_selfsigned_make(const struct mus_selfsigned_opts *o, struct mus_pin *pin, struct mus_errtext *et) MUS_MUST_CHECK;
/* The pin of a certificate in a PEM file (the first in it). */
int mus_pin_of_file(const char *cert_file, struct mus_pin *pin, struct mus_errtext *et) MUS_MUST_CHECK;
/* Is the certificate of a file (anybody's) good at that time?  CONFLICT: its words say since or until when. */
int mus_cert_check_time(const char *cert_file, struct mus_time now, struct mus_errtext *et) MUS_MUST_CHECK;
/* How many of ${count} addresses it does not name (*lacks), and the first of them. */
int mus_cert_lacks(const char *cert_file, const struct mus_addr *addrs, size_t count, struct mus_addr *first,
    size_t *lacks, struct mus_errtext *et) MUS_MUST_CHECK;

#endif
