#include "locked.h"

#include "store/store.h"

bool is_locked;

int __real_mus_store_begin(struct mus_store *s, struct mus_errtext *why);
int __wrap_mus_store_begin(struct mus_store *s, struct mus_errtext *why);

int
__wrap_mus_store_begin(struct mus_store *s, struct mus_errtext *why)
{
	return is_locked ? mus_errf(why, MUS_ERR_STORE, "the database is locked") : __real_mus_store_begin(s, why);
}
