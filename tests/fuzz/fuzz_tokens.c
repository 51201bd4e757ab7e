/* The file of tokens, and what a request says in its Authorization header. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/token.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mus_tokens *t = mus_tokens_new();
	struct mus_errtext et = {""};
	char path[64], text[2000];
	int fd = memfd_create("tokens", 0), rc;

	MUS_ASSERT(t && fd >= 0 && fchmod(fd, 0600) == 0);
	MUS_ASSERT(write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	rc = mus_tokens_load(t, path, &et);
	MUS_ASSERT(rc == 0 || (mus_tokens_count(t) == 0 && strstr(et.s, path) != NULL));
	for (size_t i = 0; i < mus_tokens_count(t); i++) {
		const struct mus_token *k = mus_tokens_at(t, i);

		fuzz_taken++;
		MUS_ASSERT(mus_token_name_ok(k->name));
		MUS_ASSERT(k->role > MUS_ROLE_NONE && k->role <= MUS_ROLE_ADMIN);
	}
	/* nobody knows the token whose hash a file may hold */
	MUS_ASSERT(!mus_tokens_find_bearer(t, fuzz_text_in(data, size, text, sizeof text)));
	mus_tokens_free(t);
	close(fd);
	return 0;
}
