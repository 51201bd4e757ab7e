#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/text.h"
#include "dns/tsig.h"
#include "dns/walk.h"

/*
 * Written over OpenSSL's HMAC, because libknot reads the wall clock inside its TSIG functions, and
 * our "now" is an argument.  The tests hold it against libknot.
 */

enum {
	FUDGE_S = 300,
	UNSIGNED_MAX = 99,			/* RFC 8945 5.3.1 */
	SECRET_MAX = 512,
	KEY_FILE_MAX = 16 * 1024,
	MAC_MAX = 64,
	MAC_MIN = 10,				/* RFC 8945 5.2.2.1, and half the output */
	TIME_LEN = 6,
	TSIG_FIXED_BYTES = 16,			/* time, fudge, sizes, id, error */
	ERR_BADSIG = 16, ERR_BADKEY = 17, ERR_BADTIME = 18, ERR_BADTRUNC = 22,
	FLAG_QR_BYTE = 0x80,
};

struct algorithm {
	const char *text;			/* also the name on the wire */
	const char *digest;
	size_t mac_len;
};
static const struct algorithm algorithms[] = {
	{"hmac-sha1", "SHA1", 20},
	{"hmac-sha224", "SHA224", 28},
	{"hmac-sha256", "SHA256", 32},
	{"hmac-sha384", "SHA384", 48},
	{"hmac-sha512", "SHA512", 64},
};

struct mus_tsig_key {
	struct mus_name name, alg_name;
	const struct algorithm *alg;
	EVP_MAC_CTX *keyed;			/* with the secret set; copied per use */
};

/* ---- keys ---- */

static const struct algorithm *
algorithm_of(const char *text)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '.')
		len--;
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (strlen(algorithms[i].text) == len &&
		    strncasecmp(algorithms[i].text, text, len) == 0)
			return &algorithms[i];
	}
	return NULL;
}

static EVP_MAC_CTX *
keyed_hmac(const struct algorithm *alg, const uint8_t *secret, size_t len)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	char digest[16];		/* OpenSSL wants it writable */
	OSSL_PARAM params[2] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};

	(void)mus_strcpy(digest, sizeof digest, alg->digest);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	if (ctx && EVP_MAC_init(ctx, secret, len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_MAC_free(mac);
	return ctx;
}

int
mus_tsig_key_new(const char *name, const char *alg, const char *secret_base64,
    struct mus_tsig_key **out, struct mus_errtext *et)
{
	struct mus_tsig_key *k = NULL;
	uint8_t secret[SECRET_MAX];
	long len;
	int rc;

	if ((k = calloc(1, sizeof *k)) == NULL)
		return MUS_ERR_NOMEM;
	if ((rc = mus_name_parse(name, &k->name, et)) < 0) {
		(void)mus_err_wrap(et, rc, "key name");
		goto out;
	}
	rc = MUS_ERR_INVAL;
	if ((k->alg = algorithm_of(alg)) == NULL) {
		(void)mus_errf(et, rc, "algorithm \"%.40s\" is not one of hmac-sha1, hmac-sha224, "
		    "hmac-sha256, hmac-sha384, hmac-sha512", alg);
		goto out;
	}
	/* The words never hold the secret, not even a broken one. */
	len = mus_base64_decode(secret_base64, strlen(secret_base64), secret, sizeof secret);
	if (len <= 0) {
		(void)mus_errf(et, rc, "secret of key \"%.200s\" is %s", name,
		    len == 0 ? "empty" : "not base64 or longer than 512 bytes");
		goto out;
	}
	rc = MUS_ERR_NOMEM;
	if (mus_name_parse(k->alg->text, &k->alg_name, NULL) < 0 ||
	    (k->keyed = keyed_hmac(k->alg, secret, (size_t)len)) == NULL)
		goto out;
	*out = k;
	k = NULL;
	rc = 0;
out:
	OPENSSL_cleanse(secret, sizeof secret);
	mus_tsig_key_free(k);
	return rc;
}

void
mus_tsig_key_free(struct mus_tsig_key *k)
{
	if (!k)
		return;
	EVP_MAC_CTX_free(k->keyed);		/* OpenSSL wipes the key in it */
	free(k);
}

const struct mus_name *
mus_tsig_key_name(const struct mus_tsig_key *k)
{
	return &k->name;
}

const char *
mus_tsig_key_alg(const struct mus_tsig_key *k)
{
	return k->alg->text;
}

/* ---- key files ---- */

struct lexer {
	char *p;		/* cut into tokens in place */
	const char *path;
	int line;
};

/* White space and the three kinds of comment. */
static void
skip_space(struct lexer *x)
{
	for (;;) {
		if (*x->p == '#' || (x->p[0] == '/' && x->p[1] == '/')) {
			x->p += strcspn(x->p, "\n");
		} else if (x->p[0] == '/' && x->p[1] == '*') {
			char *end = strstr(x->p + 2, "*/");
			char *stop = end ? end + 2 : x->p + strlen(x->p);

			for (; x->p < stop; x->p++)
				x->line += *x->p == '\n';
		} else if (*x->p == ' ' || *x->p == '\t' || *x->p == '\r' || *x->p == '\n') {
			x->line += *x->p++ == '\n';
		} else
			return;
	}
}

/* A word or a quoted string, of at most ${cap} - 1 characters. */
static bool
take_word(struct lexer *x, char *out, size_t cap)
{
	bool quoted;
	size_t len;

	skip_space(x);
	quoted = *x->p == '"';
	x->p += quoted;
	len = strcspn(x->p, quoted ? "\"\n" : " \t\r\n;{}\"");
	if (len == 0 || len >= cap || (quoted && x->p[len] != '"'))
		return false;
	memcpy(out, x->p, len);
	out[len] = '\0';
	x->p += len + quoted;
	return true;
}

static bool
take_sign(struct lexer *x, char sign)
{
	skip_space(x);
	if (*x->p != sign)
		return false;
	x->p++;
	return true;
}

struct key_words {
	char name[MUS_NAME_TEXT_MAX], alg[32], secret[SECRET_MAX * 4 / 3 + 8];
};

static int
bad_key_file(const struct lexer *x, struct mus_errtext *et, const char *what)
{
	return mus_errf(et, MUS_ERR_SYNTAX, "%s:%d: %s", x->path, x->line, what);
}

/* algorithm WORD; or secret WORD; once each. */
static int
parse_field(struct lexer *x, struct key_words *w, struct mus_errtext *et)
{
	char word[16], *dst;
	size_t cap;

	if (!take_word(x, word, sizeof word))
		return bad_key_file(x, et, "expected \"algorithm\", \"secret\" or \"}\"");
	if (strcasecmp(word, "algorithm") == 0) {
		dst = w->alg;
		cap = sizeof w->alg;
	} else if (strcasecmp(word, "secret") == 0) {
		dst = w->secret;
		cap = sizeof w->secret;
	} else
		return bad_key_file(x, et, "only \"algorithm\" and \"secret\" belong in a key");
	if (*dst != '\0')
		return bad_key_file(x, et, "field given twice");
	if (!take_word(x, dst, cap))
		return bad_key_file(x, et, dst == w->alg ? "algorithm: no value, or too long" :
		    "secret: no value, or too long");
	if (!take_sign(x, ';'))
		return bad_key_file(x, et, "\";\" missing");
	return 0;
}

static int
parse_block(struct lexer *x, struct key_words *w, struct mus_errtext *et)
{
	int rc;

	if (!take_word(x, w->name, sizeof w->name))
		return bad_key_file(x, et, "name of the key missing");
	if (!take_sign(x, '{'))
		return bad_key_file(x, et, "\"{\" missing");
	while (!take_sign(x, '}')) {
		if ((rc = parse_field(x, w, et)) < 0)
			return rc;
	}
	(void)take_sign(x, ';');
	if (w->alg[0] == '\0' || w->secret[0] == '\0')
		return bad_key_file(x, et, w->alg[0] ? "secret missing" : "algorithm missing");
	return 0;
}

/* hmac-sha256:name:BASE64, the form of kdig -y and knsupdate. */
static int
parse_line(struct lexer *x, char *line, struct key_words *w, struct mus_errtext *et)
{
	char *name = strchr(line, ':'), *secret = name ? strchr(name + 1, ':') : NULL;

	if (!secret)
		return bad_key_file(x, et, "expected key \"name\" { ... }; or ALGORITHM:NAME:SECRET");
	*name++ = '\0';
	*secret++ = '\0';
	if (!mus_strcpy(w->alg, sizeof w->alg, line) ||
	    !mus_strcpy(w->name, sizeof w->name, name) ||
	    !mus_strcpy(w->secret, sizeof w->secret, secret))
		return bad_key_file(x, et, "field too long");
	return 0;
}

static int
parse_key_text(struct lexer *x, struct key_words *w, struct mus_errtext *et)
{
	char line[sizeof *w];
	int rc;

	skip_space(x);
	if (strncasecmp(x->p, "key", 3) == 0 && strchr(" \t\r\n\"", x->p[3])) {
		x->p += 3;
		rc = parse_block(x, w, et);
	} else if (!take_word(x, line, sizeof line))
		rc = bad_key_file(x, et, "no key in the file");
	else {
		rc = parse_line(x, line, w, et);
		OPENSSL_cleanse(line, sizeof line);
	}
	if (rc < 0)
		return rc;
	skip_space(x);
	return *x->p == '\0' ? 0 : bad_key_file(x, et, "more than one key, or text behind it");
}

/* The whole file, terminated; the caller wipes it. */
static int
read_file(const char *path, char out[static KEY_FILE_MAX + 1], struct mus_errtext *et)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	size_t len;
	bool bad;
	int rc;

	if (!f)
		return mus_errf(et, errno == ENOENT ? MUS_ERR_NOTFOUND : MUS_ERR_IO,
		    "key file %s: %s", path, strerror(errno));
	rc = fstat(fileno(f), &st) < 0 ? mus_errf(et, MUS_ERR_IO, "%s: %s", path, strerror(errno))
				       : mus_check_secret_mode(path, st.st_mode, et);
	if (rc < 0) {
		fclose(f);
		return mus_err_wrap(et, rc, "key file");
	}
	setvbuf(f, NULL, _IONBF, 0);		/* no copy of the secret in stdio's buffer */
	len = fread(out, 1, KEY_FILE_MAX + 1, f);
	bad = ferror(f);
	fclose(f);
	if (bad)
		return mus_errf(et, MUS_ERR_IO, "key file %s: cannot be read", path);
	if (len > KEY_FILE_MAX || memchr(out, '\0', len))
		return mus_errf(et, MUS_ERR_SYNTAX, "key file %s: not a key file", path);
	out[len] = '\0';
	return 0;
}

int
mus_tsig_key_load(const char *path, struct mus_tsig_key **out, struct mus_errtext *et)
{
	char text[KEY_FILE_MAX + 1];
	struct lexer x = {.p = text, .path = path, .line = 1};
	struct key_words w = {0};
	int rc;

	if ((rc = read_file(path, text, et)) < 0 || (rc = parse_key_text(&x, &w, et)) < 0)
		goto out;
	if ((rc = mus_tsig_key_new(w.name, w.alg, w.secret, out, et)) == MUS_ERR_INVAL)
		(void)mus_err_wrap(et, rc, "key file %s", path);
out:
	OPENSSL_cleanse(text, sizeof text);
	OPENSSL_cleanse(&w, sizeof w);
	return rc;
}

/* ---- the MAC ---- */

struct mac {
	EVP_MAC_CTX *ctx;
	bool failed;
};

static void
mac_begin(struct mac *m, const struct mus_tsig_key *k)
{
	m->ctx = EVP_MAC_CTX_dup(k->keyed);
	m->failed = m->ctx == NULL;
}

static void
mac_add(struct mac *m, const void *p, size_t len)
{
	if (!m->failed && len > 0)
		m->failed = EVP_MAC_update(m->ctx, p, len) != 1;
}

static void
mac_add_be(struct mac *m, uint64_t v, unsigned bytes)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	mac_add(m, b, bytes);
}

static bool
mac_end(struct mac *m, uint8_t out[static MAC_MAX], size_t *len)
{
	bool ok = !m->failed && EVP_MAC_final(m->ctx, out, len, MAC_MAX) == 1;

	EVP_MAC_CTX_free(m->ctx);
	m->ctx = NULL;
	return ok;
}

/* A TSIG record taken apart; pointers lead into the message. */
struct tsig_rr {
	size_t start;			/* the message without TSIG ends here */
	struct mus_name key, alg;
	uint64_t time_s;
	uint16_t fudge_s, orig_id, error;
	const uint8_t *mac, *other;
	uint16_t mac_len, other_len;
};

/* RFC 8945 5.3.2: everything of the record that the MAC covers. */
static void
mac_add_variables(struct mac *m, const struct tsig_rr *t)
{
	mac_add(m, t->key.wire, t->key.len);
	mac_add_be(m, MUS_CLASS_ANY, 2);
	mac_add_be(m, 0, 4);
	mac_add(m, t->alg.wire, t->alg.len);
	mac_add_be(m, t->time_s, 6);
	mac_add_be(m, t->fudge_s, 2);
	mac_add_be(m, t->error, 2);
	mac_add_be(m, t->other_len, 2);
	mac_add(m, t->other, t->other_len);
}

/* The message as it was before TSIG: original id, one additional record less. */
static void
mac_add_message(struct mac *m, const uint8_t *wire, const struct tsig_rr *t, unsigned arcount)
{
	mac_add_be(m, t->orig_id, 2);
	mac_add(m, wire + 2, 8);
	mac_add_be(m, arcount, 2);
	mac_add(m, wire + MUS__HEADER_BYTES, t->start - MUS__HEADER_BYTES);
}

/* MAC of a message in context: first answer or request, or a later message of a stream
 * (RFC 8945 5.3.1: timers only instead of the variables). */
static bool
compute(const struct mus_tsig_ctx *c, const uint8_t *wire, const struct tsig_rr *t,
    unsigned arcount, bool is_request, bool is_later, uint8_t out[static MAC_MAX], size_t *len)
{
	struct mac m;

	mac_begin(&m, c->key);
	if (!is_request) {
		mac_add_be(&m, c->mac_len, 2);
		mac_add(&m, c->mac, c->mac_len);
	}
	if (is_later)
		mac_add(&m, c->pending.data, c->pending.len);
	mac_add_message(&m, wire, t, arcount);
	if (is_later) {
		mac_add_be(&m, t->time_s, 6);
		mac_add_be(&m, t->fudge_s, 2);
	} else
		mac_add_variables(&m, t);
	return mac_end(&m, out, len);
}

/* ---- finding the record ---- */

static bool
read_tsig_rdata(const struct mus_walk *w, const struct mus_walk_rr *rr, struct tsig_rr *t)
{
	struct mus_rd r = mus_rd_of(w->wire + rr->rd_off, rr->rd_len);

	if (mus_name_from_wire(r.p, rr->rd_len, &t->alg) < 0)
		return false;
	(void)mus_rd_bytes(&r, t->alg.len);
	t->time_s = (uint64_t)mus_rd_u16(&r) << 32;
	t->time_s |= mus_rd_u32(&r);
	t->fudge_s = mus_rd_u16(&r);
	t->mac_len = mus_rd_u16(&r);
	t->mac = mus_rd_bytes(&r, t->mac_len);
	t->orig_id = mus_rd_u16(&r);
	t->error = mus_rd_u16(&r);
	t->other_len = mus_rd_u16(&r);
	t->other = mus_rd_bytes(&r, t->other_len);
	return !r.failed && r.p == r.end;
}

enum found { FOUND_NONE, FOUND_TSIG, FOUND_BROKEN };

/* The TSIG must be the very last record (RFC 8945 5.1); any other place makes the message bad. */
static enum found
find_tsig(const uint8_t *wire, size_t len, struct tsig_rr *t, unsigned *arcount)
{
	enum found found = FOUND_NONE;
	struct mus_walk_rr rr;
	struct mus_walk w;

	if (!mus__walk_init(&w, wire, len))
		return FOUND_BROKEN;
	for (uint16_t i = 0; i < w.count[MUS__SEC_QUESTION]; i++) {
		if (!mus__walk_question(&w, &rr.owner, &rr.type, &rr.rclass))
			return FOUND_BROKEN;
	}
	for (int sec = 1; sec < 4; sec++) {
		for (uint16_t i = 0; i < w.count[sec]; i++) {
			if (found == FOUND_TSIG || !mus__walk_rr(&w, &rr))
				return FOUND_BROKEN;
			if (rr.type != MUS_TYPE_TSIG)
				continue;
			if (sec != 3 || rr.rclass != MUS_CLASS_ANY || rr.ttl_s != 0 ||
			    !read_tsig_rdata(&w, &rr, t))
				return FOUND_BROKEN;
			t->start = rr.start;
			t->key = rr.owner;
			found = FOUND_TSIG;
		}
	}
	*arcount = w.count[3] - (found == FOUND_TSIG);
	return w.off == w.len ? found : FOUND_BROKEN;
}

/* ---- contexts ---- */

void
mus_tsig_ctx_init(struct mus_tsig_ctx *c, const struct mus_tsig_key *key)
{
	*c = (struct mus_tsig_ctx){.key = key};
	mus_buf_init(&c->pending, (UNSIGNED_MAX + 1) * (size_t)MUS_MSG_MAX);
}

void
mus_tsig_ctx_clear(struct mus_tsig_ctx *c)
{
	mus_buf_clear(&c->pending);
	*c = (struct mus_tsig_ctx){0};
}

const char *
mus_tsig_result_text(enum mus_tsig_result r)
{
	switch (r) {
	case MUS_TSIG_OK:
		return "signature is good";
	case MUS_TSIG_UNSIGNED:
		return "answer is not signed";
	case MUS_TSIG_BADSIG:
		return "signature does not verify";
	case MUS_TSIG_BADTIME:
		return "time of the signature is too far from our clock";
	case MUS_TSIG_PEER_BADKEY:
		return "the other side does not know the key or its algorithm (BADKEY)";
	case MUS_TSIG_PEER_BADSIG:
		return "the other side says our signature is wrong (BADSIG): another secret";
	case MUS_TSIG_PEER_BADTIME:
		return "the other side says our clock is off (BADTIME)";
	case MUS_TSIG_BADTRUNC:
		return "signature is cut too short (BADTRUNC)";
	}
	return "unknown";
}

const char *
mus_tsig_reason(enum mus_tsig_result r, int64_t ahead_s, unsigned rcode,
    char out[static MUS_TSIG_REASON_MAX])
{
	const char *text = mus_tsig_result_text(r);

	if (r == MUS_TSIG_UNSIGNED && rcode == MUS_RCODE_NOTAUTH)
		return "answer is not signed: it does not know the key, has another secret, or not the zone";
	if (ahead_s == 0 || (r != MUS_TSIG_BADTIME && r != MUS_TSIG_PEER_BADTIME))
		return text;
	(void)snprintf(out, MUS_TSIG_REASON_MAX, "%s: its clock is %lld s %s ours", text,
	    (long long)(ahead_s < 0 ? -ahead_s : ahead_s), ahead_s < 0 ? "behind" : "ahead of");
	return out;
}

/* ---- signing ---- */

static uint8_t *
put_be(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		*p++ = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	return p;
}

/* Writes the record behind the message and counts it; bytes written. */
static size_t
put_tsig(uint8_t *wire, size_t len, const struct tsig_rr *t, unsigned arcount)
{
	uint8_t *p = wire + len;

	memcpy(p, t->key.wire, t->key.len);
	p = put_be(p + t->key.len, MUS_TYPE_TSIG, 2);
	p = put_be(p, MUS_CLASS_ANY, 2);
	p = put_be(p, 0, 4);
	p = put_be(p, (uint64_t)t->alg.len + TSIG_FIXED_BYTES + t->mac_len, 2);
	memcpy(p, t->alg.wire, t->alg.len);
	p = put_be(p + t->alg.len, t->time_s, 6);
	p = put_be(p, t->fudge_s, 2);
	p = put_be(p, t->mac_len, 2);
	memcpy(p, t->mac, t->mac_len);
	p = put_be(p + t->mac_len, t->orig_id, 2);
	p = put_be(p, 0, 4);			/* no error, no other data */
	(void)put_be(wire + 10, arcount + 1, 2);
	return (size_t)(p - (wire + len));
}

static size_t
tsig_bytes(const struct mus_tsig_key *k)
{
	return k->name.len + 10u + k->alg_name.len + TSIG_FIXED_BYTES + k->alg->mac_len;
}

/*
 * The QR bit tells the two uses apart: a question starts anew, an answer continues from the MAC
 * that check_request or the sign before left in the context.
 */
int
mus_tsig_sign(struct mus_tsig_ctx *c, uint8_t *wire, size_t len, size_t cap, struct mus_time now)
{
	struct tsig_rr t = {.start = len, .key = c->key->name, .alg = c->key->alg_name,
	    .time_s = (uint64_t)mus_time_to_s(now) & 0xffffffffffff, .fudge_s = FUDGE_S};
	uint8_t mac[MAC_MAX];
	size_t mac_len = 0;
	bool is_request;
	unsigned arcount;

	if (len < MUS__HEADER_BYTES)
		return MUS_ERR_INVAL;
	if (cap > MUS_MSG_MAX)
		cap = MUS_MSG_MAX;
	arcount = (unsigned)(wire[10] << 8 | wire[11]);
	if (len > cap || cap - len < tsig_bytes(c->key) || arcount == UINT16_MAX)
		return MUS_ERR_TOOBIG;
	is_request = (wire[2] & FLAG_QR_BYTE) == 0;
	t.orig_id = (uint16_t)(wire[0] << 8 | wire[1]);
	mus_buf_reset(&c->pending);
	if (!compute(c, wire, &t, arcount, is_request, !is_request && c->first_seen, mac, &mac_len))
		return MUS_ERR_NOMEM;
	t.mac = mac;
	t.mac_len = (uint16_t)mac_len;
	memcpy(c->mac, mac, mac_len);
	c->mac_len = mac_len;
	c->prev_time = is_request ? 0 : t.time_s;
	c->unsigned_run = 0;
	c->first_seen = !is_request;
	return (int)(len + put_tsig(wire, len, &t, arcount));
}

/* ---- checking ---- */

/* RFC 8945 5.2.3, and never a time before one that was accepted in this stream. */
static bool
is_in_time(const struct tsig_rr *t, uint64_t prev_time, struct mus_time now)
{
	int64_t now_s = mus_time_to_s(now), then_s = (int64_t)t->time_s;

	return now_s - then_s <= t->fudge_s && then_s - now_s <= t->fudge_s &&
	    t->time_s >= prev_time;
}

/* Key, MAC, then time, in the order of RFC 8945 5.2. */
static enum mus_tsig_result
verify(const struct mus_tsig_ctx *c, const uint8_t *wire, const struct tsig_rr *t,
    unsigned arcount, bool is_request, bool is_later, struct mus_time now)
{
	size_t full = c->key->alg->mac_len, len = 0;
	uint8_t mac[MAC_MAX];

	if (t->mac_len < MAC_MIN || t->mac_len < full / 2)
		return MUS_TSIG_BADTRUNC;
	if (t->mac_len > full || !compute(c, wire, t, arcount, is_request, is_later, mac, &len) ||
	    len != full || !mus_equal_secret(mac, t->mac, t->mac_len))
		return MUS_TSIG_BADSIG;
	return is_in_time(t, is_later ? c->prev_time : 0, now) ? MUS_TSIG_OK : MUS_TSIG_BADTIME;
}

static bool
is_our_key(const struct mus_tsig_ctx *c, const struct tsig_rr *t)
{
	return mus_name_equal(&t->key, &c->key->name) && mus_name_equal(&t->alg, &c->key->alg_name);
}

static void
accept_mac(struct mus_tsig_ctx *c, const struct tsig_rr *t)
{
	memcpy(c->mac, t->mac, t->mac_len);
	c->mac_len = t->mac_len;
	c->prev_time = t->time_s;
	c->unsigned_run = 0;
	mus_buf_reset(&c->pending);
}

/* Error answers BADKEY and BADSIG carry an empty MAC: nobody vouches for them, so they are only
 * ever told as a reason of failure. */
static enum mus_tsig_result
peer_error(uint16_t error)
{
	switch (error) {
	case ERR_BADSIG:
		return MUS_TSIG_PEER_BADSIG;
	case ERR_BADKEY:
		return MUS_TSIG_PEER_BADKEY;
	case ERR_BADTIME:
		return MUS_TSIG_PEER_BADTIME;
	case ERR_BADTRUNC:
		return MUS_TSIG_BADTRUNC;
	default:
		return MUS_TSIG_BADSIG;
	}
}

static enum mus_tsig_result
take_unsigned(struct mus_tsig_ctx *c, const uint8_t *wire, size_t len, bool stream)
{
	if (!stream || !c->first_seen || c->unsigned_run >= UNSIGNED_MAX)
		return MUS_TSIG_UNSIGNED;
	if (!mus_buf_add(&c->pending, wire, len))
		return MUS_TSIG_UNSIGNED;
	c->unsigned_run++;
	return MUS_TSIG_OK;
}

/* The server's clock less ours; an error answer tells its time as other data (RFC 8945 5.2.3). */
static int64_t
ahead_of(const struct tsig_rr *t, struct mus_time now)
{
	uint64_t then = t->time_s;

	if (t->error == ERR_BADTIME) {
		if (t->other_len != TIME_LEN)
			return 0;
		then = 0;
		for (unsigned i = 0; i < TIME_LEN; i++)
			then = then << 8 | t->other[i];
	}
	return (int64_t)then - mus_time_to_s(now);
}

enum mus_tsig_result
mus_tsig_check(struct mus_tsig_ctx *c, const uint8_t *wire, size_t len, bool stream,
    struct mus_time now, bool *covered)
{
	enum mus_tsig_result r;
	struct tsig_rr t;
	unsigned arcount = 0;
	enum found found = find_tsig(wire, len, &t, &arcount);

	*covered = false;
	if (found == FOUND_NONE)
		return take_unsigned(c, wire, len, stream);
	if (found == FOUND_BROKEN)
		return MUS_TSIG_BADSIG;
	if (t.error != 0 && t.mac_len == 0)
		return peer_error(t.error);
	if (!is_our_key(c, &t))
		return MUS_TSIG_BADSIG;
	r = verify(c, wire, &t, arcount, false, stream && c->first_seen, now);
	if (r == MUS_TSIG_BADTIME || (r == MUS_TSIG_OK && t.error == ERR_BADTIME))
		c->ahead_s = ahead_of(&t, now);
	/* A signed error (BADTIME) is told as such whatever our own clock thinks. */
	if (t.error != 0 && (r == MUS_TSIG_OK || r == MUS_TSIG_BADTIME))
		return peer_error(t.error);
	if (r != MUS_TSIG_OK)
		return r;
	accept_mac(c, &t);
	c->first_seen = true;
	*covered = true;
	return MUS_TSIG_OK;
}

enum mus_tsig_result
mus_tsig_check_request(struct mus_tsig_ctx *c, const uint8_t *wire, size_t len, struct mus_time now)
{
	enum mus_tsig_result r;
	struct tsig_rr t;
	unsigned arcount = 0;
	enum found found = find_tsig(wire, len, &t, &arcount);

	if (found != FOUND_TSIG)
		return found == FOUND_NONE ? MUS_TSIG_UNSIGNED : MUS_TSIG_BADSIG;
	if (!is_our_key(c, &t))
		return MUS_TSIG_PEER_BADKEY;
	r = verify(c, wire, &t, arcount, true, false, now);
	if (r == MUS_TSIG_OK) {
		accept_mac(c, &t);
		c->first_seen = false;
	}
	return r;
}
