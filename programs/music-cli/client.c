/*
 * HTTPS to the daemon with libcurl.  Certificates are always checked; a pin comes on top of that.
 */
#include "cli.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/secret.h"

enum { ANSWER_MAX = 256 << 20, LINE_MAX_BYTES = 1 << 20, CONNECT_S = 10, STALL_S = 60 };

struct cli_client {
	CURL *curl;
	struct mus_secret token;
	bool has_token;
	char error[CURL_ERROR_SIZE];
	char until[64];			/* end of the certificate */
};

void
cli_client_free(struct cli_client *cl)
{
	if (cl == NULL)
		return;
	curl_easy_cleanup(cl->curl);
	mus_secret_clear(&cl->token);
	free(cl);
	curl_global_cleanup();
}

void
cli_answer_clear(struct cli_answer *a)
{
	json_decref(a->json);
	mus_buf_clear(&a->text);
	*a = (struct cli_answer){.status = 0};
}

static int
open_client(struct cli *c, struct mus_errtext *et)
{
	struct cli_client *cl;
	int rc;

	if (c->client != NULL)
		return 0;
	if ((cl = calloc(1, sizeof *cl)) == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 ||
	    (cl->curl = curl_easy_init()) == NULL) {
		free(cl);
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	}
	c->client = cl;
	if (c->set.token_file != NULL) {
		if ((rc = mus_secret_load(c->set.token_file, &cl->token, et)) < 0)
			return mus_err_wrap(et, rc, "token file %s", c->set.token_file);
		cl->has_token = true;
	}
	return 0;
}

const char *
cli_advice(const struct cli *c, int err, long status)
{
	if (err == MUS_ERR_BADSIG && c->set.cacert == NULL)
		return "; copy the daemon's certificate here, and give it with --cacert FILE";
	if (err == MUS_ERR_BADSIG)
		return "; look whether --cacert, and --pin where it is given, are of the daemon's certificate of "
		       "today, and whether that has the name in --server";
	if (err == MUS_ERR_NET || err == MUS_ERR_TIMEOUT)
		return "; look whether musicd runs (systemctl status musicd), and at --server";
	if (status == 401 && c->set.token_file == NULL)
		return "; give the file of your token with --token-file FILE";
	if (status == 401)
		return "; its line must be in the daemon's file of tokens, and that read again "
		       "(systemctl reload musicd)";
	if (status == 403)
		return "; take a token with that role";
	return "";
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct mus_buf *b = arg;

	return mus_buf_add(b, p, size * n) ? size * n : 0;
}

static int
error_of(CURLcode code, const char *words, const char *server, struct mus_errtext *et)
{
	int err;

	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		err = MUS_ERR_BADSIG;
		break;
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		err = MUS_ERR_NOTFOUND;
		break;
	case CURLE_OPERATION_TIMEDOUT:
		err = MUS_ERR_TIMEOUT;
		break;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		err = MUS_ERR_INVAL;
		break;
	case CURLE_OUT_OF_MEMORY:
		err = MUS_ERR_NOMEM;
		break;
	default:
		err = MUS_ERR_NET;
		break;
	}
	return mus_errf(et, err, "%s: %s", server,
	    words != NULL && words[0] != '\0' ? words : curl_easy_strerror(code));
}

/* Everything about the connection that is the same for all requests. */
static void
set_common(struct cli *c, CURL *curl, char error[static CURL_ERROR_SIZE], const char *url,
    struct curl_slist *headers)
{
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	error[0] = '\0';
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "music-cli/" MUS_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	if (c->set.cacert != NULL) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->set.cacert);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (c->set.cert != NULL) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, c->set.cert);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, c->set.key);
	}
	if (c->set.pin != NULL)
		curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, c->set.pin);
}

static bool
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (more == NULL)
		return false;
	*list = more;
	return true;
}

/* Header lines of a request.  The token's line is wiped by free_headers. */
static bool
make_headers(struct cli *c, const char *content_type, const char *extra, struct curl_slist **out)
{
	struct mus_buf b;
	bool ok = true;

	*out = NULL;
	mus_buf_init(&b, 0);
	if (c->client->has_token) {
		mus_buf_add_str(&b, "Authorization: Bearer ");
		mus_buf_add(&b, c->client->token.bytes, c->client->token.len);
		ok = !b.failed && add_header(out, (const char *)b.data);
		explicit_bzero(b.data, b.len);
		mus_buf_reset(&b);
	}
	if (content_type != NULL) {
		mus_buf_printf(&b, "Content-Type: %s", content_type);
		ok = ok && !b.failed && add_header(out, (const char *)b.data);
	}
	ok = ok && add_header(out, "Expect:");
	if (extra != NULL)
		ok = ok && add_header(out, extra);
	mus_buf_clear(&b);
	return ok;
}

static void
free_headers(struct curl_slist *list)
{
	if (list != NULL)
		explicit_bzero(list->data, strlen(list->data));
	curl_slist_free_all(list);
}

static bool
make_url(const struct cli *c, const char *path, struct mus_buf *url)
{
	size_t n = strlen(c->set.server);

	while (n > 0 && c->set.server[n - 1] == '/')
		n--;
	mus_buf_add(url, c->set.server, n);
	mus_buf_printf(url, "/api/v1%s", path);
	return !url->failed;
}

static void
note_certificate(struct cli_client *cl)
{
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(cl->curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
	    info->num_of_certs < 1)
		return;
	for (struct curl_slist *s = info->certinfo[0]; s != NULL; s = s->next)
		if (strncasecmp(s->data, "Expire date:", 12) == 0)
			snprintf(cl->until, sizeof cl->until, "%s", s->data + 12);
}

const char *
cli_certificate_until(struct cli *c)
{
	return c->client != NULL ? c->client->until : "";
}

int
cli_try(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    const char *content_type, struct cli_answer *a, struct mus_errtext *et)
{
	struct curl_slist *headers = NULL;
	struct mus_buf url;
	CURLcode code;
	CURL *curl;
	int rc;

	*a = (struct cli_answer){.status = 0};
	mus_buf_init(&a->text, ANSWER_MAX);
	mus_buf_init(&url, 0);
	if ((rc = open_client(c, et)) < 0)
		return rc;
	curl = c->client->curl;
	if (!make_url(c, path, &url) || !make_headers(c, body != NULL ? content_type : NULL, NULL, &headers)) {
		rc = mus_errf(et, MUS_ERR_NOMEM, "out of memory");
		goto out;
	}
	set_common(c, curl, c->client->error, (const char *)url.data, headers);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	/* many zones in one request take their time, as does a probe */
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, strcmp(method, "POST") == 0 ? 10L * STALL_S : (long)STALL_S);
	if (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(body != NULL ? body->len : 0));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body != NULL ? (const char *)body->data : "");
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &a->text);
	if ((code = curl_easy_perform(curl)) != CURLE_OK) {
		rc = a->text.failed ? mus_errf(et, MUS_ERR_TOOBIG, "the answer is too large")
				    : error_of(code, c->client->error, c->set.server, et);
		goto out;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
	note_certificate(c->client);
	if (a->text.len > 0)
		a->json = json_loadb((const char *)a->text.data, a->text.len, JSON_REJECT_DUPLICATES, NULL);
out:
	free_headers(headers);
	mus_buf_clear(&url);
	return rc;
}

int
cli_exit_of(const struct cli_answer *a)
{
	const char *code = cli_str(a->json, "error.code");

	/* what others told the daemon, or did not: never to be taken for trouble with the daemon itself */
	if (code[0] != '\0' && (a->status == 502 || a->status == 504))
		return 75;
#define X(name, text, http, ex, retry)                                                             \
	if (strcasecmp(code, #name) == 0)                                                          \
		return ex;
	MUS_ERR_MAP(X)
#undef X
	switch (a->status) {
	case 401:
	case 403:
		return 77;
	case 404:
		return 66;
	case 409:
	case 412:
		return 75;
	case 405:
	case 415:
		return 76;
	default:
		return a->status >= 500 ? 69 : 65;
	}
}

/* Is ${name} a word of ${message}?  A zone has a dot behind it there. */
static bool
has_word(const char *message, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = message; n > 0 && (p = strstr(p, name)) != NULL; p++)
		if ((p == message || strchr(" \"", p[-1]) != NULL) && strchr(" .:,\"", p[n]) != NULL &&
		    (p[n] != '.' || strchr(" :,\"", p[n + 1]) != NULL))
			return true;
	return false;
}

/* Does the message itself say which object it is about? */
static bool
names_it(const struct cli *c, const char *message)
{
	const char *zone = cli_option(c, "zone");

	return (c->arg_count > 0 && has_word(message, c->arg[0])) || (zone != NULL && has_word(message, zone));
}

/* ${about}: what the daemon asked others about; "": nothing to add. */
static int
tell_refusal(struct cli *c, const char *about, const struct cli_answer *a)
{
	const char *message = cli_str(a->json, "error.message"), *field = cli_str(a->json, "error.field");
	char typed[CLI_TYPED_MAX];

	if (message[0] == '\0')
		return cli_fail(c, cli_exit_of(a), "%s answered %ld", c->set.server, a->status);
	if (field[0] != '\0')
		return cli_fail(c, cli_exit_of(a), "%s: %s", cli_typed(c, field, typed), message);
	return cli_fail(c, cli_exit_of(a), "%s%s%s", names_it(c, message) ? "" : about, message,
	    cli_advice(c, 0, a->status));
}

static int
call(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    const char *content_type, const char *about, struct cli_answer *a)
{
	struct mus_errtext et = {""};
	struct mus_time now;
	int rc;

	if ((rc = cli_try(c, method, path, body, content_type, a, &et)) < 0) {
		cli_answer_clear(a);
		return cli_fail(c, mus_err_exit(rc), "%s%s", et.s, cli_advice(c, rc, 0));
	}
	if (a->status < 200 || a->status > 299) {
		rc = tell_refusal(c, about, a);
		cli_answer_clear(a);
		return rc;
	}
	if (cli_time(a->json, "now", &now))
		c->clock_ahead_ms = (int)(now.ms - cli_now().ms);
	return 0;
}

int
cli_call_typed(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    const char *content_type, struct cli_answer *a)
{
	return call(c, method, path, body, content_type, "", a);
}

int
cli_call(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    struct cli_answer *a)
{
	return call(c, method, path, body, "application/json", "", a);
}

int
cli_call_about(struct cli *c, const char *method, const char *path, const struct mus_buf *body,
    const char *about, struct cli_answer *a)
{
	return call(c, method, path, body, "application/json", about, a);
}

/* --- paths --- */

static void
add_escaped(struct mus_buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char b = (unsigned char)*s;
		bool plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
		    strchr("-._~", b) != NULL;

		if (plain)
			mus_buf_add_u8(out, b);
		else
			mus_buf_printf(out, "%%%02X", b);
	}
}

const char *
cli_path(struct mus_buf *out, const char *fmt, ...)
{
	va_list ap;

	mus_buf_reset(out);
	va_start(ap, fmt);
	for (; *fmt != '\0'; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's') {
			add_escaped(out, va_arg(ap, const char *));
			fmt++;
		} else {
			mus_buf_add_u8(out, (uint8_t)*fmt);
		}
	}
	va_end(ap);
	return (const char *)out->data;
}

void
cli_query(struct mus_buf *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	mus_buf_add_u8(path, memchr(path->data, '?', path->len) != NULL ? '&' : '?');
	mus_buf_printf(path, "%s=", name);
	add_escaped(path, value);
}

int
cli_list(struct cli *c, const char *path, size_t max, json_t **out)
{
	json_t *all = json_array();
	char limit[24];
	struct mus_buf p;
	const char *next = NULL;
	struct cli_answer a = {.status = 0};
	int rc = 0;

	mus_buf_init(&p, 0);
	do {
		size_t left = max != 0 ? max - json_array_size(all) : 1000;

		mus_buf_reset(&p);
		mus_buf_add_str(&p, path);
		snprintf(limit, sizeof limit, "%zu", left < 1000 ? left : 1000);
		cli_query(&p, "limit", limit);
		cli_query(&p, "after", next);
		cli_answer_clear(&a);
		if ((rc = cli_call(c, "GET", (const char *)p.data, NULL, &a)) != 0)
			break;
		json_array_extend(all, json_object_get(a.json, "items"));
		next = json_string_value(json_object_get(a.json, "next"));
	} while (next != NULL && (max == 0 || json_array_size(all) < max));
	cli_answer_clear(&a);
	mus_buf_clear(&p);
	if (rc != 0) {
		json_decref(all);
		return rc;
	}
	*out = all;
	return 0;
}

/* --- event streams --- */

struct cli_feed {
	CURL *curl;
	CURLM *multi;
	struct curl_slist *headers;
	const char *server;
	char error[CURL_ERROR_SIZE];
	struct mus_buf line, data;
	char next_id[CLI_EVENT_ID_MAX];	/* of the event that is being read */
	char *id;			/* of the last one that was read to its end */
	cli_event_fn *fn;
	void *arg;
	bool stop;
	long status;
};

static void
end_line(struct cli_feed *r)
{
	const char *line = r->line.len > 0 ? (const char *)r->line.data : "";

	if (r->line.len == 0) {
		if (r->data.len > 0 && r->fn(r->arg, (const char *)r->data.data, r->data.len) != 0)
			r->stop = true;
		memcpy(r->id, r->next_id, CLI_EVENT_ID_MAX);
		mus_buf_reset(&r->data);
	} else if (strncmp(line, "data:", 5) == 0) {
		mus_buf_add_str(&r->data, line + (line[5] == ' ' ? 6 : 5));
	} else if (strncmp(line, "id:", 3) == 0) {
		snprintf(r->next_id, sizeof r->next_id, "%s", line + (line[3] == ' ' ? 4 : 3));
	}
	mus_buf_reset(&r->line);
}

static size_t
on_stream(char *p, size_t size, size_t n, void *arg)
{
	struct cli_feed *r = arg;

	(void)size;
	if (r->status == 0)
		curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &r->status);
	for (size_t i = 0; i < n && !r->stop; i++) {
		if (r->status == 200 && p[i] == '\n')
			end_line(r);
		else if (p[i] != '\r' && !mus_buf_add_u8(&r->line, (uint8_t)p[i]))
			return 0;
	}
	return r->stop ? 0 : n;
}

void
cli_feed_close(struct cli_feed *f)
{
	if (f == NULL)
		return;
	if (f->multi != NULL && f->curl != NULL)
		curl_multi_remove_handle(f->multi, f->curl);
	curl_easy_cleanup(f->curl);
	curl_multi_cleanup(f->multi);
	free_headers(f->headers);
	mus_buf_clear(&f->line);
	mus_buf_clear(&f->data);
	free(f);
}

int
cli_feed_open(struct cli *c, const char *path, char last_id[static CLI_EVENT_ID_MAX],
    cli_event_fn *fn, void *arg, struct cli_feed **out, struct mus_errtext *et)
{
	struct cli_feed *f;
	struct mus_buf url, extra;
	int rc;

	if ((rc = open_client(c, et)) < 0)
		return rc;
	if ((f = calloc(1, sizeof *f)) == NULL)
		return mus_errf(et, MUS_ERR_NOMEM, "out of memory");
	f->fn = fn;
	f->arg = arg;
	f->id = last_id;
	f->server = c->set.server;
	mus_buf_init(&url, 0);
	mus_buf_init(&extra, 0);
	mus_buf_init(&f->line, LINE_MAX_BYTES);
	mus_buf_init(&f->data, LINE_MAX_BYTES);
	memcpy(f->next_id, last_id, CLI_EVENT_ID_MAX);
	if (last_id[0] != '\0')
		mus_buf_printf(&extra, "Last-Event-ID: %s", last_id);
	if (!make_url(c, path, &url) ||
	    !make_headers(c, NULL, last_id[0] != '\0' ? (const char *)extra.data : NULL, &f->headers) ||
	    (f->curl = curl_easy_init()) == NULL || (f->multi = curl_multi_init()) == NULL) {
		rc = mus_errf(et, MUS_ERR_NOMEM, "out of memory");
		goto out;
	}
	set_common(c, f->curl, f->error, (const char *)url.data, f->headers);
	curl_easy_setopt(f->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(f->curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
	curl_easy_setopt(f->curl, CURLOPT_WRITEFUNCTION, on_stream);
	curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, f);
	if (curl_multi_add_handle(f->multi, f->curl) != CURLM_OK)
		rc = mus_errf(et, MUS_ERR_NOMEM, "out of memory");
out:
	mus_buf_clear(&url);
	mus_buf_clear(&extra);
	if (rc == 0)
		*out = f;
	else
		cli_feed_close(f);
	return rc;
}

bool
cli_feed_is_open(const struct cli_feed *f)
{
	return f->status == 200;
}

/* The stream is over: why. */
static int
feed_end(struct cli_feed *f, CURLcode code, struct mus_errtext *et)
{
	struct cli_answer a = {.status = 0};
	int rc;

	if (f->stop)
		return 1;
	if (code != CURLE_OK)
		return error_of(code, f->error, f->server, et);
	if (f->status == 0)
		curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &f->status);
	if (f->status == 200)
		return mus_errf(et, MUS_ERR_NET, "%s ended the stream", f->server);
	a.json = json_loadb((const char *)f->line.data, f->line.len, 0, NULL);
	rc = mus_errf(et,
	    f->status == 401 || f->status == 403	? MUS_ERR_DENIED
		: f->status >= 500 || f->status == 429	? MUS_ERR_REFUSED
							: MUS_ERR_INVAL,
	    "%s", cli_str(a.json, "error.message"));
	json_decref(a.json);
	return rc;
}

/* Works off what has come.  0: it goes on. */
static int
feed_work(struct cli_feed *f, struct mus_errtext *et)
{
	int running = 0, left = 0;
	const CURLMsg *m;

	if (curl_multi_perform(f->multi, &running) != CURLM_OK)
		return mus_errf(et, MUS_ERR_NET, "%s: the stream broke", f->server);
	m = curl_multi_info_read(f->multi, &left);
	return m != NULL && m->msg == CURLMSG_DONE ? feed_end(f, m->data.result, et) : 0;
}

int
cli_feed_step(struct cli_feed *f, int wait_ms, struct mus_errtext *et)
{
	int rc = feed_work(f, et);

	if (rc != 0)
		return rc;
	if (curl_multi_poll(f->multi, NULL, 0, wait_ms, NULL) != CURLM_OK)
		return mus_errf(et, MUS_ERR_NET, "%s: the stream broke", f->server);
	return feed_work(f, et);
}

int
cli_stream(struct cli *c, const char *path, char last_id[static CLI_EVENT_ID_MAX], bool *was_open,
    cli_event_fn *fn, void *arg, struct mus_errtext *et)
{
	struct cli_feed *f = NULL;
	int rc = cli_feed_open(c, path, last_id, fn, arg, &f, et);

	while (rc == 0)
		rc = cli_feed_step(f, 1000, et);
	*was_open = f != NULL && cli_feed_is_open(f);
	cli_feed_close(f);
	return rc == 1 ? 0 : rc;
}
