/* postern-tlsrpt: one day's file read and shown. */
#ifndef POSTERN_MDA_REMOTE_TLSRPT_REPORT_H
#define POSTERN_MDA_REMOTE_TLSRPT_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <skalibs/stralloc.h>

struct tlsrpt_row {
	uint64_t count;
	char const *domain, *policy, *type, *host, *ip, *ours, *reason;
};
struct tlsrpt_day {
	char const *name;	/* YYYY-MM-DD */
	struct tlsrpt_row *row; /* sorted by all words; each different */
	size_t rows;
	struct tlsrpt_row
	    *text; /* domain, policy, and its text as reason; the last of each counts */
	size_t texts;
};

/* Reads spool/tlsrpt/DAY, of one domain or (null) all. Lines that make no sense are passed over. 0,
 * or -1 and errno. */
int tlsrpt_read(struct tlsrpt_day *d, int fd_spool, char const *day, char const *domain);

/* On descriptor 1: in words; and as RFC 8460 4.4 has it, for a single domain. */
void tlsrpt_show(struct tlsrpt_day const *d);
void tlsrpt_json(struct tlsrpt_day const *d, char const *domain);

/* The addresses of the one record among texts, each with its NUL, up to an empty one (RFC 8460 3):
 * 1 and "mailto:..." or "https:..." joined by ','; 0 if there is none. */
int tlsrpt_rua(char const *texts, stralloc *rua);

#endif
