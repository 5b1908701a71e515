/* postern-tlsrpt [-jn] [DAY] [DOMAIN]: shows how TLS went with other servers (RFC 8460).
 *
 * Descriptors: 1 the report, 2 messages. Arguments: DAY is YYYY-MM-DD (UTC), by default today; -j
 * (or --json) the report of RFC 8460 4.4 for DOMAIN, which must be given then and must ask for
 * reports; -n the DNS is not asked whether it does. Environment: POSTERN_DIR; PATH, in which it
 * finds mda-remote-dns. Settings: me, postmaster; resolver. Exit: 0, 1 the domain asks for no
 * reports, 100 usage or not permitted, 111 temporary. Touches: spool/tlsrpt/ (reads). Privileges:
 * the spool's owner; root becomes it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "lib/ascii.h"
#include "lib/conf.h"
#include "lib/domain.h"
#include "lib/sa.h"
#include "mda-remote/limits.h"
#include "mda-remote/link.h"
#include "mda-remote/spool.h"
#include "mda-remote/tlsrpt-report.h"

#define USAGE "postern-tlsrpt [-jn] [day] [domain]"

static int
is_day(char const *s)
{
	for (size_t i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : !ascii_isdigit(s[i]))
			return 0;
	return !s[10];
}

/* ---- the DNS ---- */

/* Started for one question; the end of the socket ends it. */
static int
start_resolver(void)
{
	int fd[2];
	if (link_pair(fd) < 0)
		strerr_diefu1sys(111, "make a socket pair");
	pid_t pid = fork();
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	if (!pid) {
		if (dup2(fd[1], 0) < 0)
			_exit(111);
		execlp("mda-remote-dns", "mda-remote-dns", (char *)0);
		strerr_diefu1sys(111, "run mda-remote-dns");
	}
	close(fd[1]);
	return fd[0];
}

/* Where the domain wants its reports (RFC 8460 3): 1, or 0. */
static int
wants(char const *domain, stralloc *rua)
{
	static char packet[DNS_PACKET_MAX];
	stralloc texts = STRALLOC_ZERO;
	char *save;
	int fd = start_resolver();
	int n = snprintf(packet, sizeof packet, "0 txt 0 _smtp._tls.%s", domain);
	if (link_send(fd, packet, (size_t)n, -1) < 0 ||
	    link_recv(fd, packet, sizeof packet, 0) <= 0)
		strerr_dief1x(111, "the resolver does not work");
	close(fd);
	for (char *l = strtok_r(packet, "\n", &save); l; l = strtok_r(0, "\n", &save)) {
		if (l[0] == 'x' && l[1] == ' ' && l[2])
			sa_catb(&texts, l + 2, strlen(l + 2) + 1);
		if (l[0] == 'w' && l[1] == ' ')
			strerr_dief2x(111, "the domain's record cannot be had: ", l + 2);
	}
	sa_0(&texts);
	int found = tlsrpt_rua(texts.s, rua);
	stralloc_free(&texts);
	return found;
}

/* ---- the report ---- */

static void
report(char const *day, char const *domain, int json)
{
	struct tlsrpt_day d;
	spool_become_owner();
	int fd_spool = spool_open();
	if (fd_spool < 0)
		strerr_diefu3sys(
		    errno == EACCES || errno == EPERM ? 100 : 111, "open ", conf_dir(), "/spool");
	if (tlsrpt_read(&d, fd_spool, day, domain) < 0 && errno != ENOENT)
		strerr_diefu2sys(111, "read spool/tlsrpt/", day);
	if (json)
		tlsrpt_json(&d, domain);
	else
		tlsrpt_show(&d);
}

int
main(int argc, char **argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	stralloc rua = STRALLOC_ZERO;
	int json = 0, ask = 1;
	char day[11];
	time_t now = time(0);
	PROG = "postern-tlsrpt";
	signal(SIGPIPE, SIG_IGN);
	strftime(day, sizeof day, "%Y-%m-%d", gmtime(&now));
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			argv[i] = "-j";
	for (int c; (c = subgetopt_r(argc, (char const *const *)argv, "jn", &l)) >= 0;)
		if (c == 'j')
			json = 1;
		else if (c == 'n')
			ask = 0;
		else
			strerr_dieusage(100, USAGE);
	char const *const *rest = (char const *const *)argv + l.ind;
	if (*rest && is_day(*rest))
		strcpy(day, *rest++);
	char const *domain = *rest ? *rest++ : 0;
	if (*rest || (json && !domain) || (domain && !domain_valid(domain, strlen(domain))))
		strerr_dieusage(100, USAGE);
	spool_become_owner();
	int wanted = domain && ask ? wants(domain, &rua) : 0;
	if (json && ask && !wanted)
		strerr_dief2x(1, domain, " asks for no reports");
	report(day, domain, json);
	if (wanted && !json)
		printf("wants reports at %s\n", rua.s);
	return fflush(stdout) ? 111 : 0;
}
