/*
 * Writes the first corpus of fuzz_zonestate, anew whenever the version of the codec changes: states of small
 * worlds (tests/lib/world.h) as the store would have them.  One in each row of ADD-SIGNER and REMOVE-SIGNER,
 * idle ones before and after, with lost questions, with many signers and servers, and what is rare, by hand.
 *
 *   build/tests/fuzz/make_zonestate tests/fuzz/corpus/zonestate
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/rows.h"
#include "model/codec.h"
#include "model/text.h"
#include "world.h"

enum { ROWS_MAX = 32, DAY_S = 86400, KEY_LEN = 68 };

static struct world w;
static const char *dir;
static bool has_row[MUS_PROC_COUNT][ROWS_MAX];

static void
put(const char *name)
{
	char path[1024];
	struct mus_buf b;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	mus_buf_init(&b, 0);
	f = fopen(path, "wb");
	if (!f || !mus_zonestate_encode(&w.state, &b) || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
	mus_buf_clear(&b);
}

/* The names behind the indexes, which the world does without, and keys of their usual length. */
static void
fill_book(void)
{
	static const char *const names[] = {"bind", "knot", "pdns", "one", "two", "three", "four", "five"};
	struct mus_book *b = &w.state.book;
	struct mus_zone *z = &w.state.zone;
	char text[64];

	b->zone_id = 7;
	(void)mus_strcpy(b->zone, sizeof b->zone, "example.org.");
	(void)mus_strcpy(b->parent, sizeof b->parent, "org.");
	for (unsigned s = 0; s < z->signer_count; s++) {
		b->signer_id[s] = s + 1;
		(void)mus_strcpy(b->signer[s], sizeof b->signer[s], names[s]);
	}
	for (unsigned i = 0; i < z->ns_count; i++)
		(void)snprintf(b->ns[i], sizeof b->ns[i], "ns%u.%s.example.", i,
		    z->ns[i].owner < z->signer_count ? names[z->ns[i].owner] : "any");
	for (unsigned i = 0; i < z->server_count; i++) {
		(void)snprintf(text, sizeof text, i % 3 == 2 ? "2001:db8::%x" : "192.0.2.%u", i + 1);
		MUS_ASSERT(mus_addr_parse(text, i % 5 == 4 ? 5353 : 53, &b->addr[i]));
	}
	for (unsigned k = 0; k < z->key_count; k++) {
		free(b->key[k].rdata);
		MUS_ASSERT((b->key[k].rdata = calloc(1, KEY_LEN)) != NULL);
		memcpy(b->key[k].rdata, (const uint8_t[]){1, z->key[k].is_sep, 3, z->key[k].alg, (uint8_t)k}, 5);
		b->key[k].len = KEY_LEN;
	}
}

static void
note(struct world *v)
{
	const struct mus_proc *p = &v->state.want.proc;
	char name[64];

	if (p->kind == MUS_PROC_NONE || p->row >= ROWS_MAX || has_row[p->kind][p->row])
		return;
	has_row[p->kind][p->row] = true;
	(void)snprintf(name, sizeof name, "%s-%02u", p->kind == MUS_PROC_ADD ? "add" : "remove", p->row);
	put(name);
}

static void
begin(unsigned signers, unsigned members, unsigned servers)
{
	world_free(&w);
	world_init(&w, signers, members, servers);
	fill_book();
}

static void
settle(void)
{
	MUS_ASSERT(world_run(&w, world_is_settled, 60 * DAY_S));
}

/* Knot joins, then BIND leaves. */
static void
a_move(void)
{
	begin(2, 1, 1);
	put("new");
	settle();
	put("idle");
	w.on_round = note;
	world_member(&w, 1, true);
	settle();
	put("joined");
	world_member(&w, 0, false);
	settle();
	put("moved");
}

/* So many that every name has its bit, half of the questions in vain, and keys that come and go. */
static void
many(void)
{
	begin(MUS_SIGNERS_MAX, MUS_SIGNERS_MAX - 1, MUS_NSNAMES_MAX / MUS_SIGNERS_MAX);
	w.signer[0].own_cds_dts = 1 << 1 | 1 << 2;
	settle();
	put("many");
	w.lose_look = w.lose_command = 500;
	world_member(&w, MUS_SIGNERS_MAX - 1, true);
	for (unsigned i = 0; i < 8; i++) {
		unsigned key = world_add_key(&w, 0, i % 2 == 0);

		world_round(&w);
		world_advance(&w, mus_time_add_s(w.now, 600));
		world_drop_key(&w, 0, key);
		world_round(&w);
	}
	put("in-vain");
}

/* What no world shows. */
static void
rare(void)
{
	struct mus_zonestate *st = &w.state;
	struct mus_version *v;

	begin(3, 2, 2);
	settle();
	v = &st->seen.signer[0][MUS_RR_SOA].v[0];
	v->sig[0] = (struct mus_sig){.key = MUS_KEY_NONE, .alg = 15, .tag = 4711, .from_s = 1, .until_s = 2};
	v->sig_count = 1;
	v->flags = MUS_VER_BADSIG;
	v->stray = 255;
	st->seen.signer[1][MUS_RR_NAME].overflow = true;
	st->seen.signer[1][MUS_RR_NAME].overflow_until = w.now;
	st->seen.copy[1] = (struct mus_copy){.known = true, .declared = true, .ttl_max_s = 3600, .at = w.now};
	st->zone.signer[2].is_lost = true;
	st->zone.signer[2].declared_max_ttl_s = DAY_S;
	st->zone.key[0].gone_at = w.now;
	st->zone.key[0].is_revoked = true;
	st->zone.ns[0].in_domain = true;
	st->zone.server[0].origin = MUS_NOBODY;
	st->seen.server[1].led_until = w.now;
	put("rare");
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_zonestate FOLDER\n");
		return 2;
	}
	dir = argv[1];
	a_move();
	many();
	rare();
	world_free(&w);
	return 0;
}
