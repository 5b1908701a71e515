/* The law of this protocol: which command may come when. session.c enforces it. */
#include "smtp-recv/handlers.h"

#include "smtp-recv/session.h"

#define ST_ANY (ST_START | ST_HELO | ST_EHLO | ST_MAIL | ST_RCPT | ST_BDAT)
#define ST_READY (ST_HELO | ST_EHLO)
#define LAST COMMAND_LAST
#define HTTP (COMMAND_HANGUP | COMMAND_HIDDEN)

/* clang-format off */
struct command const smtp_commands[] = {
	/* verb       handler       states                       arguments  flags                        syntax */
	{"HELO",      do_helo,      ST_ANY,                      ARGS_SOME, LAST,                        "HELO host"},                     /* RFC 5321 4.1.1.1 */
	{"EHLO",      do_ehlo,      ST_ANY,                      ARGS_SOME, LAST,                        "EHLO host"},                     /* RFC 5321 4.1.1.1 */
	{"MAIL",      do_mail,      ST_READY,                    ARGS_SOME, 0,                           "MAIL FROM:<address> [parameters]"}, /* RFC 5321 4.1.1.2 */
	{"RCPT",      do_rcpt,      ST_MAIL | ST_RCPT,           ARGS_SOME, 0,                           "RCPT TO:<address> [parameters]"}, /* RFC 5321 4.1.1.3 */
	{"DATA",      do_data,      ST_RCPT,                     ARGS_NONE, LAST,                        "DATA"},                          /* RFC 5321 4.1.1.4 */
	{"BDAT",      do_bdat,      ST_RCPT | ST_BDAT,           ARGS_SOME, SMTP_OCTETS,                 "BDAT size [LAST]"},              /* RFC 3030 2 */
	{"RSET",      do_rset,      ST_ANY,                      ARGS_NONE, SMTP_JUNK,                   "RSET"},                          /* RFC 5321 4.1.1.5 */
	{"VRFY",      do_vrfy,      ST_ANY & ~ST_BDAT,           ARGS_SOME, LAST | SMTP_JUNK,            "VRFY string"},                   /* RFC 5321 4.1.1.6 */
	{"EXPN",      do_expn,      ST_ANY & ~ST_BDAT,           ARGS_ANY,  LAST | SMTP_JUNK,            "EXPN string"},                   /* RFC 5321 4.1.1.7 */
	{"HELP",      do_help,      ST_ANY & ~ST_BDAT,           ARGS_ANY,  SMTP_JUNK,                   "HELP [command]"},                /* RFC 5321 4.1.1.8 */
	{"NOOP",      do_noop,      ST_ANY,                      ARGS_ANY,  LAST | SMTP_JUNK,            "NOOP [string]"},                 /* RFC 5321 4.1.1.9 */
	{"QUIT",      do_quit,      ST_ANY,                      ARGS_NONE, LAST,                        "QUIT"},                          /* RFC 5321 4.1.1.10 */
	{"STARTTLS",  do_starttls,  ST_EHLO,                     ARGS_NONE, LAST | SMTP_JUNK,            "STARTTLS"},                      /* RFC 3207 4 */
	{"AUTH",      do_auth,      ST_EHLO,                     ARGS_SOME, LAST | COMMAND_SECRET | SMTP_LONG, "AUTH mechanism [initial-response]"}, /* RFC 4954 4 */
	{"XFORWARD",  do_xforward,  ST_READY,                    ARGS_SOME, 0,                           "XFORWARD IDENT=id"},
	{"XCLIENT",   do_xclient,    ST_START | ST_READY,         ARGS_SOME, LAST | COMMAND_HIDDEN,       "XCLIENT attribute=value ..."},   /* doc/joints.md */
	{"GET",       do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"POST",      do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"PUT",       do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"HEAD",      do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"OPTIONS",   do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"CONNECT",   do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"DELETE",    do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"TRACE",     do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"PATCH",     do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{"PRI",       do_http,      ST_ANY,                      ARGS_ANY,  HTTP,                        ""},
	{0, 0, 0, 0, 0, 0},
};
/* clang-format on */
