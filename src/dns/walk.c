#include <string.h>

#include "dns/form.h"
#include "dns/walk.h"

static inline uint16_t
get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

bool
mus__walk_init(struct mus_walk *w, const uint8_t *wire, size_t len)
{
	if (len < MUS__HEADER_BYTES || len > MUS_MSG_MAX)
		return false;
	*w = (struct mus_walk){.wire = wire, .len = len, .off = MUS__HEADER_BYTES,
	    .id = get_u16(wire), .flags = get_u16(wire + 2)};
	for (int i = 0; i < 4; i++)
		w->count[i] = get_u16(wire + 4 + 2 * i);
	return true;
}

bool
mus__walk_name(const struct mus_walk *w, size_t *off, struct mus_name *out)
{
	size_t at = *off, len = 0, floor = at, behind = 0;

	for (;;) {
		uint8_t label;

		if (at >= w->len)
			return false;
		label = w->wire[at];
		if (label >= 0xc0) {
			if (w->len - at < 2)
				return false;
			if (behind == 0)
				behind = at + 2;
			/* Strictly backwards, so the walk ends. */
			at = (size_t)(label & 0x3f) << 8 | w->wire[at + 1];
			if (at >= floor || at < MUS__HEADER_BYTES)
				return false;
			floor = at;
			continue;
		}
		if (label > 63 || label >= w->len - at || len + label + 1 > MUS_NAME_MAX)
			return false;
		out->wire[len++] = label;
		at++;
		if (label == 0)
			break;
		for (; label > 0; label--, at++) {
			uint8_t c = w->wire[at];

			out->wire[len++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
		}
	}
	out->len = (uint8_t)len;
	*off = behind ? behind : at;
	return true;
}

bool
mus__walk_question(struct mus_walk *w, struct mus_name *qname, uint16_t *qtype, uint16_t *qclass)
{
	size_t off = w->off;

	if (!mus__walk_name(w, &off, qname) || w->len - off < 4)
		return false;
	*qtype = get_u16(w->wire + off);
	*qclass = get_u16(w->wire + off + 2);
	w->off = off + 4;
	return true;
}

bool
mus__walk_rr(struct mus_walk *w, struct mus_walk_rr *rr)
{
	size_t off = w->off;
	const uint8_t *p;

	if (!mus__walk_name(w, &off, &rr->owner) || w->len - off < 10)
		return false;
	p = w->wire + off;
	rr->start = w->off;
	rr->type = get_u16(p);
	rr->rclass = get_u16(p + 2);
	rr->ttl_s = (uint32_t)get_u16(p + 4) << 16 | get_u16(p + 6);
	rr->rd_len = get_u16(p + 8);
	rr->rd_off = off + 10;
	if (w->len - rr->rd_off < rr->rd_len)
		return false;
	w->off = rr->rd_off + rr->rd_len;
	return true;
}

bool
mus__walk_is_plain(const struct mus_walk_rr *rr)
{
	/* Empty rdata is what UPDATE writes with class ANY and NONE. */
	return !mus__form_is_canon(rr->type) || (rr->rd_len == 0 && rr->rclass >= MUS_CLASS_NONE);
}

long
mus__walk_rdata(const struct mus_walk *w, const struct mus_walk_rr *rr, uint8_t *out, size_t cap)
{
	size_t off = rr->rd_off, end = rr->rd_off + rr->rd_len, len = 0;
	const char *piece = mus__walk_is_plain(rr) ? "*" : mus__form_of(rr->type);
	/* A name must end inside its rdata. */
	struct mus_walk inner = *w;

	inner.len = end;
	for (; *piece != '\0'; piece++) {
		struct mus_name n;
		const uint8_t *src;
		long take;

		if (*piece == 'n') {
			if (!mus__walk_name(&inner, &off, &n))
				return -1;
			src = n.wire;
			take = n.len;
		} else {
			src = w->wire + off;
			if ((take = mus__form_piece(*piece, src, end - off)) < 0)
				return -1;
			off += (size_t)take;
		}
		if (len + (size_t)take > MUS_RDATA_MAX || len + (size_t)take > cap)
			return -1;
		memcpy(out + len, src, (size_t)take);
		len += (size_t)take;
	}
	return off == end ? (long)len : -1;
}
