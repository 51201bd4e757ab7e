#include "requests.h"

#include <string.h>

#include "base/text.h"

enum { SIGNERS_MAX = 8 };

void
request_open(struct cli *c, struct request *r, bool has_body)
{
	*r = (struct request){.has_body = has_body};
	c->origin_count = 0;
	mus_buf_init(&r->path, 0);
	mus_buf_init(&r->body, 0);
	mus_json_init(&r->json, &r->body);
	if (has_body)
		mus_json_object(&r->json);
}

const char *
request_path(const struct request *r)
{
	return (const char *)r->path.data;
}

const struct mus_buf *
request_body(struct request *r)
{
	if (!r->has_body)
		return NULL;
	if (!r->is_closed)
		mus_json_object_end(&r->json);
	r->is_closed = true;
	return &r->body;
}

void
request_clear(struct request *r)
{
	mus_buf_clear(&r->path);
	mus_buf_clear(&r->body);
}

/* --- which word leads to which field --- */

static void remember(struct cli *c, const char *option, const char *value, const char *fmt, ...)
    MUS_PRINTF(4, 5);

static void
remember(struct cli *c, const char *option, const char *value, const char *fmt, ...)
{
	struct cli_origin *o = &c->origin[c->origin_count];
	va_list ap;

	MUS_ASSERT(c->origin_count < CLI_ORIGINS_MAX);
	c->origin_count++;
	o->option = option;
	o->value = value;
	va_start(ap, fmt);
	vsnprintf(o->pointer, sizeof o->pointer, fmt, ap);
	va_end(ap);
}

/* The longest pointer that is ${field} or leads to it. */
static const struct cli_origin *
find_origin(const struct cli *c, const char *field)
{
	const struct cli_origin *best = NULL;

	for (unsigned i = 0; i < c->origin_count; i++) {
		const struct cli_origin *o = &c->origin[i];
		size_t n = strlen(o->pointer);

		if (strncmp(o->pointer, field, n) == 0 && (field[n] == '\0' || field[n] == '/') &&
		    (best == NULL || n > strlen(best->pointer)))
			best = o;
	}
	return best;
}

const char *
cli_typed(const struct cli *c, const char *field, char out[static CLI_TYPED_MAX])
{
	const struct cli_origin *o = c->format == CLI_JSON ? NULL : find_origin(c, field);
	const char *name = o != NULL && o->option != NULL ? o->option : NULL;

	/* a parameter of a query has the name of its option */
	for (const struct cli_word *w = c->command->options; c->format != CLI_JSON && w != NULL && w->name != NULL; w++)
		if (strcmp(w->name, field) == 0)
			name = w->name;
	snprintf(out, CLI_TYPED_MAX, "%s%s%s%s", name != NULL ? "--" : "",
	    name != NULL	? name
		: o != NULL	? c->command->args[o->arg].name
				: field,
	    o != NULL && o->value != NULL ? " " : "", o != NULL && o->value != NULL ? o->value : "");
	return out;
}

/* --- fields --- */

void
request_str(struct cli *c, struct request *r, const char *name, const char *option)
{
	const char *value = cli_option(c, option);

	remember(c, option, NULL, "/%s", name);
	if (value == NULL)
		return;
	mus_json_name(&r->json, name);
	mus_json_str(&r->json, value);
}

void
request_arg(struct cli *c, struct request *r, const char *name, unsigned idx)
{
	remember(c, NULL, c->arg[idx], "/%s", name);
	c->origin[c->origin_count - 1].arg = idx;
	mus_json_name(&r->json, name);
	mus_json_str(&r->json, c->arg[idx]);
}

void
request_kept(struct cli *c, const char *name)
{
	remember(c, NULL, c->arg[0], "/%s", name);
}

void
request_true(struct request *r, const char *name, bool given)
{
	if (!given)
		return;
	mus_json_name(&r->json, name);
	mus_json_bool(&r->json, true);
}

static int
put_span(struct cli *c, struct request *r, const char *name, const char *option, const char *value)
{
	int64_t ms;

	if (value == NULL)
		return 0;
	if (!mus_span_parse_ms(value, &ms) || ms < 0 || ms % 1000 != 0)
		return cli_fail(c, EXIT_USAGE, "--%s: \"%s\" is no span of whole seconds (30, 10s, 5m, 1h)",
		    option, value);
	mus_json_name(&r->json, name);
	mus_json_int(&r->json, ms / 1000);
	return 0;
}

int
request_span(struct cli *c, struct request *r, const char *name, const char *option)
{
	remember(c, option, NULL, "/%s", name);
	return put_span(c, r, name, option, cli_option(c, option));
}

int
request_number(struct cli *c, struct request *r, const char *name, const char *option)
{
	const char *value = cli_option(c, option);
	uint64_t v;

	remember(c, option, NULL, "/%s", name);
	if (value == NULL)
		return 0;
	if (!mus_parse_u64(value, INT64_MAX, &v))
		return cli_fail(c, EXIT_USAGE, "--%s: \"%s\" is no number", option, value);
	mus_json_name(&r->json, name);
	mus_json_uint(&r->json, v);
	return 0;
}

int
request_choice(struct cli *c, struct request *r, const char *name, const char *yes, const char *no)
{
	remember(c, cli_flag(c, no) ? no : yes, NULL, "/%s", name);
	if (cli_flag(c, yes) && cli_flag(c, no))
		return cli_fail(c, EXIT_USAGE, "--%s and --%s exclude each other", yes, no);
	if (cli_flag(c, yes) || cli_flag(c, no)) {
		mus_json_name(&r->json, name);
		mus_json_bool(&r->json, cli_flag(c, yes));
	}
	return 0;
}

void
request_list(struct cli *c, struct request *r, const char *name, const char *option)
{
	unsigned pos = 0, count = 0;
	const char *v;

	remember(c, option, NULL, "/%s", name);
	if (!cli_flag(c, option))
		return;
	mus_json_name(&r->json, name);
	mus_json_array(&r->json);
	while ((v = cli_option_next(c, option, &pos)) != NULL)
		if (*v != '\0') {
			remember(c, option, v, "/%s/%u", name, count++);
			mus_json_str(&r->json, v);
		}
	mus_json_array_end(&r->json);
}

/* ${ns}: "ns1.example=192.0.2.1,2001:db8::1", as one object of name_servers; ${value}: what was typed around it. */
static int
add_ns(struct cli *c, struct mus_json *j, const char *option, const char *value, const char *ns)
{
	size_t n = strcspn(ns, "=");

	/* a variable that was not set: no addresses are not the same as looking them up */
	if (ns[n] == '=' && (ns[n + 1] == '\0' || ns[n + 1] == ',' || strstr(ns + n, ",,") != NULL ||
	    ns[strlen(ns) - 1] == ','))
		return cli_fail(c, EXIT_USAGE, "--%s %s: an address is empty; without \"=\" they are looked up", option,
		    value);
	mus_json_object(j);
	mus_json_name(j, "name");
	mus_json_str_len(j, ns, n);
	if (ns[n] == '=') {
		mus_json_name(j, "addresses");
		mus_json_array(j);
		for (const char *p = ns + n + 1; *p != '\0';) {
			size_t len = strcspn(p, ",");

			mus_json_str_len(j, p, len);
			p += len + (p[len] == ',');
		}
		mus_json_array_end(j);
	}
	mus_json_object_end(j);
	return 0;
}

int
request_ns(struct cli *c, struct request *r)
{
	unsigned pos = 0, count = 0;
	const char *v;
	int rc = 0;

	remember(c, "ns", NULL, "/name_servers");
	if (!cli_flag(c, "ns"))
		return 0;
	mus_json_name(&r->json, "name_servers");
	mus_json_array(&r->json);
	while (rc == 0 && (v = cli_option_next(c, "ns", &pos)) != NULL) {
		remember(c, "ns", v, "/name_servers/%u", count++);
		rc = add_ns(c, &r->json, "ns", v, v);
	}
	mus_json_array_end(&r->json);
	return rc;
}

/* The value after "SIGNER:" when it is about ${signer}; NULL when not.  *n: length of the name. */
static const char *
after_signer(const char *value, const char *signer, size_t n)
{
	return strncmp(value, signer, n) == 0 && value[n] == ':' ? value + n + 1 : NULL;
}

/* Item ${idx} of the signers; ${option} with ${signer} named it first. */
static int
one_zone_signer(struct cli *c, struct request *r, unsigned idx, const char *option, const char *signer, size_t n)
{
	const char *v, *rest;
	unsigned pos = 0, count = 0;
	int rc = 0;

	remember(c, option, signer, "/signers/%u", idx);
	mus_json_object(&r->json);
	mus_json_name(&r->json, "signer");
	mus_json_str_len(&r->json, signer, n);
	while (rc == 0 && (v = cli_option_next(c, "signer-ns", &pos)) != NULL) {
		if ((rest = after_signer(v, signer, n)) == NULL)
			continue;
		if (count == 0) {
			mus_json_name(&r->json, "name_servers");
			mus_json_array(&r->json);
		}
		remember(c, "signer-ns", v, "/signers/%u/name_servers/%u", idx, count++);
		rc = add_ns(c, &r->json, "signer-ns", v, rest);
	}
	if (count > 0)
		mus_json_array_end(&r->json);
	for (pos = 0; (v = cli_option_next(c, "signer-key", &pos)) != NULL;)
		if ((rest = after_signer(v, signer, n)) != NULL) {
			remember(c, "signer-key", v, "/signers/%u/key_file", idx);
			mus_json_name(&r->json, "key_file");
			mus_json_str(&r->json, rest);
			break;
		}
	for (pos = 0; rc == 0 && (v = cli_option_next(c, "signer-max-ttl", &pos)) != NULL;)
		if ((rest = after_signer(v, signer, n)) != NULL) {
			remember(c, "signer-max-ttl", v, "/signers/%u/max_ttl_s", idx);
			rc = put_span(c, r, "max_ttl_s", "signer-max-ttl", rest);
			break;
		}
	mus_json_object_end(&r->json);
	return rc;
}

int
request_zone_signers(struct cli *c, struct request *r)
{
	static const char *const options[] = {"signer-ns", "signer-key", "signer-max-ttl"};
	const char *seen[SIGNERS_MAX], *by[SIGNERS_MAX];
	size_t len[SIGNERS_MAX], count = 0;
	int rc;

	for (unsigned o = 0; o < 3; o++) {
		unsigned pos = 0;
		const char *v;

		while ((v = cli_option_next(c, options[o], &pos)) != NULL) {
			size_t n = strcspn(v, ":"), i = 0;

			if (v[n] != ':' || n == 0)
				return cli_fail(c, EXIT_USAGE, "--%s: \"%s\" does not begin with SIGNER:",
				    options[o], v);
			while (i < count && (len[i] != n || strncmp(seen[i], v, n) != 0))
				i++;
			if (i < count)
				continue;
			if (count == SIGNERS_MAX)
				return cli_fail(c, EXIT_USAGE, "more than %d signers", SIGNERS_MAX);
			seen[count] = v;
			by[count] = options[o];
			len[count++] = n;
		}
	}
	if (count == 0)
		return 0;
	remember(c, by[0], NULL, "/signers");
	mus_json_name(&r->json, "signers");
	mus_json_array(&r->json);
	for (size_t i = 0; i < count; i++)
		if ((rc = one_zone_signer(c, r, (unsigned)i, by[i], seen[i], len[i])) != 0)
			return rc;
	mus_json_array_end(&r->json);
	return 0;
}
