/*
 * Certificate and key of the REST interface: those of the configuration, else a pair of our own that is made at the
 * first start, beside the database.
 */
#ifndef MUSICD_TLS_H
#define MUSICD_TLS_H

#include "app/conf.h"
#include "app/opts.h"

struct musicd_tls {
	char cert[1024], key[1024];
	bool is_ours;		/* the pair of our own */
	bool is_new;		/* made by this start */
};

void musicd_tls_files(const struct mus_conf *conf, struct musicd_tls *t);
/* Makes the pair of our own when it is not there; words of an error name the place in the configuration. */
int musicd_tls_make(const struct mus_conf *conf, struct musicd_tls *t, struct mus_errtext *et) MUS_MUST_CHECK;
/* When nobody has seen it, since we cannot listen there: the address may be wrong, and the next start makes one for
 * the right one. */
void musicd_tls_take_back(const struct musicd_tls *t);
/* Would the start take all files of TLS?  A pair of our own that is not there is made then.  Makes nothing. */
int musicd_tls_check(const struct mus_conf *conf, const struct musicd_tls *t, struct mus_errtext *et) MUS_MUST_CHECK;
/* Tells what clients will refuse: a certificate outside of its time, one of our own that lacks an address that we
 * listen on.  It is never replaced without being asked for, since clients trust that one file. */
void musicd_tls_warn(const struct mus_conf *conf, const struct musicd_tls *t, mus_opts_warn_fn *warn, void *arg);

#endif
