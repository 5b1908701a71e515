/* machine [-t SECONDS] DIRECTORY: what this machine and the file system of DIRECTORY can do at
 * most: a JSON object of operations per second. Each is repeated for SECONDS (0.3). DIRECTORY is
 * empty; what is made in it stays. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skalibs/sgetopt.h>
#include <skalibs/strerr.h>

#include "tests/bench/now.h"

#define USAGE "machine [ -t seconds ] directory"
#define NAMES 10000u  /* in the directory that is read */
#define LINKS 1000u   /* of each file among them: made quickly */
#define OCTETS 13000u /* of a file that is read */
#define SMALL 4000u   /* of a file that is written and synced */
#define WRITERS 10u   /* side by side */
#define PIECE 262144u /* through the loopback */

static double limit = 0.3;
static char text[PIECE];

static void
need(int good, char const *what)
{
	if (!good)
		strerr_diefu1sys(111, what);
}

static char const *
name(char const *prefix, unsigned long i)
{
	static char s[2][64];
	static unsigned int turn;
	turn ^= 1;
	snprintf(s[turn], sizeof s[turn], "%s%lu", prefix, i);
	return s[turn];
}

static void
make(char const *path, size_t octets, int sync)
{
	int const fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	need(fd >= 0, "create a file");
	need(write(fd, text, octets) == (ssize_t)octets, "write a file");
	need(!sync || !fsync(fd), "sync a file");
	close(fd);
}

static void
sync_directory(char const *path)
{
	int const fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(fd >= 0 && !fsync(fd), "sync a directory");
	close(fd);
}

/* ---- one operation each; i counts them up */

static void
commit(unsigned long i)
{
	make(name("commit/", i), SMALL, 1);
}

static void
directory_sync(unsigned long i)
{
	need(!link("file", name("sync/", i)), "link");
	sync_directory("sync");
}

/* What a durable delivery into a Maildir cannot do without. */
static void
delivery(unsigned long i)
{
	char const *const tmp = name("tmp/", i);
	make(tmp, SMALL, 1);
	need(!rename(tmp, name("new/", i)), "rename");
	sync_directory("new");
}

static void
link_one(unsigned long i)
{
	need(!link(name("many/", i % NAMES), name("made/", i)), "link");
}

static void
rename_one(unsigned long i)
{
	need(!rename(name("made/", i), name("made/r", i)), "rename");
}

static void
unlink_one(unsigned long i)
{
	need(!unlink(name("made/r", i)), "unlink");
}

static void
open_one(unsigned long i)
{
	int const fd = open(name("many/", i % NAMES), O_RDONLY | O_CLOEXEC);
	need(fd >= 0, "open");
	close(fd);
}

static void
read_one(unsigned long i)
{
	int const fd = open(name("many/", i % NAMES), O_RDONLY | O_CLOEXEC);
	need(fd >= 0 && read(fd, text, sizeof text) == OCTETS, "read");
	close(fd);
}

static void
fork_one(unsigned long i)
{
	(void)i;
	pid_t const pid = fork();
	if (!pid)
		_exit(0);
	need(pid > 0 && waitpid(pid, 0, 0) == pid, "fork");
}

static char const *self;

static void
exec_one(unsigned long i)
{
	(void)i;
	pid_t const pid = vfork();
	if (!pid) {
		execl(self, self, "-x", (char *)0);
		_exit(111);
	}
	int status;
	need(pid > 0 && waitpid(pid, &status, 0) == pid && !status, "exec");
}

/* ---- rates */

static unsigned long done;

static double
rate(void (*operation)(unsigned long), unsigned long most)
{
	double const began = now();
	for (done = 0; done < most && (!done || now() - began < limit); done++)
		operation(done);
	return (double)done / (now() - began);
}

/* Deliveries by WRITERS processes at once: their syncs can share the journal's commits. */
static double
deliveries_at_once(void)
{
	unsigned long *const counts = mmap(
	    0, WRITERS * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(counts != MAP_FAILED, "map memory");
	double const began = now();
	for (unsigned int w = 0; w < WRITERS; w++)
		if (!fork()) {
			/* One at least, however late it begins. */
			do
				delivery(w * 1000000000ul + 500000000ul + counts[w]++);
			while (now() - began < limit);
			_exit(0);
		}
	while (wait(0) > 0)
		;
	double const took = now() - began;
	for (unsigned int w = 1; w < WRITERS; w++)
		counts[0] += counts[w];
	return (double)counts[0] / took;
}

static double
names_read(void)
{
	unsigned long n = 0;
	double const began = now();
	do {
		DIR *const d = opendir("many");
		need(!!d, "read a directory");
		while (readdir(d))
			n++;
		closedir(d);
	} while (now() - began < limit);
	return (double)n / (now() - began);
}

static double
loopback(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int const server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int const client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(!bind(server, (struct sockaddr *)&a, n) && !listen(server, 1) &&
		 !getsockname(server, (struct sockaddr *)&a, &n) &&
		 !connect(client, (struct sockaddr *)&a, n),
	    "use the loopback");
	pid_t const pid = fork();
	if (!pid) {
		while (write(client, text, sizeof text) > 0)
			;
		_exit(0);
	}
	close(client);
	int const fd = accept(server, 0, 0);
	double octets = 0;
	/* From then on there is who writes. */
	need(read(fd, text, sizeof text) > 0, "use the loopback");
	double const began = now();
	do
		octets += (double)read(fd, text, sizeof text);
	while (now() - began < limit);
	double const took = now() - began;
	close(fd);
	close(server);
	kill(pid, SIGKILL);
	waitpid(pid, 0, 0);
	return octets / 1e6 / took;
}

static void
show(char const *what, double value)
{
	static char const *comma = "{";
	printf("%s\"%s\": %.2f", comma, what, value);
	comma = ", ";
}

static void
prepare(char const *directory)
{
	need(!chdir(directory), "change directory");
	for (char const *const *d =
		 (char const *const[]){"commit", "sync", "tmp", "new", "made", "many", 0};
	     *d; d++)
		need(!mkdir(*d, 0700), "make a directory");
	make("file", OCTETS, 0);
	for (unsigned int i = 0; i < NAMES; i++)
		if (i % LINKS)
			need(!link(name("many/", i - i % LINKS), name("many/", i)), "link");
		else
			make(name("many/", i), OCTETS, 0);
}

static void
measure(void)
{
	show("commits", rate(commit, -1ul));
	show("directory syncs", rate(directory_sync, 60000));
	show("deliveries", rate(delivery, 400000000));
	show("deliveries, 10 at once", deliveries_at_once());
	show("links", rate(link_one, 50000));
	unsigned long const made = done;
	show("renames", rate(rename_one, made));
	show("unlinks", rate(unlink_one, done));
	show("names read", names_read());
	show("opens", rate(open_one, -1ul));
	show("files read", rate(read_one, -1ul));
	show("forks", rate(fork_one, -1ul));
	show("execs", rate(exec_one, -1ul));
	show("loopback MB", loopback());
	puts("}");
}

int
main(int argc, char const *const *argv)
{
	subgetopt l = SUBGETOPT_ZERO;
	PROG = "machine";
	for (int c; (c = subgetopt_r(argc, argv, "t:x", &l)) != -1;)
		if (c == 'x')
			return 0;
		else if (c != 't' || (limit = atof(l.arg)) <= 0)
			strerr_dieusage(100, USAGE);
	if (argc - l.ind != 1)
		strerr_dieusage(100, USAGE);
	if (!(self = realpath("/proc/self/exe", 0)))
		strerr_diefu1sys(111, "find this program");
	signal(SIGPIPE, SIG_IGN);
	prepare(argv[l.ind]);
	measure();
	return 0;
}
