/* smtp-recv -l: waits for connections itself, and serves each in a process forked from one that has
 * never seen an octet of any: no exec, and the superserver's limits. */
#ifndef SMTP_RECV_LISTEN_H
#define SMTP_RECV_LISTEN_H

struct listen_options {
	unsigned int max, per_address; /* connections at a time; more wait, or are refused */
	int fd_ready;		       /* gets a line when it is ready, and is closed; -1: none */
	char *const *argv;	       /* its own, to begin anew with */
};

/* Takes over the listening TCP socket that is descriptor 0 (exit 100 if it is none). From here on
 * what changes in etc/ is noticed: all that holds for every connection is read behind this. */
void listen_prepare(struct listen_options const *o);
/* Returns in a process of its own for each connection, which is then on 0 and 1; the listener itself
 * exits: 0 after TERM, and after QUIT, which ends its processes too, as HUP does; 111 system.
 * It executes itself, and keeps its processes, before a connection when something in etc/ has
 * changed, or was read CONF_FRESH_MS ago (what links lead to, and network filesystems, do not
 * tell), and after a process has died of a signal: no two tries meet the same addresses in memory.
 * ready, where it is not null: does in a process between the listener and those that it returns in
 * (lib/zygote.h) what is the same for all of them; that one gives up its rights there.
 */
void listen_for(struct listen_options const *o, void (*ready)(void *), void *data);

#endif
