#include "smtp-recv/replies.h"

/* Codes: RFC 5321 4.2.3, RFC 3463, RFC 4954 6; no enhanced code with 220, 354 and 334. */
/* clang-format off */
static char const *const words[REPLY_COUNT] = {
	[REPLY_OK]             = "250 2.0.0 ok",
	[REPLY_READY_TLS]      = "220 2.0.0 ready to start TLS",
	[REPLY_GOODBYE]        = "221 2.0.0 goodbye",
	[REPLY_RESET]          = "250 2.0.0 forgotten",
	[REPLY_VRFY]           = "252 2.0.0 send a message and it will be tried",
	[REPLY_SENDER_OK]      = "250 2.1.0 sender ok",
	[REPLY_RCPT_OK]        = "250 2.1.5 recipient ok",
	[REPLY_RCPT_AGAIN]     = "250 2.1.5 recipient named before",
	[REPLY_RCPT_QUEUED]    = "250 2.1.5 recipient ok, will be queued",
	[REPLY_DATA]           = "354 go on, end with a dot on a line of its own",
	[REPLY_CHUNK]          = "250 2.0.0 octets received:",
	[REPLY_ACCEPTED]       = "250 2.0.0 accepted as",
	[REPLY_AUTH_OK]        = "235 2.7.0 authenticated",

	[REPLY_SHUTDOWN]       = "421 4.3.2 shutting down, come back soon",
	[REPLY_TIMEOUT]        = "421 4.4.2 timeout, closing",
	[REPLY_ERRORS]         = "421 4.7.0 too many errors, closing",
	[REPLY_JUNK]           = "421 4.7.0 too many commands without a message, closing",
	[REPLY_MESSAGES]       = "421 4.5.3 too many messages in one connection, connect again",
	[REPLY_NOMEM]          = "421 4.3.0 out of memory, closing",
	[REPLY_AUTH_TOOMANY]   = "421 4.7.0 too many failed authentications, closing",
	[REPLY_AUTH_GONE]      = "421 4.7.0 authentication does not answer, closing",
	[REPLY_HTTP]           = "421 5.7.0 this is SMTP, not HTTP",

	[REPLY_LINE_LONG]      = "500 5.5.2 line too long",
	[REPLY_CONTROL]        = "500 5.5.2 control character in command",
	[REPLY_UNKNOWN]        = "500 5.5.1 unknown command",
	[REPLY_NEEDSARG]       = "501 5.5.4 argument missing; syntax:",
	[REPLY_NOARG]          = "501 5.5.4 no argument allowed; syntax:",
	[REPLY_NO_EXPN]        = "502 5.5.1 EXPN is not offered",
	[REPLY_NO_TLS]         = "502 5.5.1 TLS is not offered here",
	[REPLY_NO_AUTH]        = "502 5.5.1 authentication is not offered here",
	[REPLY_NO_XFORWARD]    = "550 5.7.0 XFORWARD is not for you",
	[REPLY_TLS_ACTIVE]     = "503 5.5.1 TLS is on already",
	[REPLY_NEED_HELO]      = "503 5.5.1 EHLO or HELO first",
	[REPLY_NEED_EHLO]      = "503 5.5.1 EHLO first",
	[REPLY_NEED_MAIL]      = "503 5.5.1 MAIL first",
	[REPLY_NEED_RCPT]      = "503 5.5.1 no recipient so far",
	[REPLY_NOT_NOW]        = "503 5.5.1 not during a mail transaction",
	[REPLY_ONLY_BDAT]      = "503 5.5.1 only BDAT may follow BDAT",
	[REPLY_BAD_HELO]       = "501 5.5.4 a host name or an address literal, please",
	[REPLY_BAD_XFORWARD]   = "501 5.5.4 syntax: XFORWARD IDENT=id",
	[REPLY_BAD_BDAT]       = "501 5.5.4 syntax: BDAT size [LAST]; closing, since what follows is unclear",
	[REPLY_NO_HELP]        = "504 5.5.4 no such command; HELP names them all",

	[REPLY_AUTH_TWICE]     = "503 5.5.1 authenticated already",
	[REPLY_AUTH_CLEAR]     = "538 5.7.11 encryption required: STARTTLS first",
	[REPLY_AUTH_FAILED]    = "535 5.7.8 login or password wrong",
	[REPLY_AUTH_TEMP]      = "454 4.7.0 authentication fails for now, try later",
	[REPLY_AUTH_LIMIT]     = "454 4.7.0 too many connections of this user, try later",
	[REPLY_AUTH_CANCELLED] = "501 5.7.0 cancelled",
	[REPLY_AUTH_SYNTAX]    = "501 5.5.2 not what this mechanism wants",
	[REPLY_AUTH_LONG]      = "500 5.5.6 authentication line too long",
	[REPLY_AUTH_MECHANISM] = "504 5.5.4 no such mechanism",
	[REPLY_AUTH_NEEDED]    = "530 5.7.0 authentication required",

	[REPLY_NOT_OWN]        = "550 5.7.1 this sender address is not yours",
	[REPLY_NO_RELAY]       = "550 5.7.1 no relaying: not a domain of this server, and you are not authenticated",
	[REPLY_RCPTS_MAX]      = "452 4.5.3 too many recipients, send the rest in another message",
	[REPLY_OUTLETS_MAX]    = "452 4.5.3 too many destinations, send the rest in another message",
	[REPLY_NULL_RCPTS]     = "550 5.5.3 the null sender has too many recipients",
	[REPLY_BAD_REWRITE]    = "553 5.1.3 the address cannot be rewritten by RELAYCLIENT",
	[REPLY_UTF8_ROUTE]     = "550 5.6.7 the server of this recipient takes no addresses outside ASCII",
	[REPLY_TABLE]          = "421 4.3.5 configuration has changed or cannot be read, connect again",

	[REPLY_FILTER_REJECT]    = "550 5.7.1 refused by a filter",
	[REPLY_FILTER_TEMP]      = "451 4.7.1 a filter wants this to be tried later",
	[REPLY_FILTER_CLOSE]     = "421 4.7.0 a filter ends this connection",
	[REPLY_FILTER_GONE]      = "451 4.7.1 a filter does not answer, try later",
	[REPLY_FILTER_GONE_PERM] = "550 5.7.1 a filter does not answer",
	[REPLY_FILTER_HEADER]    = "552 5.3.4 header too long for the filters",
	[REPLY_FILTER_HOLD]      = "451 4.3.0 the spool cannot hold messages, try later",

	[REPLY_TOOBIG]         = "552 5.3.4 message too big; octets allowed:",
	[REPLY_DISKFULL]       = "452 4.3.1 no room for this message, try later",
	[REPLY_NOFILE]         = "451 4.3.0 message cannot be stored, try later",
	[REPLY_BARE]           = "554 5.6.0 bare CR or LF in the message (RFC 5321 2.3.8)",
	[REPLY_NUL]            = "554 5.6.0 NUL octet in the message (RFC 5321 4.5.2)",
	[REPLY_TEXTLINE]       = "554 5.6.0 text line too long (RFC 5321 4.5.3.1.6)",
	[REPLY_LOOP]           = "554 5.4.6 too many hops, this message loops",
	[REPLY_LMTP_GONE]      = "451 4.3.0 delivery does not answer, try later",
	[REPLY_SPOOL_GONE]     = "451 4.3.0 the spool does not answer, try later",
};
/* clang-format on */

char const *
reply_words(enum reply r)
{
	return words[r];
}
