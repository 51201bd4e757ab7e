/* Objects with every field set, and their comparison; a folder of one's own for each test. */
#ifndef TEST_STORE_FILL_H
#define TEST_STORE_FILL_H

#include "store/store.h"

void fill_signer(struct mus_signer_obj *o, const char *name);
void fill_group(struct mus_group_obj *o, const char *name, const int64_t *signer_id, unsigned count);
void fill_zone(struct mus_zone_obj *o, const char *name, int64_t group_id, const int64_t *signer_id,
    unsigned signer_count);
void fill_ns(struct mus_ns_obj *ns, const char *name, unsigned addr_count);

/* "" or the name of the first field that differs. */
const char *diff_signer(const struct mus_signer_obj *a, const struct mus_signer_obj *b);
const char *diff_group(const struct mus_group_obj *a, const struct mus_group_obj *b);
const char *diff_zone(const struct mus_zone_obj *a, const struct mus_zone_obj *b);

/* A new folder under $TMPDIR; and away with it and all in it. */
void folder_make(char out[static 256]);
void folder_remove(const char *path);

#endif
