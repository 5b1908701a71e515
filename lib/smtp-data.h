/* The end-of-data machine: bytes behind DATA or BDAT to message bytes with LF line ends. Pure: no
 * input or output. RFC 5321 4.1.1.4, 4.5.2; nothing but CR LF . CR LF ends a message. */
#ifndef POSTERN_SMTP_DATA_H
#define POSTERN_SMTP_DATA_H

#include <stddef.h>
#include <stdint.h>

struct smtp_data {
	int state;
	int chunked;          /* BDAT: no dots, the length ends it */
	int bare_cr, bare_lf; /* seen; SMTP refuses such a message by default, or has it repaired */
	int nul, eightbit;    /* seen */
	uint64_t size;        /* octets of the message on the wire, CR LF counted, dots not */
	size_t line, longest; /* octets of the current and the longest line, without line end */
};

void smtp_data_init(struct smtp_data *d, int chunked);
/* Takes up to n bytes, writes the message's bytes to out (room for n + 2) and their number to
 * *outlen. A bare LF becomes a line end and a bare CR a blank (both are noted). Returns the number of
 * bytes used; *done is 1 when the final dot's line end was among them. */
size_t smtp_data_feed(struct smtp_data *d, char const *in, size_t n, char *out, size_t *outlen,
    int *done);
/* BDAT LAST has come: what was held back (a CR), and a line end if the last line has none. At most 2
 * bytes to out. */
size_t smtp_data_end(struct smtp_data *d, char out[static 2]);

/* BDAT's argument, "SIZE [LAST]" (RFC 3030 2): 0; -1 it is none, so nobody knows where the next
 * command begins (the connection ends). */
int smtp_bdat_parse(char const *arg, uint64_t *size, int *last);

#endif
