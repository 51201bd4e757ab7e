#include <string.h>

#include "dns/form.h"

/*
 * n: a name; digits: so many bytes; S: the 20 bytes of SOA; R: the 18 bytes in front of a signer;
 * F: 16 bytes; s: a string with its length in a byte; f: the same, not empty; t: one or more strings;
 * b: type bitmaps; v: SVCB parameters; x: the rest, not empty; *: the rest.
 */
static const struct form {
	uint16_t type;
	const char *pieces;
	bool is_canon;
} forms[] = {
	{1, "4", false},		/* A */
	{2, "n", true}, {3, "n", true}, {4, "n", true}, {5, "n", true},	/* NS MD MF CNAME */
	{6, "nnS", true},		/* SOA */
	{7, "n", true}, {8, "n", true}, {9, "n", true}, {12, "n", true}, /* MB MG MR PTR */
	{13, "ss", false},		/* HINFO */
	{14, "nn", true},		/* MINFO */
	{15, "2n", true},		/* MX */
	{16, "t", false},		/* TXT */
	{17, "nn", true}, {18, "2n", true}, {21, "2n", true},		/* RP AFSDB RT */
	{24, "Rnx", true},		/* SIG */
	{25, "4x", false},		/* KEY */
	{26, "2nn", true},		/* PX */
	{28, "F", false},		/* AAAA */
	{30, "n*", true},		/* NXT */
	{33, "6n", true},		/* SRV */
	{35, "4sssn", true},		/* NAPTR */
	{36, "2n", true},		/* KX */
	{39, "n", true},		/* DNAME */
	{43, "4x", false},		/* DS */
	{44, "2x", false},		/* SSHFP */
	{46, "Rnx", true},		/* RRSIG */
	{47, "nb", false},		/* NSEC */
	{48, "4x", false},		/* DNSKEY */
	{49, "x", false},		/* DHCID */
	{50, "4sfb", false},		/* NSEC3 */
	{51, "4s", false},		/* NSEC3PARAM */
	{52, "3x", false}, {53, "3x", false},				/* TLSA SMIMEA */
	{59, "4x", false}, {60, "4x", false},				/* CDS CDNSKEY */
	{61, "x", false},		/* OPENPGPKEY */
	{62, "6b", false},		/* CSYNC */
	{63, "6x", false},		/* ZONEMD */
	{64, "2nv", false}, {65, "2nv", false},				/* SVCB HTTPS */
	{99, "t", false},		/* SPF */
	{108, "6", false}, {109, "8", false},				/* EUI48 EUI64 */
	{256, "4x", false},		/* URI */
	{257, "1f*", false},		/* CAA */
};

static const struct form *
find(uint16_t type)
{
	size_t lo = 0, hi = sizeof forms / sizeof forms[0];

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (forms[mid].type == type)
			return &forms[mid];
		if (forms[mid].type < type)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *
mus__form_of(uint16_t type)
{
	const struct form *f = find(type);

	return f ? f->pieces : NULL;
}

bool
mus__form_is_canon(uint16_t type)
{
	const struct form *f = find(type);

	return f && f->is_canon;
}

/* Strings to the end, at least one. */
static bool
are_strings(const uint8_t *p, size_t left)
{
	if (left == 0)
		return false;
	while (left > 0) {
		size_t n = p[0] + 1u;

		if (n > left)
			return false;
		p += n;
		left -= n;
	}
	return true;
}

/* RFC 4034 4.1.2: windows in rising order, each of 1 to 32 bytes.  None at all is an empty
 * non-terminal of NSEC3. */
static bool
are_bitmaps(const uint8_t *p, size_t left)
{
	int before = -1;

	while (left > 0) {
		size_t n;

		if (left < 3 || p[0] <= before || p[1] == 0 || p[1] > 32)
			return false;
		before = p[0];
		n = 2u + p[1];
		if (n > left)
			return false;
		p += n;
		left -= n;
	}
	return true;
}

/* RFC 9460 7: the value of a key that libknot prints in its own way. */
static bool
is_svcb_value(unsigned key, const uint8_t *p, size_t len)
{
	switch (key) {
	case 0:
		return len > 0 && len % 2 == 0;		/* mandatory */
	case 1:
		return are_strings(p, len);		/* alpn */
	case 2:
		return len == 0;			/* no-default-alpn */
	case 3:
		return len == 2;			/* port */
	case 4:
		return len > 0 && len % 4 == 0;		/* ipv4hint */
	case 5:
		return len > 0;				/* ech */
	case 6:
		return len > 0 && len % 16 == 0;	/* ipv6hint */
	default:
		return true;
	}
}

static bool
are_svcb_params(const uint8_t *p, size_t left)
{
	int before = -1;

	while (left > 0) {
		size_t n;
		int key;

		if (left < 4)
			return false;
		key = p[0] << 8 | p[1];
		n = (size_t)(p[2] << 8 | p[3]);
		if (key <= before || n > left - 4 || !is_svcb_value((unsigned)key, p + 4, n))
			return false;
		before = key;
		p += 4 + n;
		left -= 4 + n;
	}
	return true;
}

long
mus__form_piece(char piece, const uint8_t *p, size_t left)
{
	size_t n = left;
	bool ok = true;

	switch (piece) {
	case 'S':
		n = 20;
		break;
	case 'R':
		n = 18;
		break;
	case 'F':
		n = 16;
		break;
	case 's': case 'f':
		n = left > 0 ? p[0] + 1u : 1;
		ok = piece == 's' || n > 1;
		break;
	case 't':
		ok = are_strings(p, left);
		break;
	case 'b':
		ok = are_bitmaps(p, left);
		break;
	case 'v':
		ok = are_svcb_params(p, left);
		break;
	case 'x':
		ok = left > 0;
		break;
	case '*':
		break;
	default:
		n = (size_t)(piece - '0');
	}
	return ok && n <= left ? (long)n : -1;
}

bool
mus__form_fits(uint16_t type, struct mus_rdata rd)
{
	const char *piece = mus__form_of(type);
	size_t at = 0;

	if (!piece)
		return false;
	for (; *piece != '\0'; piece++) {
		struct mus_name n;
		long take;

		if (*piece != 'n')
			take = mus__form_piece(*piece, rd.data + at, rd.len - at);
		else if (mus_name_from_wire(rd.data + at, rd.len - at, &n) == 0)
			take = n.len;
		else
			take = -1;
		if (take < 0)
			return false;
		at += (size_t)take;
	}
	return at == rd.len;
}
