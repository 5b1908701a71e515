#include "smtp-recv/milter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sa.h"
#include "lib/skalibs-compat.h"
#include "lib/target.h"
#include "smtp-recv/limits.h"

/* ---- deadlines ---- */

static void
renew(struct milter *m, tain const *limit)
{
	tain_now_g();
	tain_addsec_g(&m->latest, (int)m->seconds);
	if (tain_less(limit, &m->latest))
		m->latest = *limit;
	if (m->net)
		m->net->deadline = m->latest;
}

void
milter_until(struct milter *m, enum milter_wait wait, tain const *limit)
{
	m->seconds = m->entry->seconds[wait];
	renew(m, limit);
}

/* ---- packets ---- */

void
milter_put(struct milter *m, stralloc const *packet)
{
	net_put(m->net, packet->s, packet->len);
}

void
milter_put_letter(struct milter *m, char letter)
{
	char const packet[5] = {0, 0, 0, 1, letter};
	net_put(m->net, packet, sizeof packet);
}

static int
ended(int r)
{
	if (!r)
		errno = ECONNRESET;
	return r > 0 ? 0 : -1;
}

/* One packet: its letter, and its data with a NUL behind them, until the next call. */
static int
read_packet(struct milter *m, char *letter, char const **data, size_t *n)
{
	static stralloc packet = STRALLOC_ZERO;
	unsigned char head[4];
	if (net_flush(m->net) < 0 || ended(net_readall(m->net, (char *)head, 4)) < 0)
		return -1;
	size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (!len || len > MILTER_PACKET_MAX) {
		errno = len ? EMSGSIZE : EPROTO;
		return -1;
	}
	sa_reset(&packet);
	sa_room(&packet, len + 1);
	if (ended(net_readall(m->net, packet.s, len)) < 0)
		return -1;
	packet.s[len] = 0;
	*letter = *packet.s;
	*data = packet.s + 1;
	*n = len - 1;
	return 0;
}

int
milter_answer(struct milter *m, tain const *limit, struct milter_answer *a)
{
	do {
		char letter;
		char const *data;
		size_t n;
		if (read_packet(m, &letter, &data, &n) < 0)
			return -1;
		if (milter_parse(letter, data, n, m->actions, a) < 0) {
			errno = EPROTO;
			return -1;
		}
		if (a->kind == MILTER_PROGRESS)
			renew(m, limit);
	} while (a->kind == MILTER_PROGRESS);
	return 0;
}

/* ---- the connection ---- */

static int
negotiate(struct milter *m)
{
	stralloc offer = STRALLOC_ZERO;
	struct milter_options o;
	char letter;
	char const *data;
	size_t n;
	milter_begin(&offer, 'O');
	milter_number(&offer, MILTER_VERSION);
	milter_number(&offer, MILTER_MAY_ALL);
	milter_number(&offer, MILTER_PROTOCOL_ALL);
	milter_end(&offer);
	milter_put(m, &offer);
	stralloc_free(&offer);
	if (read_packet(m, &letter, &data, &n) < 0)
		return -1;
	if (letter != 'O' || milter_options_parse(data, n, &o) < 0) {
		errno = EPROTO;
		return -1;
	}
	m->actions = o.actions;
	m->protocol = o.protocol;
	for (int i = 0; i < MILTER_STAGES; i++) {
		free(m->macros[i]);
		m->macros[i] = o.macros[i] ? xstrdup(o.macros[i]) : 0;
	}
	return 0;
}

int
milter_open(struct milter *m, tain const *limit)
{
	struct milter_entry const *e = m->entry;
	milter_until(m, MILTER_WAIT_CONNECT, limit);
	int fd =
	    e->path ? target_unix(e->path, &m->latest) : target_tcp(&e->ip, e->port, &m->latest);
	if (fd < 0)
		return -1;
	m->net = xmalloc(sizeof *m->net);
	net_init(m->net, fd, fd);
	m->net->deadline = m->latest;
	m->introduced = m->greeted = m->busy = m->data = 0;
	return negotiate(m);
}

void
milter_drop(struct milter *m)
{
	if (!m->net)
		return;
	fd_close(m->net->fd_in);
	free(m->net);
	m->net = 0;
	m->introduced = m->greeted = m->busy = 0;
}

void
milter_close(struct milter *m)
{
	if (!m->net)
		return;
	/* Said to one that listens; nobody waits for one that does not. */
	net_deadline(m->net, 1);
	milter_put_letter(m, 'Q');
	net_flush(m->net);
	milter_drop(m);
}
