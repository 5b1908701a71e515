#include "maildir/name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/types.h>

#include "lib/ascii.h"

static char const letters_of_flags[] = "DFPRST";

/* ",X=digits" of a base name, or NAME_UNKNOWN. */
static uint64_t
size_word(char const *s, size_t n, char key)
{
	char const *comma = s;
	for (size_t i; (comma = memchr(comma, ',', n - (size_t)(comma - s))); comma++) {
		i = (size_t)(comma - s);
		if (i + 3 >= n || s[i + 1] != key || s[i + 2] != '=')
			continue;
		uint64_t v = 0;
		size_t j = i + 3;
		for (; j < n && ascii_isdigit(s[j]); j++)
			if (__builtin_mul_overflow(v, 10, &v) ||
			    __builtin_add_overflow(v, (uint64_t)(s[j] - '0'), &v))
				return NAME_UNKNOWN;
		return j > i + 3 && (j == n || s[j] == ',') ? v : NAME_UNKNOWN;
	}
	return NAME_UNKNOWN;
}

/* Where the flags begin: behind the last colon, if "2," follows it; len if there are none. */
static size_t
flags_at(char const *file, size_t len)
{
	char const *colon = memrchr(file, ':', len);
	if (!colon)
		return len;
	size_t at = (size_t)(colon - file);
	return at + 3 <= len && colon[1] == '2' && colon[2] == ',' ? at + 3 : len;
}

size_t
name_base(char const *file, size_t len)
{
	if (!len || len > MAILDIR_NAME_MAX || file[0] == '.')
		return 0;
	char const *colon = memchr(file, ':', len);
	return colon ? (size_t)(colon - file) : len;
}

int
name_parse_flags(struct name *n, char const *file, size_t len)
{
	*n = (struct name){name_base(file, len), 0, 0, NAME_UNKNOWN, NAME_UNKNOWN};
	if (!n->base_len)
		return 0;
	for (size_t i = flags_at(file, len); i < len && file[i] != ','; i++) {
		char const *known = memchr(letters_of_flags, file[i], sizeof letters_of_flags - 1);
		if (known)
			n->flags |= 1u << (known - letters_of_flags);
		else if (file[i] >= 'a' && file[i] <= 'z')
			n->letters |= (uint32_t)1 << (file[i] - 'a');
	}
	return 1;
}

int
name_parse(struct name *n, char const *file, size_t len)
{
	if (!name_parse_flags(n, file, len))
		return 0;
	n->disk = size_word(file, n->base_len, 'S');
	n->wire = size_word(file, n->base_len, 'W');
	return 1;
}

/* Letters are bits in set[]. */
static void
letter_add(uint64_t set[static 4], unsigned char c)
{
	set[c / 64] |= UINT64_C(1) << c % 64;
}

/* Every letter that the new name is to have. */
static void
letter_set(
    uint64_t set[static 4], char const *old, size_t len, unsigned int flags, uint32_t letters)
{
	for (size_t i = 0; i < len; i++)
		if (!(old[i] >= 'a' && old[i] <= 'z') && !memchr(letters_of_flags, old[i], 6))
			letter_add(set, (unsigned char)old[i]); /* not ours to drop */
	for (unsigned int i = 0; i < 6; i++)
		if (flags >> i & 1)
			letter_add(set, (unsigned char)letters_of_flags[i]);
	set['a' / 64] |= (uint64_t)(letters & ((1u << MAILDIR_LETTERS) - 1)) << 'a' % 64;
}

size_t
name_format(char out[static MAILDIR_NAME_MAX + 1], char const *file, size_t len, unsigned int flags,
    uint32_t letters)
{
	uint64_t set[4] = {0};
	size_t at = flags_at(file, len);
	char const *comma = at < len ? memchr(file + at, ',', len - at) : 0;
	size_t end = comma ? (size_t)(comma - file) : len;
	size_t head = at < len || (len >= 3 && !memcmp(file + len - 3, ":2,", 3)) ? at - 3 : len;
	letter_set(set, file + at, end - at, flags, letters);

	char buf[MAILDIR_NAME_MAX + 300];
	if (head > MAILDIR_NAME_MAX || len - end > MAILDIR_NAME_MAX)
		return 0;
	memcpy(buf, file, head);
	memcpy(buf + head, ":2,", 3);
	size_t o = head + 3;
	for (unsigned int i = 0; i < 4; i++)
		for (uint64_t rest = set[i]; rest; rest &= rest - 1)
			buf[o++] = (char)(64 * i + (unsigned int)__builtin_ctzll(rest));
	if (o + (len - end) > MAILDIR_NAME_MAX)
		return 0;
	memcpy(out, buf, o);
	memcpy(out + o, file + end, len - end);
	o += len - end;
	out[o] = 0;
	return o;
}

/* maildir(5): / and : may not stand in a host's part; a comma would begin a size. */
static char const *
escaped_host(void)
{
	static char host[80];
	if (host[0])
		return host;
	char raw[256] = "";
	gethostname(raw, sizeof raw - 1);
	size_t o = 0;
	for (char const *p = raw[0] ? raw : "localhost"; *p && o < sizeof host - 5; p++)
		if (*p == '/' || *p == ':' || *p == ',' || *p <= ' ' || *p == 127)
			o += (size_t)snprintf(host + o, 5, "\\%03o", (unsigned char)*p);
		else
			host[o++] = *p;
	host[o] = 0;
	return host;
}

static char *
put_word(char *out, char const *word)
{
	size_t const n = strlen(word);
	memcpy(out, word, n);
	return out + n;
}

static char *
put_number(char *out, char const *before, uint64_t n)
{
	out = put_word(out, before);
	return out + uint64_fmt(out, n);
}

/* Six digits. */
static char *
put_microseconds(char *out, long usec)
{
	for (int i = 5; i >= 0; i--, usec /= 10)
		out[i] = (char)('0' + usec % 10);
	return out + 6;
}

size_t
name_new_by(char out[static MAILDIR_BASE_MAX + 1], pid_t pid, uint64_t disk, uint64_t wire)
{
	static unsigned long count;
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	/* The longest of each comes to 196 octets. */
	char *p = put_number(out, "", t.tv_sec > 0 ? (uint64_t)t.tv_sec : 0);
	p = put_microseconds(put_word(p, ".M"), t.tv_nsec / 1000);
	p = put_number(p, "P", (uint64_t)pid);
	p = put_number(p, "Q", ++count);
	p = put_word(put_word(p, "."), escaped_host());
	if (disk != NAME_UNKNOWN)
		p = put_number(p, ",S=", disk);
	if (wire != NAME_UNKNOWN)
		p = put_number(p, ",W=", wire);
	*p = 0;
	return (size_t)(p - out);
}

size_t
name_new(char out[static MAILDIR_BASE_MAX + 1], uint64_t disk, uint64_t wire)
{
	return name_new_by(out, getpid(), disk, wire);
}

int
name_plausible(struct name const *n, uint64_t disk)
{
	if (n->wire == NAME_UNKNOWN || (n->disk != NAME_UNKNOWN && n->disk != disk))
		return 0;
	return n->wire >= disk && n->wire <= 2 * disk;
}

/* Reads digits from *s on; 0 without any. */
static uint64_t
digits(char const **s, char const *end)
{
	uint64_t v = 0;
	for (; *s < end && ascii_isdigit(**s) && v < UINT64_MAX / 16; (*s)++)
		v = v * 10 + (uint64_t)(**s - '0');
	return v;
}

uint64_t
name_arrival_key(char const *base, size_t len)
{
	char const *p = base, *end = base + len;
	uint64_t const rough = 0xfffff, most = UINT64_MAX >> 20;
	uint64_t sec = digits(&p, end), usec = rough;
	if (p + 2 < end && !memcmp(p, ".M", 2)) {
		p += 2;
		usec = digits(&p, end);
	}
	if (sec >= most)
		return most << 20 | rough;
	return sec << 20 | (usec < rough ? usec : rough);
}

int
name_time(char const *base, size_t len, int64_t *t)
{
	char const *p = base;
	uint64_t v = digits(&p, base + len);
	*t = (int64_t)v;
	return p - base >= 9 && p < base + len && (*p == '.' || *p == '_') && v < INT64_MAX;
}

int
name_order(char const *a, size_t alen, char const *b, size_t blen)
{
	char const *p = a, *q = b;
	uint64_t s = digits(&p, a + alen), t = digits(&q, b + blen);
	if (s != t)
		return s < t ? -1 : 1;
	if (p + 2 < a + alen && q + 2 < b + blen && !memcmp(p, ".M", 2) && !memcmp(q, ".M", 2)) {
		p += 2, q += 2;
		s = digits(&p, a + alen), t = digits(&q, b + blen);
		if (s != t)
			return s < t ? -1 : 1;
	}
	int r = memcmp(a, b, alen < blen ? alen : blen);
	return r ? r : (alen > blen) - (alen < blen);
}
