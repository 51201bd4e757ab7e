/* Key files. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dns/tsig.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mus_tsig_key *k = NULL;
	struct mus_errtext et = {0};
	char path[64];
	int fd = memfd_create("key", 0), rc;

	MUS_ASSERT(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	rc = mus_tsig_key_load(path, &k, &et);
	MUS_ASSERT((rc == 0) == (k != NULL));
	MUS_ASSERT(rc == 0 || strstr(et.s, path) != NULL);
	fuzz_taken += rc == 0;
	mus_tsig_key_free(k);
	close(fd);
	return 0;
}
