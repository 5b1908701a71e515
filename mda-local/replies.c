#include "mda-local/replies.h"

#include <string.h>

#include "lib/sa.h"
#include "lib/utf8.h"
#include "mda-local/limits.h"

/* Codes: RFC 5321 4.2.3; enhanced codes: RFC 3463, RFC 5248. */
/* clang-format off */
static char const *const text[REPLY_COUNT] = {
	[REPLY_BYE]             = "221 2.0.0 bye",
	[REPLY_SENDER_OK]       = "250 2.1.0 sender ok",
	[REPLY_RSET]            = "250 2.0.0 forgotten",
	[REPLY_NOOP]            = "250 2.0.0 ok",
	[REPLY_VRFY]            = "252 2.5.2 try RCPT",
	[REPLY_CHUNK]           = "250 2.0.0 chunk taken",
	[REPLY_XFORWARD]        = "250 2.0.0 noted",
	[REPLY_DATA]            = "354 end with a line of one dot",
	[REPLY_TIMEOUT]         = "421 4.4.2 no command for too long, closing",
	[REPLY_ERRORS]          = "421 4.7.0 too many errors, closing",
	[REPLY_UNKNOWN]         = "500 5.5.2 unknown command",
	[REPLY_CONTROL]         = "500 5.5.2 control character in command",
	[REPLY_LINE_LONG]       = "500 5.5.6 line too long",
	[REPLY_SYNTAX]          = "501 5.5.4 syntax",
	[REPLY_NOT_LMTP]        = "500 5.5.1 this is LMTP, use LHLO",
	[REPLY_LHLO_FIRST]      = "503 5.5.1 LHLO first",
	[REPLY_SEQUENCE]        = "503 5.5.1 not now",
	[REPLY_NO_RCPT]         = "503 5.5.1 no valid recipients",
	[REPLY_BAD_CHUNK]       = "501 5.5.4 syntax: BDAT size [LAST]",
	[REPLY_NOT_SEALED]      = "501 5.5.4 no sealed memory file with a message",
	[REPLY_BAD_XFORWARD]    = "501 5.5.4 bad attribute",
	[REPLY_RCPT_MANY]       = "452 4.5.3 too many recipients",
	[REPLY_TOO_BIG]         = "552 5.3.4 message too big",
	[REPLY_RCPT_OK]         = "250 2.1.5 recipient ok",
	[REPLY_RCPT_MAY_REFUSE] = "250 2.7.0 recipient ok, its rules may refuse the message",
	[REPLY_DELIVERED]       = "250 2.0.0 delivered",
	[REPLY_FORWARDED]       = "250 2.0.0 forwarded",
	[REPLY_RELAYED]         = "250 2.0.0 forwarded",
	[REPLY_SPOOLED]         = "250 2.0.0 accepted, in part waiting in the spool",
	[REPLY_NO_DOMAIN]       = "550 5.1.2 not a local domain",
	[REPLY_NO_USER]         = "550 5.1.1 no such user",
	[REPLY_DISABLED]        = "550 5.2.1 mailbox does not accept mail",
	[REPLY_BAD_ADDRESS]     = "553 5.1.3 bad recipient address",
	[REPLY_ALIAS_LOOP]      = "451 4.4.6 alias leads back to itself",
	[REPLY_ALIAS_DEEP]      = "451 4.3.5 alias leads too far",
	[REPLY_ALIAS_REFUSED]   = "550 5.7.1 alias names a program or file that is not allowed",
	[REPLY_INCLUDE]         = "451 4.3.5 list of the alias not readable now",
	[REPLY_MAIL_LOOP]       = "554 5.4.6 message has been here before, loop",
	[REPLY_OVER_QUOTA]      = "452 4.2.2 mailbox full",
	[REPLY_OVER_QUOTA_PERM] = "552 5.2.2 mailbox full",
	[REPLY_DISK_FULL]       = "452 4.3.1 disk full",
	[REPLY_MAILBOX]         = "451 4.2.0 mailbox not accessible now",
	[REPLY_CONFIG]          = "451 4.3.5 account not usable as configured",
	[REPLY_TABLE]           = "451 4.3.0 table not readable now",
	[REPLY_WORKER]          = "451 4.3.0 delivery broke off",
	[REPLY_DEADLINE]        = "451 4.3.2 delivery took too long",
	[REPLY_FORWARD_TEMP]    = "451 4.4.1 cannot forward now",
	[REPLY_FORWARD_PERM]    = "550 5.7.1 forwarding refused",
	[REPLY_SENT_ON]         = "250 2.0.0 forwarded",
	[REPLY_RULES_DONE]      = "250 2.0.0 done as the recipient's rules say",
	[REPLY_RULES_UNREADABLE]= "451 4.3.5 rules of the recipient not readable now",
	[REPLY_RULES]           = "451 4.3.5 rules of the recipient not usable",
	[REPLY_RULES_REFUSE]    = "550 5.7.1 refused by the recipient's rules",
	[REPLY_PROGRAM_TEMP]    = "451 4.3.0 program of the recipient failed for now",
	[REPLY_PROGRAM_PERM]    = "550 5.3.0 program of the recipient refused the message",
	[REPLY_STORAGE]         = "452 4.3.1 no room for the message now",
};
/* clang-format on */

char const *
reply_text(enum reply r)
{
	return r > REPLY_NONE && r < REPLY_COUNT ? text[r] : text[REPLY_WORKER];
}

int
reply_class(enum reply r)
{
	return r == REPLY_NONE ? 0 : reply_text(r)[0] - '0';
}

/* The octets of s's first line that fit into one of a reply: to the last blank that does. */
static size_t
line_length(char const *s)
{
	size_t const len = strcspn(s, "\n");
	if (len <= MDA_REPLY_LINE)
		return len;
	size_t fits = MDA_REPLY_LINE;
	while (fits && s[fits] != ' ')
		fits--;
	/* Not amid a character. */
	for (fits = fits ? fits : MDA_REPLY_LINE; fits && ((unsigned char)s[fits] & 0xC0) == 0x80;)
		fits--;
	return fits;
}

void
reply_format(stralloc *out, char const *end, enum reply r, char const *said)
{
	char const *own = reply_text(r);
	size_t const codes = strcspn(own + 4, " ") + 1; /* the enhanced one and its blank */
	char const *s = said && *said ? said : own + 4 + codes;
	do {
		size_t const len = line_length(s);
		char const *next = s + len + (s[len] == '\n' || s[len] == ' ');
		sa_catb(out, own, 3);
		sa_append(out, *next ? '-' : ' ');
		sa_catb(out, own + 4, codes);
		sa_catb(out, s, len);
		sa_cats(out, end);
		s = next;
	} while (*s);
}

/* A character of from that may go into a reply: its octets, 0 none. */
static size_t
shown(char const *from, int utf8)
{
	uint32_t c;
	if (*from == '\n' || (*from >= ' ' && *from < 127))
		return 1;
	size_t const n = utf8 ? utf8_decode(from, strnlen(from, UTF8_MAX), &c) : 0;
	/* Neither controls nor what would end a line elsewhere. */
	return n > 1 && c >= 0xA0 && c != 0x2028 && c != 0x2029 ? n : 0;
}

static void
clean(char *to, size_t room, char const *from, int utf8)
{
	size_t n = 0, len;
	for (; *from; from += len ? len : 1) {
		len = shown(from, utf8);
		if (n + (len ? len : 1) >= room)
			break;
		if (len)
			memcpy(to + n, from, len);
		else if (*from == '\r')
			continue;
		else
			to[n] = *from == '\t' ? ' ' : '?';
		n += len ? len : 1;
	}
	while (n && to[n - 1] == '\n')
		n--;
	to[n] = 0;
}

void
reply_clean(char *to, size_t room, char const *from)
{
	clean(to, room, from, 0);
}

void
reply_clean_utf8(char *to, size_t room, char const *from)
{
	clean(to, room, from, 1);
}
