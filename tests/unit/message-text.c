// libs: -lunistring
/* What is kept of a message: base subjects, sort keys, message ids, previews, common headers. */
#include "lib/message-text.h"

#include <stdlib.h>

#include "lib/header-name.h"
#include "lib/html-text.h"
#include "lib/imap-text.h"
#include "lib/message-sort.h"
#include "lib/message-thread.h"
#include "lib/sa.h"
#include "lib/utf8.h"
#include "tests/unit/tap.h"

static struct arena arena;

/* ---- RFC 5256 2.1 ---- */

/* clang-format off */
static struct {
	char const *subject, *base;
	int reply;
} const subjects[] = {
	{"hello", "hello", 0},
	{"", "", 0},
	{"   ", "", 0},
	{"  hello  there ", "hello there", 0},
	{"hello\tthere", "hello there", 0},
	{"Re: hello", "hello", 1},
	{"RE:hello", "hello", 1},
	{"re : hello", "hello", 1},
	{"Fw: hello", "hello", 1},
	{"FWD: hello", "hello", 1},
	{"Re[2]: hello", "hello", 1},
	{"Re [2] : hello", "hello", 1},
	{"Re: Fwd: Re: hello", "hello", 1},
	{"Re hello", "Re hello", 0},
	{"Res: hello", "Res: hello", 0},
	{"Aw: hello", "Aw: hello", 0},
	{"hello (fwd)", "hello", 1},
	{"hello (FWD) (fwd)  ", "hello", 1},
	{"(fwd)", "", 1},
	{"hello (fwd) there", "hello (fwd) there", 0},
	{"[list] hello", "hello", 0},
	{"[list] Re: hello", "hello", 1},
	{"Re: [list] hello", "hello", 1},
	{"[a] [b][c] hello", "hello", 0},
	{"[a] [b] Re: [c] Fwd: hello", "hello", 1},
	{"[list]", "[list]", 0},
	{"[a] [b]", "[b]", 0},
	{"Re: [list]", "[list]", 1},
	{"[list] Re:", "", 1},
	{"[unclosed hello", "[unclosed hello", 0},
	{"[a[b] hello", "[a[b] hello", 0},
	{"[fwd: hello]", "hello", 1},
	{"[Fwd: Re: hello (fwd)]", "hello", 1},
	{"[fwd: [fwd: hello]]", "hello", 1},
	{"Re: [fwd: [list] hello]", "hello", 1},
	{"[fwd: hello", "[fwd: hello", 0},
	{"[fwd:]", "", 1},
	{"[fwd: hello] (fwd)", "hello", 1},
	{"Re:", "", 1},
	{"Re: Re:", "", 1},
	{"[]", "[]", 0},
	{"[] x", "x", 0},
	{"[x] (fwd)", "[x]", 1},
};
/* clang-format on */

static void
test_subjects(void)
{
	for (unsigned int i = 0; i < sizeof subjects / sizeof *subjects; i++) {
		char text[200];
		size_t from;
		int reply;
		strcpy(text, subjects[i].subject);
		size_t const n = base_subject(text, strlen(text), &from, &reply);
		tap_mem(subjects[i].subject, text + from, n, subjects[i].base,
		    strlen(subjects[i].base));
		tap_ok(reply == subjects[i].reply, "reply: %s", subjects[i].subject);
	}
}

/* ---- one kind of a message ---- */

static struct message_texts texts;

static int
make(char const *msg, enum message_text kind, charset_open_fn *otherwise)
{
	size_t const n = strlen(msg);
	arena_reset(&arena);
	message_texts_make_by(&texts, &arena, msg, n, header_len(msg, n), 1u << kind, otherwise);
	return texts.has == 1u << kind;
}

/* ---- sort keys ---- */

static void
sort_of(char const *msg, struct message_sort *k)
{
	memset(k, 0, sizeof *k);
	if (!make(msg, TEXT_SORT, charset_iconv) ||
	    !message_sort_keys(k, texts.s[TEXT_SORT], texts.len[TEXT_SORT]))
		tap_ok(0, "sort keys of %s", msg);
}

/* clang-format off */
static struct {
	char const *msg, *subject, *from, *to, *cc, *display_from, *display_to;
	int64_t date;
	int reply;
} const sorts[] = {
	{"Subject: Re: Hello\nFrom: Joe Doe <joe@example.org>\nTo: ann@example.org\nCc: Bob <bob@example.org>\n"
	 "Date: Mon, 1 Jan 2001 00:00:00 +0100\n\n",
	 "HELLO", "JOE", "ANN", "BOB", "JOE DOE", "ANN@EXAMPLE.ORG", 978303600, 1},
	{"\n", "", "", "", "", "", "", INT64_MIN, 0},
	{"From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\n\n", "", "J", "", "", "JO\xCC\x88RG", "", INT64_MIN, 0},
	{"From: \"\" <j@example.org>\n\n", "", "J", "", "", "J@EXAMPLE.ORG", "", INT64_MIN, 0},
	{"To: a group: x@example.org;\n\n", "", "", "A GROUP", "", "", "A GROUP", INT64_MIN, 0},
	{"To: postmaster\n\n", "", "", "POSTMASTER", "", "", "POSTMASTER", INT64_MIN, 0},
	{"To: b@x, a@x\nTo: c@x\n\n", "", "", "B", "", "", "B@X", INT64_MIN, 0},
	{"Subject: =?iso-8859-1?q?[list]_Re:_h=E9?=\n\n", "HE\xCC\x81", "", "", "", "", "", INT64_MIN, 1},
	{"Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\n\n", "\xE6\x97\xA5\xE6\x9C\xAC", "", "", "", "", "", INT64_MIN, 0},
	{"Subject: a\n b\r\n\tc\n\n", "A B C", "", "", "", "", "", INT64_MIN, 0},
	{"Date: nonsense\n\n", "", "", "", "", "", "", INT64_MIN, 0},
	{"Date: 31 Dec 2000 16:01:33 -0800\n\n", "", "", "", "", "", "", 978307293, 0},
	{"Date: 1 Jan 2001\n\n", "", "", "", "", "", "", 978307200, 0},
};
/* clang-format on */

static void
test_sort(void)
{
	for (unsigned int i = 0; i < sizeof sorts / sizeof *sorts; i++) {
		struct message_sort k;
		sort_of(sorts[i].msg, &k);
#define KEY(key) tap_mem(#key, k.key, k.key##_len, sorts[i].key, strlen(sorts[i].key))
		KEY(subject);
		KEY(from);
		KEY(to);
		KEY(cc);
		KEY(display_from);
		KEY(display_to);
		tap_num("date", k.date, sorts[i].date);
		tap_num("reply", k.reply, sorts[i].reply);
	}
	tap_ok(!make("Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\n\n", TEXT_SORT, 0),
	    "left out where a charset is not to be had");
	struct message_sort k;
	sort_of(sorts[0].msg, &k);
	unsigned int taken = 0;
	for (size_t n = 0; n < texts.len[TEXT_SORT]; n++)
		taken += (unsigned int)message_sort_keys(&k, texts.s[TEXT_SORT], n);
	tap_num("damaged at every length: not taken", taken, 0);
}

static void
test_long(void)
{
	stralloc msg = STRALLOC_ZERO;
	struct message_sort k;
	sa_cats(&msg, "Subject: ");
	for (unsigned int i = 0; i < 70000; i++)
		sa_cats(&msg, "\xC3\xBC");
	sa_cats(&msg, "\nMessage-ID: <own@x>\nReferences:");
	for (unsigned int i = 0; i < 10000; i++)
		sa_catf(&msg, " <%u@x>\n", i);
	sa_cats(&msg, "\n");
	sort_of(sa_str(&msg), &k);
	tap_num("a long key is cut", k.subject_len, MESSAGE_SORT_MAX);
	tap_ok(make(sa_str(&msg), TEXT_THREAD, 0), "many references fit");
	tap_ok(texts.len[TEXT_THREAD] <= MESSAGE_TEXT_MAX, "into what is kept");
	tap_ok(texts.len[TEXT_THREAD] > 7 && !memcmp(texts.s[TEXT_THREAD], "own@x\n", 6) &&
		   !memcmp(texts.s[TEXT_THREAD] + texts.len[TEXT_THREAD] - 8, "\n9999@x\n", 8),
	    "the last ones stay");
	tap_ok(!make(sa_str(&msg), TEXT_HEADERS, 0), "too long a text is left out");
	tap_ok(!make(sa_str(&msg), TEXT_ENVELOPE, 0), "as is ENVELOPE");
	stralloc_free(&msg);
}

/* ---- message ids (RFC 5256 3) ---- */

/* clang-format off */
static struct {
	char const *name, *msg, *ids;
} const threads[] = {
	{"none", "Subject: x\n\n", "\n"},
	{"its own", "Message-ID: <a@x>\n\n", "a@x\n"},
	{"quoted is the same", "Message-Id: <\"01KF8\"@xxx.yyy.com>\n\n", "01KF8@xxx.yyy.com\n"},
	{"quoted pair", "Message-ID: <\"a\\b\"@x>\n\n", "ab@x\n"},
	{"comments", "Message-ID: (c <no@x>) < a (c) . b @ x (c)>(c)\n\n", "a.b@x\n"},
	{"case stays", "Message-ID: <AbC@X>\n\n", "AbC@X\n"},
	{"references", "Message-ID: <c@x>\nReferences: <a@x>\n\t<b@x>\n\n", "c@x\na@x\nb@x\n"},
	{"references without blanks", "References: <a@x><b@x>\n\n", "\na@x\nb@x\n"},
	{"references with other text", "References: your message <a@x> of (today) <b@x>, z\n\n", "\na@x\nb@x\n"},
	{"twice the same", "References: <a@x> <a@x> <b@x> <a@x>\n\n", "\na@x\nb@x\na@x\n"},
	{"In-Reply-To", "In-Reply-To: <p@x>\n\n", "\np@x\n"},
	{"the first of In-Reply-To", "In-Reply-To: <p@x> <q@x>\n\n", "\np@x\n"},
	{"In-Reply-To with an address", "In-Reply-To: Message from Joe <joe@x> of <p@x>\n\n", "\njoe@x\n"},
	{"References go first", "References: <a@x>\nIn-Reply-To: <p@x>\n\n", "\na@x\n"},
	{"References without an id", "References: none\nIn-Reply-To: <p@x>\n\n", "\np@x\n"},
	{"empty References", "References:\nIn-Reply-To: <p@x>\n\n", "\np@x\n"},
	{"no at sign is no id", "Message-ID: <abc>\nReferences: <> <x> <a@x>\n\n", "\na@x\n"},
	{"odd but in use", "Message-ID: <a:b;c@[1]@x y>\n\n", "a:b;c@[1]@xy\n"},
	{"never closed", "Message-ID: <a@x\n\n", "\n"},
	{"bracket in bracket", "References: <a <b@x>\n\n", "\nb@x\n"},
	{"a comment that never ends", "In-Reply-To: :-( see <p@x>\n\n", "\np@x\n"},
	{"domain literal", "Message-ID: <a@[192.0.2.1]>\n\n", "a@[192.0.2.1]\n"},
	{"folded id", "References: <a\n @x>\n\n", "\na@x\n"},
};
/* clang-format on */

static void
test_thread(void)
{
	for (unsigned int i = 0; i < sizeof threads / sizeof *threads; i++) {
		int const made = make(threads[i].msg, TEXT_THREAD, 0);
		tap_mem(threads[i].name, texts.s[TEXT_THREAD], made ? texts.len[TEXT_THREAD] : 0,
		    threads[i].ids, strlen(threads[i].ids));
	}
	size_t at = 0, n;
	char const *id;
	tap_ok(message_thread_keys("a@x\nb@x\n", 8, &at, &id, &n) && n == 3 && *id == 'a', "own");
	tap_ok(message_thread_keys("a@x\nb@x\n", 8, &at, &id, &n) && n == 3 && *id == 'b', "next");
	tap_ok(!message_thread_keys("a@x\nb@x\n", 8, &at, &id, &n), "end");
	at = 0;
	tap_ok(message_thread_keys("\n", 1, &at, &id, &n) && !n, "no own");
	stralloc msg = STRALLOC_ZERO;
	sa_cats(&msg, "References: ");
	for (unsigned int i = 0; i < 200000; i++)
		sa_cats(&msg, "<a@[");
	sa_cats(&msg, "\n\n");
	tap_ok(make(sa_str(&msg), TEXT_THREAD, 0) && texts.len[TEXT_THREAD] == 1,
	    "brackets without end take no time");
	stralloc_free(&msg);
}

/* ---- previews (RFC 8970) ---- */

#define MULTI(kind, parts)                                                                         \
	"MIME-Version: 1.0\nContent-Type: multipart/" kind "; boundary=b\n\n" parts "--b--\n"
#define PART(type, text) "--b\nContent-Type: " type "\n\n" text "\n"

/* clang-format off */
static struct {
	char const *name, *msg, *preview;
} const previews[] = {
	{"plain", "Subject: x\n\nHello\nworld\n", "Hello world"},
	{"no body", "Subject: x\n\n", ""},
	{"no header end", "Subject: x\n", ""},
	{"blanks", "\n  Hello \t\r\n\r\n\r\n  world  \r\n", "Hello world"},
	{"quoted lines", "\nJoe wrote:\n> one\n>two\n\nAnswer\n", "Answer"},
	{"attribution of two lines", "\nOn Monday, 1 Jan 2024\nJoe <joe@x> wrote:\n\n> one\n\nAnswer\n", "Answer"},
	{"text before the quotation", "\nHi,\n\nAnswer\n\nJoe wrote:\n> one\n", "Hi, Answer"},
	{"a colon without quotation", "\nNote:\nplain\n", "Note: plain"},
	{"signature", "\nText\n-- \nJoe\n", "Text"},
	{"original message", "\nText\n\n-----Original Message-----\nFrom: x\n", "Text"},
	{"all quoted", "\n> x\n> y\n", ""},
	{"base64", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nSMOkbGxv\n", "H\xC3\xA4llo"},
	{"quoted-printable, latin1", "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nH=E4l=\nlo\n", "H\xC3\xA4llo"},
	{"iso-2022-jp", "Content-Type: text/plain; charset=iso-2022-jp\n\n\033$BF|K\\\033(B\n", "\xE6\x97\xA5\xE6\x9C\xAC"},
	{"unknown charset", "Content-Type: text/plain; charset=x-none\n\nabc\n", "abc"},
	{"no charset, UTF-8", "Content-Type: text/plain\n\n\xC3\xA4\xFFz\n", "\xC3\xA4\xEF\xBF\xBDz"},
	{"unknown encoding", "Content-Type: text/plain\nContent-Transfer-Encoding: x-none\n\nabc\n", ""},
	{"no text", "Content-Type: image/png\n\nabc\n", ""},
	{"html", "Content-Type: text/html\n\n<html><head><title>T</title><style>p{}</style></head><body><p>Hello <b>wor</b>ld</p>\n<p>x</body>", "Hello world x"},
	{"html: script, comment", "Content-Type: text/html\n\n<SCRIPT>a<b</ScRipt >x<!-- > y --> z<!doctype html>", "x z"},
	{"html: attributes", "Content-Type: text/html\n\n<a title=\"a>b\" href='x>y'>link</a>", "link"},
	{"html: references", "Content-Type: text/html\n\na&nbsp;&amp;&lt;&#228;&#xE4;&euro;&nosuch;&", "a &<\xC3\xA4\xC3\xA4\xE2\x82\xAC&nosuch;&"},
	{"html: blockquote", "Content-Type: text/html\n\n<p>New</p><blockquote>old<blockquote>older</blockquote></blockquote>more", "New more"},
	{"html: padding", "Content-Type: text/html\n\nShown&nbsp;&zwnj;&nbsp;&zwnj;&#8203;&#847; <p>Text", "Shown Text"},
	{"html: less than", "Content-Type: text/html\n\n1 < 2 <br>3 > 2", "1 < 2 3 > 2"},
	{"html: unfinished tag", "Content-Type: text/html\n\ntext <a href=\"", "text"},
	{"html: style never ends", "Content-Type: text/html\n\ntext <style>p{", "text"},
	{"alternative: plain", MULTI("alternative", PART("text/html", "<p>html") PART("text/plain", "plain")), "plain"},
	{"alternative: plain is empty", MULTI("alternative", PART("text/plain", "  ") PART("text/html", "<p>html")), "html"},
	{"mixed: the first", MULTI("mixed", PART("text/html", "<p>html") PART("text/plain", "footer")), "html"},
	{"mixed: image first", MULTI("mixed", PART("image/png", "xx") PART("text/plain", "plain")), "plain"},
	{"attachments do not count", MULTI("mixed", PART("text/plain\nContent-Disposition: attachment; filename=x", "no") PART("text/plain", "yes")), "yes"},
	{"an attached message does not count", MULTI("mixed", PART("message/rfc822", "Subject: y\n\ninner") PART("text/plain", "yes")), "yes"},
	{"digits of invisible", "\na\xE2\x80\x8B\xC2\xAD" "b\n", "ab"},
	{"control characters", "\na\x01\x7F" "b\n", "a b"},
};
/* clang-format on */

static void
test_preview(void)
{
	for (unsigned int i = 0; i < sizeof previews / sizeof *previews; i++) {
		int const made = make(previews[i].msg, TEXT_PREVIEW, charset_iconv);
		tap_mem(previews[i].name, texts.s[TEXT_PREVIEW], made ? texts.len[TEXT_PREVIEW] : 0,
		    previews[i].preview, strlen(previews[i].preview));
		tap_ok(made, "%s: made", previews[i].name);
	}
	tap_ok(!make("Content-Type: text/plain; charset=iso-2022-jp\n\nx\n", TEXT_PREVIEW, 0),
	    "left out where a charset is not to be had");
	/* The cut: 200 characters, whole ones, wherever it falls. */
	unsigned int bad = 0;
	for (unsigned int lead = 0; lead < 5; lead++) {
		stralloc msg = STRALLOC_ZERO;
		sa_cats(&msg, "Content-Type: text/plain; charset=utf-8\n\n");
		for (unsigned int i = 0; i < lead; i++)
			sa_append(&msg, 'x');
		for (unsigned int i = 0; i < 90000; i++)
			sa_cats(&msg, "\xF0\x9F\x98\x80");
		make(sa_str(&msg), TEXT_PREVIEW, 0);
		bad += texts.len[TEXT_PREVIEW] != lead + (200 - lead) * 4 ||
		       !utf8_valid(texts.s[TEXT_PREVIEW], texts.len[TEXT_PREVIEW]);
		stralloc_free(&msg);
	}
	tap_num("cut between characters", bad, 0);
	stralloc msg = STRALLOC_ZERO;
	sa_cats(&msg, "Content-Type: text/html\n\n<style>");
	for (unsigned int i = 0; i < 10000; i++)
		sa_cats(&msg, "p { x }\n");
	sa_cats(&msg, "</style>behind");
	make(sa_str(&msg), TEXT_PREVIEW, 0);
	tap_mem("behind a long style", texts.s[TEXT_PREVIEW], texts.len[TEXT_PREVIEW], "behind", 6);
	stralloc_free(&msg);
}

/* ---- the rest ---- */

static void
test_headers(void)
{
	make("Subject: a\n b\nX-Other: no\nFROM: x\r\nReceived: no\nto : y\nList-Id: z\nnot a "
	     "field\nCC: end",
	    TEXT_HEADERS, 0);
	char const want[] = "Subject: a\r\n b\r\nFROM: x\r\nto : y\r\nList-Id: z\r\nCC: end\r\n";
	tap_mem("headers", texts.s[TEXT_HEADERS], texts.len[TEXT_HEADERS], want, sizeof want - 1);
	static char const *const common[] = {"to", "CC", "Date", "subject", "MESSAGE-ID",
	    "content-type", "x-universally-unique-identifier", "LIST-UNSUBSCRIBE",
	    "list-unsubscribe-post", "lines", "Disposition-Notification-To"};
	static char const *const other[] = {"", "t", "tu", "received",
	    "x-universally-unique-identifiex", "x-universally-unique-identifier2", "subjec",
	    "subject:", "autocrypt"};
	for (unsigned int i = 0; i < sizeof common / sizeof *common; i++)
		tap_ok(message_text_common(common[i], strlen(common[i])), "common: %s", common[i]);
	for (unsigned int i = 0; i < sizeof other / sizeof *other; i++)
		tap_ok(!message_text_common(other[i], strlen(other[i])), "other: %s", other[i]);
	tap_num("in-reply-to", header_name("IN-reply-TO", 11), HEADER_IN_REPLY_TO);
}

/* All at once give what each alone gives, and what IMAP would make. */
static void
test_all(void)
{
	char const msg[] = "Subject: x\nFrom: a@x\nMessage-ID: <a@x>\n" MULTI(
	    "mixed", PART("text/plain", "plain") PART("text/html", "html"));
	struct message_texts all;
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	size_t const n = sizeof msg - 1, body = header_len(msg, n);
	message_texts_make(&all, &a, msg, n, body, TEXT_ALL);
	tap_num("all kinds", all.has, TEXT_ALL);
	for (unsigned int k = 0; k < TEXT_KINDS; k++) {
		make(msg, (enum message_text)k, charset_iconv);
		tap_mem("alone as together", texts.s[k], texts.len[k], all.s[k], all.len[k]);
	}
	imap_envelope(&out, &a, msg, body);
	tap_mem("ENVELOPE", all.s[TEXT_ENVELOPE], all.len[TEXT_ENVELOPE], out.s, out.len);
	struct mime_part const *root = mime_parse(&a, msg, n);
	for (int extended = 0; extended < 2; extended++) {
		unsigned int const k = extended ? TEXT_BODYSTRUCTURE : TEXT_BODY;
		sa_reset(&out);
		imap_bodystructure(&out, &a, msg, root, extended);
		tap_mem("structure", all.s[k], all.len[k], out.s, out.len);
	}
	message_texts_make(&all, &a, msg, body, body, TEXT_FROM_HEADER);
	tap_num("from the header alone", all.has, TEXT_FROM_HEADER);
	message_texts_make(&all, &a, "", 0, 0, TEXT_ALL);
	tap_num("of nothing", all.has, TEXT_ALL);
	stralloc_free(&out);
	arena_free(&a);
}

int
main(void)
{
	test_subjects();
	test_sort();
	test_long();
	test_thread();
	test_preview();
	test_headers();
	test_all();
	arena_free(&arena);
	return tap_done();
}
