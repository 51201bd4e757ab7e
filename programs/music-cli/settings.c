/*
 * Where the daemon is and who we are to it: options, then environment, then the file, then
 * defaults.  The token comes from a file, never from a word.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/conf.h"

struct cli_conf {
	const char *server, *cacert, *pin, *token_file, *cert, *key;
};

static const struct mus_conf_row rows[] = {
    {MUS_CONF_STRING(struct cli_conf, server, "server"), .help = "URL of the daemon."},
    {MUS_CONF_PATH(struct cli_conf, cacert, "cacert"),
	.help = "File of certificates to trust: of the CA, or the daemon's own."},
    {MUS_CONF_STRING(struct cli_conf, pin, "pin"),
	.help = "Public key of the daemon, sha256//BASE64, checked besides its certificate."},
    {MUS_CONF_PATH(struct cli_conf, token_file, "token-file"),
	.help = "File whose first line is the token."},
    {MUS_CONF_PATH(struct cli_conf, cert, "cert"),
	.help = "Certificate to show to the daemon, where it asks for one (PEM)."},
    {MUS_CONF_PATH(struct cli_conf, key, "key"), .help = "Its private key (PEM)."},
    MUS_CONF_END,
};
static const struct mus_conf_schema schema = {
    .program = "music-cli", .size = sizeof(struct cli_conf), .rows = rows};

/* The file to read; *must: it was named, so it has to be there. */
static const char *
settings_file(struct cli *c, bool *must)
{
	const char *given = cli_option(c, "config"), *base = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME");

	*must = true;
	if (given != NULL)
		return given;
	if ((given = getenv("MUSIC_CLI_CONFIG")) != NULL && *given != '\0')
		return given;
	*must = false;
	if (base != NULL && *base != '\0')
		snprintf(c->set.path, sizeof c->set.path, "%s/music/cli.yaml", base);
	else if (home != NULL && *home != '\0')
		snprintf(c->set.path, sizeof c->set.path, "%s/.config/music/cli.yaml", home);
	else
		return NULL;
	return access(c->set.path, F_OK) == 0 ? c->set.path : NULL;
}

static const char *
pick(const struct cli *c, const char *option, const char *env, const char *conf, const char **from)
{
	const char *v;

	if ((v = cli_option(c, option)) != NULL) {
		*from = "the option";
		return v;
	}
	if ((v = getenv(env)) != NULL && *v != '\0') {
		*from = env;
		return v;
	}
	*from = c->set.file;
	return conf;
}

/*
 * https://HOST[:PORT] and nothing else: musicd speaks no plain HTTP, and what stands before an @ is
 * no host, so that the token would go somewhere else than it seems.
 */
static bool
is_good_server(const char *url)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
	const char *host = url + 8;
	size_t n, digits;

	if (strncmp(url, "https://", 8) != 0)
		return false;
	if (host[0] == '[') {
		n = strspn(++host, "0123456789abcdefABCDEF:.");
		if (n == 0 || host[n++] != ']')
			return false;
	} else if ((n = strspn(host, letters)) == 0) {
		return false;
	}
	host += n;
	if (*host == ':') {
		digits = strspn(++host, "0123456789");
		if (digits == 0 || digits > 5)
			return false;
		host += digits;
	}
	return host[0] == '\0' || strcmp(host, "/") == 0;
}

int
cli_settings_load(struct cli *c)
{
	struct cli_conf none = {NULL};
	const struct cli_conf *conf = &none;
	struct mus_errtext et = {""};
	const char *from;
	bool must;
	int rc;

	c->set.file = settings_file(c, &must);
	if (c->set.file != NULL) {
		if ((rc = mus_conf_load(&schema, c->set.file, &c->set.conf, &et)) < 0)
			return cli_fail(c, must || rc == MUS_ERR_SYNTAX ? 78 : mus_err_exit(rc), "%s", et.s);
		conf = mus_conf_get(c->set.conf);
	}
	c->set.server = pick(c, "server", "MUSIC_SERVER", conf->server, &c->set.server_from);
	c->set.cacert = pick(c, "cacert", "MUSIC_CACERT", conf->cacert, &from);
	c->set.pin = pick(c, "pin", "MUSIC_PIN", conf->pin, &from);
	c->set.token_file = pick(c, "token-file", "MUSIC_TOKEN_FILE", conf->token_file, &c->set.token_from);
	c->set.cert = pick(c, "cert", "MUSIC_CERT", conf->cert, &from);
	c->set.key = pick(c, "key", "MUSIC_KEY", conf->key, &from);
	if (c->set.server == NULL) {
		c->set.server = "https://127.0.0.1:8053";
		c->set.server_from = "default";
	}
	if (!is_good_server(c->set.server))
		return cli_fail(c, 78, "%s: the server must be https://HOST or https://HOST:PORT",
		    c->set.server);
	if (c->set.pin != NULL && strncmp(c->set.pin, "sha256//", 8) != 0)
		return cli_fail(c, 78, "the pin must be sha256//BASE64");
	if ((c->set.cert != NULL) != (c->set.key != NULL))
		return cli_fail(c, 78, "--cert and --key are given together");
	return 0;
}
