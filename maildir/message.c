#include "maildir/message.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/lines.h"
#include "maildir/name.h"

int
message_init(struct message *m, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0) {
		int e = errno;
		close(fd);
		m->fd = -1;
		errno = e;
		return -1;
	}
	m->fd = fd;
	m->disk = (uint64_t)st.st_size;
	m->wire = NAME_UNKNOWN;
	m->wire_pos = m->disk_pos = m->buf_at = 0;
	m->buf_len = 0;
	m->last = 0;
	m->owe_lf = 0;
	return 0;
}

void
message_close(struct message *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

/* Makes the buffer hold the octet at `at`: octets there from it on, 0 at the end, -1. */
static ssize_t
fill(struct message *m, uint64_t at)
{
	if (at >= m->buf_at && at < m->buf_at + m->buf_len)
		return (ssize_t)(m->buf_at + m->buf_len - at);
	ssize_t r;
	do
		r = pread(m->fd, m->buf, sizeof m->buf, (off_t)at);
	while (r < 0 && errno == EINTR);
	m->buf_at = at;
	m->buf_len = r > 0 ? (size_t)r : 0;
	return r;
}

int
message_size(struct message *m, uint64_t *wire)
{
	if (m->wire == NAME_UNKNOWN) {
		uint64_t at = 0, bare = 0;
		char last = 0;
		for (;;) {
			ssize_t n = fill(m, at);
			if (n < 0)
				return -1;
			if (!n)
				break;
			char const *const s = m->buf + (at - m->buf_at);
			bare += lines_count(s, (size_t)n, last).bare;
			last = s[n - 1];
			at += (uint64_t)n;
		}
		m->disk = at;
		m->wire = at + bare;
	}
	*wire = m->wire;
	return 0;
}

/* Gives at most max octets of wire text; out may be null: then they are passed over. */
static ssize_t
step(struct message *m, char *out, size_t max)
{
	size_t o = 0;
	while (o < max) {
		if (m->owe_lf) {
			if (out)
				out[o] = '\n';
			o++;
			m->owe_lf = 0;
			m->last = '\n';
			m->disk_pos++;
			continue;
		}
		ssize_t n = fill(m, m->disk_pos);
		if (n < 0)
			return o ? (ssize_t)o : -1;
		if (!n)
			break;
		char const *s = m->buf + (m->disk_pos - m->buf_at);
		size_t len = (size_t)n < max - o ? (size_t)n : max - o;
		char const *lf = memchr(s, '\n', len);
		size_t run = lf ? (size_t)(lf - s) : len;
		if (out)
			memcpy(out + o, s, run);
		o += run;
		m->disk_pos += run;
		if (run)
			m->last = s[run - 1];
		if (!lf)
			continue;
		int bare = m->owe_lf = m->last != '\r';
		if (out)
			out[o] = bare ? '\r' : '\n';
		o++;
		if (!bare) {
			m->last = '\n';
			m->disk_pos++;
		}
	}
	m->wire_pos += o;
	return (ssize_t)o;
}

int
message_seek(struct message *m, uint64_t wire)
{
	if (m->wire != NAME_UNKNOWN && m->wire == m->disk) {
		if (wire > m->disk)
			wire = m->disk;
		char before = 0;
		if (wire && fill(m, wire - 1) < 0)
			return -1;
		if (wire && m->buf_len)
			before = m->buf[wire - 1 - m->buf_at];
		m->wire_pos = m->disk_pos = wire;
		m->last = before;
		m->owe_lf = 0;
		return 0;
	}
	if (wire < m->wire_pos) {
		m->wire_pos = m->disk_pos = 0;
		m->last = 0;
		m->owe_lf = 0;
	}
	while (m->wire_pos < wire) {
		uint64_t left = wire - m->wire_pos;
		ssize_t n = step(m, 0, left < (1u << 20) ? (size_t)left : (1u << 20));
		if (n <= 0)
			return (int)n;
	}
	return 0;
}

ssize_t
message_read(struct message *m, char *out, size_t max)
{
	return step(m, out, max);
}

int
message_each(struct message *m, uint64_t from, uint64_t count, message_fn *fn, void *arg)
{
	char piece[8192];
	if (message_seek(m, from) < 0)
		return -1;
	/* A shorter message must not give what stands before `from`. */
	while (count && m->wire_pos >= from) {
		ssize_t n = step(m, piece, count < sizeof piece ? (size_t)count : sizeof piece);
		if (n <= 0)
			return (int)n;
		int r = fn(arg, piece, (size_t)n);
		if (r)
			return r;
		count -= (uint64_t)n;
	}
	return 0;
}
