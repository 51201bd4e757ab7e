/* A configuration file with a row of every kind that needs no other file. */
#include "app/conf.h"
#include "fuzz.h"

struct item {
	struct mus_name name;
	int64_t retry_s;
};
struct conf {
	const char *text;
	struct mus_conf_addrs listen;
	struct mus_conf_names names;
	struct mus_conf_strings words;
	int64_t number, size, wait_ms;
	bool on;
	int kind;
	MUS_CONF_LIST_OF(struct item) items;
};

static const char *const kinds[] = {"one", "two", NULL};
static const struct mus_conf_row item_rows[] = {
	{MUS_CONF_NAME(struct item, name, "name"), .required = true, .help = "A name."},
	{MUS_CONF_SPAN_S(struct item, retry_s, "retry"), .def = "1m", .help = "A span."},
	MUS_CONF_END,
};
static const struct mus_conf_row rows[] = {
	{MUS_CONF_STRING(struct conf, text, "text"), .def = "x", .help = "A text."},
	{MUS_CONF_ADDRS(struct conf, listen, "net.listen"), .port = 53, .def = "127.0.0.1",
	    .help = "Addresses."},
	{MUS_CONF_NAMES(struct conf, names, "net.names"), .help = "Names."},
	{MUS_CONF_STRINGS(struct conf, words, "net.words"), .help = "Words."},
	{MUS_CONF_INT(struct conf, number, "number"), .def = "1", .help = "A number."},
	{MUS_CONF_SIZE(struct conf, size, "size"), .def = "1k", .help = "A size."},
	{MUS_CONF_SPAN_MS(struct conf, wait_ms, "wait"), .def = "1s", .help = "A span."},
	{MUS_CONF_BOOL(struct conf, on, "on"), .def = "no", .help = "A switch."},
	{MUS_CONF_ENUM(struct conf, kind, "kind", kinds), .def = "one", .help = "A choice."},
	{MUS_CONF_SECTIONS(struct conf, items, "items", item_rows), .unique = "name",
	    .help = "A list."},
	MUS_CONF_END,
};
static const struct mus_conf_schema schema = {"fuzz", sizeof(struct conf), rows, NULL};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct mus_conf *c = NULL;
	struct mus_errtext et;

	if (mus_conf_parse(&schema, "fuzz.yaml", "/", data, len, &c, &et) == 0) {
		fuzz_taken++;
		mus_conf_free(c);
	}
	return 0;
}
