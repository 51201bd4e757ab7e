/*
 * JSON out: a streaming writer into a buffer, no tree in between.  Commas and escapes are its
 * business; a call out of place (a value without its name in an object, too deep) is a bug and
 * aborts.  Strings are UTF-8; bytes that are not are written as U+FFFD.
 *
 * A failed append is remembered by the buffer: look at buf->failed once at the end.
 */
#ifndef MUS_WIRE_JSON_H
#define MUS_WIRE_JSON_H

#include "base/buf.h"
#include "base/time.h"

enum { MUS_JSON_DEPTH_MAX = 24 };

struct mus_json {
	struct mus_buf *out;		/* borrowed */
	uint8_t depth;
	bool has_name;			/* a name was written, its value is due */
	bool is_done;			/* the outermost value is complete */
	struct {
		bool is_object, has_items;
	} level[MUS_JSON_DEPTH_MAX];
};

void mus_json_init(struct mus_json *j, struct mus_buf *out);
void mus_json_object(struct mus_json *j);
void mus_json_object_end(struct mus_json *j);
void mus_json_array(struct mus_json *j);
void mus_json_array_end(struct mus_json *j);
void mus_json_name(struct mus_json *j, const char *name);
void mus_json_str(struct mus_json *j, const char *s);		/* NULL: null */
void mus_json_str_len(struct mus_json *j, const char *s, size_t len);
void mus_json_int(struct mus_json *j, int64_t v);
void mus_json_uint(struct mus_json *j, uint64_t v);
void mus_json_bool(struct mus_json *j, bool v);
void mus_json_null(struct mus_json *j);
void mus_json_time(struct mus_json *j, struct mus_time t);	/* not set: null */
/* A text that is JSON already, as one value; the caller vouches for it. */
void mus_json_raw(struct mus_json *j, const char *text, size_t len);

#endif
