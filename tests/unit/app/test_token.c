#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "app/token.h"

#include "temp.h"

/* SHA-256 of "abc" and of "abd". */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABD "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"

static struct temp tmp;

static int
set_up(void **state)
{
	(void)state;
	return temp_open(&tmp);
}

static int
tear_down(void **state)
{
	(void)state;
	temp_close(&tmp);
	return 0;
}

static void
test_roles(void **state)
{
	enum mus_role r = MUS_ROLE_NONE;

	(void)state;
	assert_true(MUS_ROLE_NONE < MUS_ROLE_READ && MUS_ROLE_READ < MUS_ROLE_OPERATE &&
	    MUS_ROLE_OPERATE < MUS_ROLE_ADMIN);
	assert_true(mus_role_parse("read", &r) && r == MUS_ROLE_READ);
	assert_true(mus_role_parse("operate", &r) && r == MUS_ROLE_OPERATE);
	assert_true(mus_role_parse("admin", &r) && r == MUS_ROLE_ADMIN);
	assert_false(mus_role_parse("none", &r) || mus_role_parse("Admin", &r) || mus_role_parse("", &r));
	assert_string_equal(mus_role_text(MUS_ROLE_ADMIN), "admin");
	assert_string_equal(mus_role_text(MUS_ROLE_NONE), "none");
}

static void
test_make(void **state)
{
	char a[MUS_TOKEN_TEXT_MAX], b[MUS_TOKEN_TEXT_MAX];
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		assert_int_equal(mus_token_make(a), 0);
		assert_int_equal(mus_token_make(b), 0);
		assert_int_equal(strlen(a), 43);
		assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
		assert_string_not_equal(a, b);
	}
}

static void
test_line(void **state)
{
	char line[200];

	(void)state;
	assert_true(mus_token_line("ops", MUS_ROLE_OPERATE, "abc", line, sizeof line));
	assert_string_equal(line, "ops operate " ABC "\n");
	assert_true(mus_token_line("ops", MUS_ROLE_OPERATE, "abc", line, strlen(line) + 1));
	assert_false(mus_token_line("ops", MUS_ROLE_OPERATE, "abc", line, strlen(line)));
}

static void
test_file(void **state)
{
	static const char many[] =
	    "# who may do what\n"
	    "\n"
	    "eyes read " ABC "  # a monitor\n"
	    "\t ops\toperate  " ABD "\r\n"
	    "x.y_z@a-b admin 0000000000000000000000000000000000000000000000000000000000000000";
	struct mus_tokens *t = mus_tokens_new();
	struct mus_errtext et = {""};
	const struct mus_token *k;

	(void)state;
	assert_int_equal(mus_tokens_load(t, temp_write(&tmp, "t", many, 0600), &et), 0);
	assert_int_equal(mus_tokens_count(t), 3);
	assert_non_null(k = mus_tokens_find(t, "abc"));
	assert_string_equal(k->name, "eyes");
	assert_int_equal(k->role, MUS_ROLE_READ);
	assert_non_null(k = mus_tokens_find(t, "abd"));
	assert_string_equal(k->name, "ops");
	assert_int_equal(k->role, MUS_ROLE_OPERATE);
	assert_null(mus_tokens_find(t, "abe"));
	assert_null(mus_tokens_find(t, ""));
	assert_null(mus_tokens_find(t, ABC));		/* the hash opens nothing */
	assert_string_equal(mus_tokens_at(t, 2)->name, "x.y_z@a-b");
	mus_tokens_free(t);
	mus_tokens_free(NULL);
}

static void
test_file_errors(void **state)
{
	static const struct {
		const char *text, *words;
	} t[] = {
		{"a read\n", ":1: wants: name role sha256hex"},
		{"a\n", ":1: wants: name role sha256hex"},
		{"\n#\na read " ABC " more\n", ":3: wants: name role sha256hex"},
		{"a write " ABC "\n", ":1: the role of a is none of read, operate, admin"},
		{"a read abcd\n", ":1: the hash of a is no SHA-256 in hex"},
		{"a read " ABC "00\n", ":1: the hash of a is no SHA-256 in hex"},
		{"a read secret\n", ":1: the hash of a is no SHA-256 in hex"},
		{"a read " ABC "\na admin " ABD "\n", ":2: token name a was given already"},
		{"a read " ABC "\nb admin " ABC "\n", ":2: token b is the same as a"},
		{"a/b read " ABC "\n", ":1: a token's name has 1 to 63 letters, digits or ._@-"},
		{"a234567890123456789012345678901234567890123456789012345678901234 read " ABC "\n",
		    ":1: a token's name has 1 to 63 letters, digits or ._@-"},
	};
	struct mus_tokens *all = mus_tokens_new();
	uint8_t hash[MUS_TOKEN_HASH_LEN] = {1};
	struct mus_errtext et;
	char want[600];
	size_t i;

	(void)state;
	assert_int_equal(mus_tokens_add(all, "there", MUS_ROLE_READ, hash, &et), 0);
	for (i = 0; i < sizeof t / sizeof *t; i++) {
		const char *path = temp_write(&tmp, "bad", t[i].text, 0600);

		assert_int_equal(mus_tokens_load(all, path, &et), MUS_ERR_SYNTAX);
		snprintf(want, sizeof want, "%s%s", path, t[i].words);
		assert_string_equal(et.s, want);
		assert_int_equal(mus_tokens_count(all), 1);
	}
	assert_int_equal(
	    mus_tokens_load(all, temp_write(&tmp, "wide", "a read " ABC "\n", 0644), &et), MUS_ERR_INVAL);
	assert_non_null(strstr(et.s, "/wide: holds a secret and everybody may use it (mode 0644)"));
	assert_int_equal(mus_tokens_load(all, temp_write(&tmp, "group", "", 0640), &et), 0);
	assert_int_equal(mus_tokens_load(all, temp_path(&tmp, "none"), &et), MUS_ERR_NOTFOUND);
	assert_int_equal(mus_tokens_add(all, "x", MUS_ROLE_NONE, (uint8_t[32]){2}, &et), MUS_ERR_INVAL);
	assert_int_equal(mus_tokens_add(all, "x", 9, (uint8_t[32]){2}, &et), MUS_ERR_INVAL);
	mus_tokens_free(all);
}

static void
test_bearer(void **state)
{
	static const struct {
		const char *header;
		bool found;
	} h[] = {
		{"Bearer abc", true},
		{"bearer  abc", true},
		{"Bearer abcd", false},
		{"Bearer abc ", false},
		{"Bearer ab", false},
		{"Bearer", false},
		{"Bearer ", false},
		{"Basic abc", false},
		{"abc", false},
		{"", false},
		{NULL, false},
	};
	struct mus_tokens *t = mus_tokens_new();
	uint8_t hash[MUS_TOKEN_HASH_LEN];
	size_t i;

	(void)state;
	mus_token_hash("abc", hash);
	assert_int_equal(mus_tokens_add(t, "ops", MUS_ROLE_ADMIN, hash, NULL), 0);
	for (i = 0; i < sizeof h / sizeof *h; i++)
		assert_int_equal(mus_tokens_find_bearer(t, h[i].header) != NULL, h[i].found);
	mus_tokens_free(t);
}

static void
test_many(void **state)
{
	struct mus_tokens *t = mus_tokens_new();
	uint8_t hash[MUS_TOKEN_HASH_LEN];
	char text[20];
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof text, "t%d", i);
		mus_token_hash(text, hash);
		assert_int_equal(mus_tokens_add(t, text, MUS_ROLE_READ, hash, NULL), 0);
	}
	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof text, "t%d", i);
		assert_string_equal(mus_tokens_find(t, text)->name, text);
	}
	mus_tokens_free(t);
}

/* A zero byte hides nothing behind it. */
static void
test_zero_byte(void **state)
{
	static const char text[] = "a read " ABC "\n\0b admin " ABD "\n";
	struct mus_tokens *t = mus_tokens_new();
	FILE *f = fopen(temp_path(&tmp, "zero"), "w");
	struct mus_errtext et;

	(void)state;
	assert_int_equal(fwrite(text, 1, sizeof text - 1, f), sizeof text - 1);
	fclose(f);
	assert_int_equal(chmod(tmp.path, 0600), 0);
	assert_int_equal(mus_tokens_load(t, tmp.path, &et), MUS_ERR_SYNTAX);
	assert_non_null(strstr(et.s, "zero: a zero byte in the file"));
	mus_tokens_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_bearer),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_zero_byte),
	};

	return cmocka_run_group_tests_name("app/token", tests, set_up, tear_down);
}
