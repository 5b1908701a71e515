#include "lib/refuse.h"

#include <string.h>
#include <sys/socket.h>

/* Octets of TCP_REFUSE; a longer one is not said. */
#define REFUSAL_MAX 256
/* Reads of what a refused client has sent already. */
#define UNREAD_READS_MAX 16

/* Words would cost a handshake, the most that a connection can cost, for whoever has too many. An
 * alert may come before it (RFC 8446 6): fatal, access_denied, in a record of the oldest version.
 */
static char const tls_alert[] = {21, 3, 1, 0, 2, 2, 49};

/* A fresh socket takes this at once. What came from the client is read, lest a reset overtakes it.
 */
static void
say(int fd, char const *s, size_t len)
{
	char unread[512];
	if (send(fd, s, len, MSG_DONTWAIT | MSG_NOSIGNAL) <= 0)
		return;
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < UNREAD_READS_MAX; i++)
		if (recv(fd, unread, sizeof unread, MSG_DONTWAIT) <= 0)
			break;
}

void
refuse_client(int fd, char const *text)
{
	char line[REFUSAL_MAX + 2];
	size_t const n = text ? strlen(text) : 0;
	if (!n || n > REFUSAL_MAX)
		return;
	if (!strcmp(text, "tls")) {
		say(fd, tls_alert, sizeof tls_alert);
		return;
	}
	memcpy(line, text, n);
	memcpy(line + n, "\r\n", 2);
	say(fd, line, n + 2);
}
