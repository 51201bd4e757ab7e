/*
 * token new: a token for the client, and the line for the daemon's file of tokens, which holds no
 * secret.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/token.h"

/* The file is ours alone, and an old one is not written over. */
static int
write_token(struct cli *c, const char *path, const char *token)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(token);
	bool ok;

	if (fd < 0 && errno == EEXIST)
		return cli_fail(c, 73, "%s is there already, and is not written over: --write to another file, or move "
		    "this one away first", path);
	if (fd < 0)
		return cli_fail(c, 73, "%s: %s", path, strerror(errno));
	ok = write(fd, token, len) == (ssize_t)len && write(fd, "\n", 1) == 1;
	if (close(fd) != 0 || !ok)
		return cli_fail(c, 74, "%s: %s", path, strerror(errno));
	return 0;
}

int
cmd_token_new(struct cli *c)
{
	const char *name = c->arg[0], *path = cli_option(c, "write");
	char token[MUS_TOKEN_TEXT_MAX], line[256];
	enum mus_role role;
	int rc = 0;

	if (!mus_token_name_ok(name))
		return cli_fail(c, 65, "\"%s\" is no name of a token: letters, digits and . _ @ -", name);
	if (!mus_role_parse(cli_option(c, "role"), &role))
		return cli_fail(c, EXIT_USAGE, "no such role");
	if (mus_token_make(token) < 0)
		return cli_fail(c, 71, "the system gives no random numbers");
	if (!mus_token_line(name, role, token, line, sizeof line))
		return cli_fail(c, 70, "the line does not fit");
	line[strcspn(line, "\n")] = '\0';
	if (path != NULL)
		rc = write_token(c, path, token);
	if (rc == 0 && c->format == CLI_JSON) {
		json_t *o = json_pack("{s:s, s:s, s:s}", "name", name, "role", mus_role_text(role), "line", line);

		if (path == NULL)
			json_object_set_new(o, "token", json_string(token));
		cli_print_json(o);
		json_decref(o);
	} else if (rc == 0) {
		if (path == NULL)
			printf("# the token, for the client's token file:\n%s\n"
			       "# the line for the daemon's file of tokens:\n",
			    token);
		puts(line);
	}
	explicit_bzero(token, sizeof token);
	return rc;
}
