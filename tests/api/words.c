/* Weak: model/text.c takes their place when it is linked. */
#include <stdio.h>

#include "model/text.h"

__attribute__((weak)) const char *
mus_witness_text(const struct mus_book *b, const struct mus_zone *z, const struct mus_witness *w,
    char out[static MUS_TEXT_MAX])
{
	(void)b;
	(void)z;
	snprintf(out, MUS_TEXT_MAX, "%s: it is so", mus_rule_text(w->rule));
	return out;
}

__attribute__((weak)) const char *
mus_act_text(const struct mus_book *b, const struct mus_zone *z, const struct mus_act *a,
    char out[static MUS_TEXT_MAX])
{
	(void)z;
	snprintf(out, MUS_TEXT_MAX, "%s: add DNSKEY", b->signer[a->signer]);
	return out;
}

__attribute__((weak)) const char *
mus_server_text(const struct mus_book *b, const struct mus_zone *z, unsigned server,
    char out[static MUS_TEXT_MAX])
{
	(void)b;
	(void)z;
	snprintf(out, MUS_TEXT_MAX, "server %u", server);
	return out;
}
