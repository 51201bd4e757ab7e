/* Runs a fuzz target over the files of the folders given: the corpus as a test, with any compiler. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static int
run_file(const char *dir, const char *file)
{
	char path[1024];
	uint8_t *data = NULL;
	FILE *f = NULL;
	size_t len;
	int rc = -1;

	(void)snprintf(path, sizeof path, "%s/%s", dir, file);
	if ((f = fopen(path, "rb")) == NULL || (data = malloc(INPUT_MAX)) == NULL) {
		perror(path);
		goto out;
	}
	len = fread(data, 1, INPUT_MAX, f);
	rc = LLVMFuzzerTestOneInput(data, len);
out:
	if (f)
		fclose(f);
	free(data);
	return rc;
}

int
main(int argc, char **argv)
{
	int files = 0;

	for (int i = 1; i < argc; i++) {
		struct dirent *e;
		DIR *d = opendir(argv[i]);

		if (!d) {
			perror(argv[i]);
			return 1;
		}
		while ((e = readdir(d)) != NULL) {
			if (e->d_name[0] == '.')
				continue;
			if (run_file(argv[i], e->d_name) < 0)
				return 1;
			files++;
		}
		closedir(d);
	}
	printf("%d inputs, %u taken\n", files, fuzz_taken);
	return fuzz_taken == 0;
}
