#include "mda-local/outgoing.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/durable.h"
#include "lib/pread-all.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "mda-local/channel.h"
#include "mda-local/incoming.h"
#include "mda-local/limits.h"

void
outgoing_write(struct outgoing *out, char const *s, size_t n)
{
	if (out->fd < 0 && !out->error && (out->fd = incoming_memory()) < 0)
		out->error = errno;
	if (!out->error && n > MDA_OUTGOING_SIZE - out->size)
		out->error = EFBIG;
	if (!out->error && durable_write(out->fd, s, n) < 0)
		out->error = errno;
	if (!out->error)
		out->size += n;
}

static int
form_ok(struct outgoing_record const *r, uint64_t contents)
{
	return r->kind <= OUTGOING_NOTICE && r->same_sender <= 1 && r->size <= contents &&
	       r->at <= contents - r->size && channel_text(r->sender, sizeof r->sender) &&
	       channel_text(r->rcpt, sizeof r->rcpt) && *r->rcpt &&
	       (r->size || r->tail != OUTGOING_NO_TAIL);
}

int
outgoing_add(struct outgoing *out, struct outgoing_record const *r)
{
	errno = EINVAL;
	if (!form_ok(r, out->size))
		return -1;
	errno = EMLINK;
	if (outgoing_count(out) == MDA_OUTGOING_MAX)
		return -1;
	sa_catb(&out->records, (char const *)r, sizeof *r);
	return 0;
}

int
outgoing_forward(struct outgoing *out, char const *sender, char const *rcpt)
{
	struct outgoing_record r;
	memset(&r, 0, sizeof r);
	r.kind = OUTGOING_FORWARD;
	r.same_sender = !sender;
	errno = ENAMETOOLONG;
	if (strlen(rcpt) >= WORK_ADDRESS_MAX || (sender && strlen(sender) >= WORK_ADDRESS_MAX))
		return -1;
	strcpy(r.rcpt, rcpt);
	strcpy(r.sender, sender ? sender : "");
	return outgoing_add(out, &r);
}

uint32_t
outgoing_count(struct outgoing const *out)
{
	return (uint32_t)(out->records.len / sizeof(struct outgoing_record));
}

int
outgoing_end(struct outgoing *out)
{
	if (out->fd < 0 && !out->error && (out->fd = incoming_memory()) < 0)
		out->error = errno;
	if (!out->error && durable_write(out->fd, out->records.s, out->records.len) < 0)
		out->error = errno;
	errno = out->error;
	return out->error ? -1 : 0;
}

void
outgoing_reset(struct outgoing *out)
{
	if (out->fd >= 0)
		close(out->fd);
	stralloc_free(&out->records);
	*out = (struct outgoing)OUTGOING_ZERO;
}

/* Only memory can be sealed, and reading it never waits; a file of the account's might. */
struct outgoing_record *
outgoing_read(struct arena *a, int fd, uint32_t count)
{
	struct stat st;
	size_t const len = (size_t)count * sizeof(struct outgoing_record);
	errno = EFBIG;
	if (!count || count > MDA_OUTGOING_MAX)
		return 0;
	if (incoming_seal(fd) < 0 || fstat(fd, &st) < 0)
		return 0;
	errno = EPROTO;
	if (st.st_size < (off_t)len || st.st_size - (off_t)len > (off_t)MDA_OUTGOING_SIZE)
		return 0;
	uint64_t const contents = (uint64_t)st.st_size - len;
	struct outgoing_record *r = arena_alloc(a, len);
	ssize_t const n = pread_all(fd, (char *)r, len, contents);
	errno = EPROTO;
	int ok = n == (ssize_t)len;
	for (uint32_t i = 0; ok && i < count; i++)
		ok = form_ok(&r[i], contents);
	return ok ? r : 0;
}
