/* The handlers of the dispatch table (commands.c), by the file that defines them. */
#ifndef SMTP_RECV_HANDLERS_H
#define SMTP_RECV_HANDLERS_H

#include "lib/command.h"

/* What EHLO tells those who may use it. */
#define XCLIENT_KEYWORD "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT"

extern struct command const smtp_commands[];

/* greet.c */
command_fn do_helo, do_ehlo, do_noop, do_rset, do_quit, do_vrfy, do_expn, do_help, do_http;
command_fn do_starttls, do_xforward;
/* envelope.c */
command_fn do_mail, do_rcpt;
/* xclient.c */
command_fn do_xclient;
/* data.c */
command_fn do_data, do_bdat;
/* auth.c */
command_fn do_auth;

#endif
