#include "bin/auth-checker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <skalibs/allreadwrite.h>
#include <skalibs/strerr.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "lib/skalibs-compat.h"

#define FD_CREDENTIALS 3

int
auth_checker_wanted(char const *hash)
{
	return !strcmp(hash, "x");
}

/* Its words and "true", the program that it is to become. Null: no such setting. */
static char **
command(void)
{
	static char *argv[AUTH_CHECKER_WORDS + 2];
	static char program[] = "true";
	char const *const line = conf_string("password-checker", 0);
	size_t n = 0;
	if (!line)
		return 0;
	char *words = xstrdup(line), *next;
	for (char *w = strtok_r(words, " \t", &next); w; w = strtok_r(0, " \t", &next)) {
		if (n == AUTH_CHECKER_WORDS)
			strerr_dief1x(111, "etc/password-checker: too many words");
		argv[n++] = w;
	}
	argv[n] = program;
	return argv;
}

/* What descriptor 3 of a checkpassword program reads: in memory, which ends with us. */
static int
credentials(char const *name, char const *password)
{
	int const fd = memfd_create("credentials", MFD_CLOEXEC);
	size_t const n = strlen(name) + 1, p = strlen(password) + 1;
	if (fd < 0 || allwrite(fd, name, n) < n || allwrite(fd, password, p) < p ||
	    allwrite(fd, "", 1) < 1 || lseek(fd, 0, SEEK_SET) < 0)
		strerr_diefu1sys(111, "hold the password");
	return fd;
}

static void become(char **argv, int fd) __attribute__((noreturn));
static void
become(char **argv, int fd)
{
	/* Whoever waits for us kills us alone when it takes too long. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* 0 and 1 are the client's, who is to hear nothing of this program. */
	int const null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || fd_move(FD_CREDENTIALS, fd) < 0 ||
	    fcntl(FD_CREDENTIALS, F_SETFD, 0) < 0)
		strerr_diefu1sys(111, "prepare a checker's descriptors");
	unsetenv("AUTHORIZED");
	execvp(argv[0], argv);
	strerr_diefu2sys(111, "run ", argv[0]);
}

int
auth_checker(char const *name, char const *password)
{
	char **argv = command();
	int status;
	if (!argv)
		return 0;
	int const fd = credentials(name, password);
	pid_t const pid = fork();
	if (!pid)
		become(argv, fd);
	close(fd);
	if (pid < 0)
		strerr_diefu1sys(111, "fork");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			strerr_diefu1sys(111, "wait for the checker");
	int const code = wait_estatus(status);
	if (!code || code == 1)
		return !code;
	log_event("password-checker");
	log_str("program", argv[0]);
	log_str("user", name);
	log_num("code", (uint64_t)code);
	log_send();
	return -1;
}
