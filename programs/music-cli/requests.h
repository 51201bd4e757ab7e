/* Bodies of requests, made from options. */
#ifndef MUSIC_CLI_REQUESTS_H
#define MUSIC_CLI_REQUESTS_H

#include "cli.h"

struct request {
	struct mus_buf path, body;
	struct mus_json json;
	bool has_body, is_closed;
};

/* Path as for cli_path; begin opens a body that is one object, plain has none. */
#define request_begin(c, r, ...) (request_open(c, r, true), (void)cli_path(&(r)->path, __VA_ARGS__))
#define request_plain(c, r, ...) (request_open(c, r, false), (void)cli_path(&(r)->path, __VA_ARGS__))
void request_open(struct cli *c, struct request *r, bool has_body);
const char *request_path(const struct request *r);
const struct mus_buf *request_body(struct request *r);	/* closes the object; NULL: none */
void request_clear(struct request *r);

/*
 * Fields from options.  All write nothing when the option was not given, and remember which option leads to
 * which field, given or not: an error at the field is told by that name (cli_typed).  Those that return: an
 * exit code, told.
 */
void request_str(struct cli *c, struct request *r, const char *name, const char *option);
void request_arg(struct cli *c, struct request *r, const char *name, unsigned idx);	/* argument ${idx} */
/* After them: where ${name} was not given, what is refused about it is of the object that the first argument names. */
void request_kept(struct cli *c, const char *name);
void request_true(struct request *r, const char *name, bool given);
int request_span(struct cli *c, struct request *r, const char *name, const char *option);	/* in seconds */
int request_number(struct cli *c, struct request *r, const char *name, const char *option);
/* true by one flag, false by the other; both is an error. */
int request_choice(struct cli *c, struct request *r, const char *name, const char *yes,
    const char *no);
void request_list(struct cli *c, struct request *r, const char *name, const char *option);
/* "name_servers" from the repeated --ns. */
int request_ns(struct cli *c, struct request *r);
/* "signers" of a zone from --signer-ns, --signer-key, --signer-max-ttl. */
int request_zone_signers(struct cli *c, struct request *r);

#endif
