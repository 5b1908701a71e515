/* A message for a server without 8BITMIME (RFC 6152 section 3) or without SMTPUTF8: bodies with
 * octets over 127 as quoted-printable. */
#ifndef POSTERN_MDA_REMOTE_SEVENBIT_H
#define POSTERN_MDA_REMOTE_SEVENBIT_H

#include <stddef.h>

#include "lib/arena.h"

/* What takes the text, in pieces of any size. 0, or -1: nothing more is wanted. */
typedef int sevenbit_put(void *arg, char const *s, size_t n);

/* SEVENBIT_GLOBAL: only messages and reports in UTF-8 that lie in this one, for a server without
 * SMTPUTF8, which takes other eight-bit text (RFC 6533 4.5); all else stays. */
enum sevenbit_what { SEVENBIT_ALL, SEVENBIT_GLOBAL };

/* Gives the message msg[0..n), with LF line ends, to `put`: leaf parts with octets over 127 as
 * quoted-printable (RFC 2045 6.7), their Content-Transfer-Encoding with them; "7bit" where a part
 * around them said 8bit or binary (6.4); a message that is not MIME becomes one (RFC 1428). Such
 * octets in a multipart's own text, which nobody reads, become "?". All else stays as it is to the
 * octet: headers with octets over 127 too (they have no other form that a reader would know), and
 * parts that are encoded already, or must not be (message/partial, RFC 2046 5.2.2; those of RFC
 * 6532 and 6533 may). The arena holds the structure. 0, or what put returned. */
int sevenbit(struct arena *a, char const *msg, size_t n, enum sevenbit_what what, sevenbit_put *put,
    void *arg);

#endif
