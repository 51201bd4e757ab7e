/* Does on purpose what a sanitizer must end: the test is that this program fails. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	volatile int n = INT_MAX;
	char *volatile p = malloc(16);

	if (!p)
		return 0;
	if (strcmp(what, "overflow") == 0)
		n++;
	if (strcmp(what, "leak") == 0)
		p = NULL;
	free(p);
	if (strcmp(what, "freed") == 0)
		printf("%d\n", p[1]);
	return 0;
}
