/* The command line of tcpserver. */
#ifndef POSTERN_TCPSERVER_OPTIONS_H
#define POSTERN_TCPSERVER_OPTIONS_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <skalibs/ip46.h>

struct options {
	unsigned int verbosity, backlog, max, permax;
	int reuse, print_port, take_ids;
	ip46 ip;
	uint16_t port;
	uid_t uid;
	gid_t gid;
	gid_t groups[NGROUPS_MAX];
	size_t ngroups;
	int has_uid, has_gid, has_groups;
	char const *ids[3];  /* UID, GID and GIDLIST, as -U took them */
	char const *refusal; /* TCP_REFUSE, which is unset; null: silence */
};

/* The variables of -U. */
extern char const *const tcpserver_ids[3];

/* Reads options, address and port, and with -U the ids of the environment; the index of prog. What
 * is wrong ends the program, 100. */
int tcpserver_options(struct options *o, int argc, char *const *argv);

#endif
