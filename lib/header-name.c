#include "lib/header-name.h"

#include <string.h>

#include "lib/ascii.h"

#define LONGEST 31

/* What clients ask for in HEADER.FIELDS when they list a folder: Thunderbird, K-9, Apple's Mail,
 * Outlook, Roundcube, SnappyMail, Evolution, mutt, Delta Chat. Received, Autocrypt and the like are
 * left out: they would double what is kept. By length, then by whatever comes more often. */
static struct {
	char name[LONGEST + 1];
	unsigned char is;
} const names[] = {
    {"to", HEADER_TO},
    {"cc", HEADER_CC},
    {"bcc", HEADER_BCC},
    {"date", HEADER_DATE},
    {"from", HEADER_FROM},
    {"lines", HEADER_COMMON},
    {"sender", HEADER_SENDER},
    {"x-loop", HEADER_COMMON},
    {"x-list", HEADER_COMMON},
    {"subject", HEADER_SUBJECT},
    {"list-id", HEADER_COMMON},
    {"x-label", HEADER_COMMON},
    {"reply-to", HEADER_REPLY_TO},
    {"priority", HEADER_COMMON},
    {"x-mailer", HEADER_COMMON},
    {"list-post", HEADER_COMMON},
    {"message-id", HEADER_MESSAGE_ID},
    {"references", HEADER_REFERENCES},
    {"x-priority", HEADER_COMMON},
    {"importance", HEADER_COMMON},
    {"user-agent", HEADER_COMMON},
    {"newsgroups", HEADER_COMMON},
    {"originator", HEADER_COMMON},
    {"resent-bcc", HEADER_COMMON},
    {"in-reply-to", HEADER_IN_REPLY_TO},
    {"return-path", HEADER_COMMON},
    {"x-spam-flag", HEADER_COMMON},
    {"x-beenthere", HEADER_COMMON},
    {"content-type", HEADER_COMMON},
    {"mime-version", HEADER_COMMON},
    {"delivered-to", HEADER_COMMON},
    {"mailing-list", HEADER_COMMON},
    {"list-archive", HEADER_COMMON},
    {"x-draft-info", HEADER_COMMON},
    {"chat-version", HEADER_COMMON},
    {"x-spam-status", HEADER_COMMON},
    {"x-original-to", HEADER_COMMON},
    {"mail-reply-to", HEADER_COMMON},
    {"content-class", HEADER_COMMON},
    {"list-subscribe", HEADER_COMMON},
    {"auto-submitted", HEADER_COMMON},
    {"x-mailing-list", HEADER_COMMON},
    {"list-unsubscribe", HEADER_COMMON},
    {"mail-followup-to", HEADER_COMMON},
    {"return-receipt-to", HEADER_COMMON},
    {"x-k9mail-identity", HEADER_COMMON},
    {"content-description", HEADER_COMMON},
    {"list-unsubscribe-post", HEADER_COMMON},
    {"x-calendar-attachment", HEADER_COMMON},
    {"content-transfer-encoding", HEADER_COMMON},
    {"x-uniform-type-identifier", HEADER_COMMON},
    {"disposition-notification-to", HEADER_COMMON},
    {"x-universally-unique-identifier", HEADER_COMMON},
};
#define COUNT (sizeof names / sizeof *names)

/* first[n]: the first row whose name has n octets or more. */
static unsigned char first[LONGEST + 2];

static void
find_lengths(void)
{
	size_t i = 0;
	for (size_t n = 0; n < LONGEST + 2; n++) {
		while (i < COUNT && strnlen(names[i].name, LONGEST) < n)
			i++;
		first[n] = (unsigned char)i;
	}
}

enum header_name
header_name(char const *name, size_t len)
{
	if (len < 2 || len > LONGEST)
		return HEADER_OTHER;
	if (!first[LONGEST + 1])
		find_lengths();
	char const c = ascii_tolower(*name);
	for (unsigned int i = first[len]; i < first[len + 1]; i++) {
		size_t k = 1;
		if (names[i].name[0] != c)
			continue;
		while (k < len && ascii_tolower(name[k]) == names[i].name[k])
			k++;
		if (k == len)
			return names[i].is;
	}
	return HEADER_OTHER;
}
