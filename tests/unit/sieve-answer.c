/* What a script sends of its own (sieve/answer.h), what is remembered of it (sieve/state.h), and
 * changed headers (sieve/edit.h). */
// libs: -lunistring
#include "sieve/answer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sa.h"
#include "sieve/edit.h"
#include "tests/unit/tap.h"

static char const *const mine[] = {"third@example.test", 0};

/* ---- is an answer due? ---- */

static struct {
	char const *sender, *header, *why; /* why null: due */
} const due[] = {
    {"a@b.test", "To: alice@example.test\n", 0},
    {"a@b.test", "To: x@y.test\nCc: Alice <ALICE@Example.Test>\n", 0},
    {"a@b.test", "Bcc: info@example.test\n", 0},
    {"a@b.test", "Resent-To: third@example.test\n", 0},
    {"a@b.test", "To: group: x@y.test, alice@example.test;\n", 0},
    {"a@b.test", "To: alice+news@example.test\n", 0},
    {"a@b.test", "To:\n alice@example.test\n", 0},
    {"a@b.test", "To: alice@example.test\nAuto-Submitted: no\n", 0},
    {"a@b.test", "To: alice@example.test\nAuto-Submitted: no (really)\n", 0},
    {"a@b.test", "To: alice@example.test\nPrecedence: first-class\n", 0},
    {"a@b.test", "To: alice@example.test\nX-Auto-Response-Suppress: DR\n", 0},
    {"owners@b.test", "To: alice@example.test\n", 0},
    {"request@b.test", "To: alice@example.test\n", 0},
    {"", "To: alice@example.test\n", "no-sender"},
    {"postmaster", "To: alice@example.test\n", "no-sender"},
    {"MAILER-DAEMON@b.test", "To: alice@example.test\n", "machine"},
    {"postmaster@b.test", "To: alice@example.test\n", "machine"},
    {"Owner-list@b.test", "To: alice@example.test\n", "machine"},
    {"list-request@b.test", "To: alice@example.test\n", "machine"},
    {"list-bounces+x@b.test", "To: alice@example.test\n", "machine"},
    {"bounces+x=y@b.test", "To: alice@example.test\n", "machine"},
    {"list-bounces@b.test", "To: alice@example.test\n", "machine"},
    {"no-reply@b.test", "To: alice@example.test\n", "machine"},
    {"majordomo@b.test", "To: alice@example.test\n", "machine"},
    {"alice@example.test", "To: alice@example.test\n", "own"},
    {"THIRD@example.test", "To: alice@example.test\n", "own"},
    {"alice+x@example.test", "To: alice@example.test\n", "own"},
    {"a@b.test", "To: alice@example.test\nList-Id: <l.b.test>\n", "list"},
    {"a@b.test", "To: alice@example.test\nlist-unsubscribe: <mailto:x@b.test>\n", "list"},
    {"a@b.test", "To: alice@example.test\nPrecedence: Bulk\n", "precedence"},
    {"a@b.test", "To: alice@example.test\nPrecedence: list\n", "precedence"},
    {"a@b.test", "To: alice@example.test\nPrecedence: junk\n", "precedence"},
    {"a@b.test", "To: alice@example.test\nAuto-Submitted: auto-replied\n", "auto-submitted"},
    {"a@b.test", "To: alice@example.test\nAuto-Submitted:\n", "auto-submitted"},
    {"a@b.test",
	"To: alice@example.test\nAuto-Submitted: no\nAuto-Submitted: auto-generated; x=y\n",
	"auto-submitted"},
    {"a@b.test", "To: alice@example.test\nX-Auto-Response-Suppress: OOF, AutoReply\n",
	"suppressed"},
    {"a@b.test", "To: other@example.test\n", "not-addressed"},
    {"a@b.test", "Subject: alice@example.test\n", "not-addressed"},
    {"a@b.test", "To: alice@other.test\n", "not-addressed"},
    {"a@b.test", "To: alicex@example.test\n", "not-addressed"},
    {"a@b.test", "", "not-addressed"},
};

static void
decide(void)
{
	struct arena a = ARENA_ZERO;
	struct sieve_vacation const v = {.reason = "x", .addresses = mine};
	for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
		struct sieve_envelope const e = {
		    due[i].sender, "info@example.test", "alice@example.test"};
		struct sieve_trigger t = {.msg = due[i].header,
		    .n = strlen(due[i].header),
		    .envelope = &e,
		    .separators = "+-"};
		char const *from = 0, *why = sieve_vacation_refused(&a, &v, &t, &from);
		char name[200];
		snprintf(name, sizeof name, "from %s: %s", due[i].sender, due[i].header);
		tap_str(name, why ? why : "due", due[i].why ? due[i].why : "due");
		t.junk = 1;
		if (!due[i].why)
			tap_str("junk", sieve_vacation_refused(&a, &v, &t, &from), "junk");
	}
	arena_free(&a);
}

/* ---- its text ---- */

/* Fields of what was written, "Name: value" as people read them. */
static void
has(char const *name, stralloc const *msg, char const *want)
{
	struct arena a = ARENA_ZERO;
	char const *const colon = strchr(want, ':');
	char *const field = xstrndup(want, (size_t)(colon - want));
	char const *const got = sieve_answer_field(&a, msg->s, msg->len, field);
	char what[300];
	snprintf(what, sizeof what, "%s: %s", name, field);
	tap_str(what, got ? got : "none", colon[1] ? colon + 2 : "none");
	free(field);
	arena_free(&a);
}

#define REASON "I am away.\n"
static struct {
	char const *name, *header;
	struct sieve_vacation v;
	char const *fields[8];
	char const *body;
} const answers[] = {
    {"plain", "Message-ID: <1@b.test>\nSubject: lunch\n", {.reason = REASON},
	{"From: <alice@example.test>", "To: <a@b.test>", "Subject: Auto: lunch",
	    "In-Reply-To: <1@b.test>", "References: <1@b.test>", "Auto-Submitted: auto-replied",
	    "MIME-Version: 1.0"},
	"\n\nI am away.\n"},
    {"a thread", "Message-ID: <3@b.test>\nReferences: <1@b.test>\n\t<2@b.test> junk <>\n",
	{.reason = REASON},
	{"Subject: Automated reply", "References: <1@b.test> <2@b.test> <3@b.test>"},
	"\n\nI am away.\n"},
    {"no id", "References: <1@b.test>\nSubject:\n", {.reason = REASON},
	{"Subject: Automated reply", "References:", "In-Reply-To:"}, "\n\nI am away.\n"},
    {"an encoded subject", "Subject: =?iso-8859-1?Q?caf=E9?=\n", {.reason = "T\xc3\xa4g"},
	{"Subject: Auto: caf\xc3\xa9", "Content-Transfer-Encoding: quoted-printable",
	    "Content-Type: text/plain; charset=utf-8"},
	"\n\nT=C3=A4g\n"},
    {"its own subject and sender", "Subject: x\n",
	{.reason = REASON, .subject = "weg\r\nBcc: x@y.test", .from = "Al <al@example.test>"},
	{"Subject: weg  Bcc: x@y.test", "From: \"Al\" <al@example.test>", "Bcc:"}, "\n\nI am away.\n"},
    {"mime", "Subject: x\n",
	{.reason = "Content-Type: text/html\nBcc: x@y.test\n\n<p>away</p>", .mime = 1},
	{"Content-Type: text/html", "Bcc:", "MIME-Version: 1.0"}, "\n\n<p>away</p>\n"},
};

static void
write_answers(void)
{
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	struct sieve_envelope const e = {"a@b.test", "alice@example.test", "alice@example.test"};
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct sieve_trigger const t = {.msg = answers[i].header,
		    .n = strlen(answers[i].header),
		    .envelope = &e,
		    .host = "mx.example.test",
		    .now = 1000000000};
		out.len = 0;
		sieve_vacation_write(&out, &a, &answers[i].v, &t, "alice@example.test");
		for (size_t k = 0; answers[i].fields[k]; k++)
			has(answers[i].name, &out, answers[i].fields[k]);
		size_t const n = strlen(answers[i].body);
		tap_ok(out.len > n && !memcmp(out.s + out.len - n, answers[i].body, n),
		    "%s: its text", answers[i].name);
	}
	has("any", &out, "Date: Sun, 09 Sep 2001 01:46:40 +0000");
	tap_ok(
	    memmem(out.s, out.len, "@mx.example.test>\n", 18) != 0, "any: its id is of this host");
	char *const large = xmalloc(ANSWER_TEXT_MAX + 10);
	memset(large, 'a', ANSWER_TEXT_MAX + 9);
	large[ANSWER_TEXT_MAX + 9] = 0;
	struct sieve_vacation const v = {.reason = large};
	struct sieve_trigger const t = {.msg = "", .n = 0, .envelope = &e, .host = "h"};
	out.len = 0;
	sieve_vacation_write(&out, &a, &v, &t, "alice@example.test");
	tap_ok(out.len < ANSWER_TEXT_MAX * 11 / 10 && out.len > ANSWER_TEXT_MAX,
	    "of a longer text the end is left out");
	free(large);
	stralloc_free(&out);
	arena_free(&a);
}

static void
keys(void)
{
	static struct sieve_vacation const v[] = {{.reason = "a"}, {.reason = "b"},
	    {.reason = "a", .subject = "a"}, {.reason = "a", .subject = ""},
	    {.reason = "a", .from = "a"}, {.reason = "a", .mime = 1},
	    {.reason = "a", .handle = "h"}, {.reason = "a", .handle = "i"}};
	unsigned char key[8][SIEVE_KEY], other[SIEVE_KEY];
	int differ = 1;
	for (size_t i = 0; i < 8; i++) {
		sieve_vacation_key(key[i], &v[i], "a@b.test");
		for (size_t k = 0; k < i; k++)
			differ &= memcmp(key[i], key[k], SIEVE_KEY) != 0;
	}
	tap_ok(differ, "different answers have different keys");
	struct sieve_vacation const h = {.reason = "zzz", .subject = "y", .handle = "h"};
	sieve_vacation_key(other, &h, "A@B.test");
	tap_ok(!memcmp(other, key[6], SIEVE_KEY),
	    "those with one handle have one, whatever the sender's case");
	sieve_vacation_key(other, &v[0], "c@b.test");
	tap_ok(memcmp(other, key[0], SIEVE_KEY) != 0, "another sender has another");
}

/* ---- mailto ---- */

/* result: "to,to;cc;subject;body;name=value" or "!part of the error" */
static struct {
	char const *uri, *result;
} const uris[] = {
    {"mailto:a@b.test", "a@b.test;;-;-;"},
    {"MAILTO:a@b.test,c@d.test", "a@b.test,c@d.test;;-;-;"},
    {"mailto:a%40b.test", "a@b.test;;-;-;"},
    {"mailto:?to=a@b.test&cc=c@d.test", "a@b.test;c@d.test;-;-;"},
    {"mailto:a@b.test?subject=a%20b&body=x%0D%0Ay", "a@b.test;;a b;x\r\ny;"},
    {"mailto:a@b.test?Subject=caf%C3%A9", "a@b.test;;caf\xc3\xa9;-;"},
    {"mailto:a@b.test?x-thing=1&from=e@f.test&bcc=g@h.test&received=x&auto-submitted=no&content-"
     "type=x",
	"a@b.test;;-;-;x-thing=1"},
    {"mailto:a@b.test?subject=", "a@b.test;;;-;"},
    {"mailto:a@b.test?&&subject=x", "a@b.test;;x;-;"},
    {"mailto:", "!no address"},
    {"mailto:?subject=x", "!no address"},
    {"mailto:a", "!that is none"},
    {"mailto:a@b.test,", "a@b.test;;-;-;"},
    {"mailto:,a@b.test", "!that is none"},
    {"mailto:a@b.test%0d%0aRCPT", "!that is none"},
    {"mailto:a%zz@b.test", "!that is none"},
    {"mailto:a@b.test?subject=%ff", "!no UTF-8"},
    {"mailto:a@b.test?subject=%00", "!no UTF-8"},
    {"mailto:a@b.test?x", "!field"},
    {"mailto:a@b.test?x%20y=1", "!field"},
    {"mailto:a@b.test?=1", "!field"},
    {"xmpp:a@b.test", "!no mailto"},
    {"mailto:1@b.t,2@b.t,3@b.t,4@b.t,5@b.t,6@b.t,7@b.t,8@b.t,9@b.t", "!too many addresses"},
    {"mailto:1@b.t?a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=&l=&m=&n=&o=&p=&q=", "!too many fields"},
};

static void
parse_uris(void)
{
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
		struct sieve_mailto m;
		char const *error = 0;
		if (sieve_mailto_parse(&m, &a, uris[i].uri, &error) < 0) {
			tap_ok(*uris[i].result == '!' && strstr(error, uris[i].result + 1),
			    "%s: %s", uris[i].uri, error);
			continue;
		}
		out.len = 0;
		for (unsigned int k = 0; k < m.to_count; k++)
			sa_catf(&out, "%s%s", k ? "," : "", m.to[k]);
		for (unsigned int k = 0; k < m.cc_count; k++)
			sa_catf(&out, "%s%s", k ? "," : ";", m.cc[k]);
		sa_catf(&out, "%s;%s;%s;", m.cc_count ? "" : ";", m.subject ? m.subject : "-",
		    m.body ? m.body : "-");
		for (unsigned int k = 0; k < m.fields; k++)
			sa_catf(&out, "%s%s=%s", k ? "," : "", m.field[k][0], m.field[k][1]);
		tap_str(uris[i].uri, sa_str(&out), uris[i].result);
	}
	stralloc_free(&out);
	arena_free(&a);
}

static void
notify(void)
{
	struct arena a = ARENA_ZERO;
	stralloc out = STRALLOC_ZERO;
	char const *error;
	struct sieve_envelope const e = {"a@b.test", "alice@example.test", "alice@example.test"};
	char const *const msg = "Subject: lunch\nFrom: A <a@b.test>\nMessage-ID: <1@b.test>\n";
	struct sieve_trigger t = {
	    .msg = msg, .n = strlen(msg), .envelope = &e, .host = "h.test", .now = 1000000000};
	struct sieve_notify n = {.importance = '1', .message = "you have mail"};
	struct sieve_mailto m;
	sieve_mailto_parse(&m, &a, "mailto:x@y.test?cc=z@y.test&x-kind=1&body=hello", &error);
	sieve_notify_write(&out, &a, &n, &m, &t);
	tap_ok(!strncmp(out.s,
		   "Auto-Submitted: auto-notified; owner-email=\"alice@example.test\"\n", 63),
	    "first of all says that it is automatic");
	static char const *const fields[] = {"From: <alice@example.test>", "To: x@y.test",
	    "Cc: z@y.test", "Subject: you have mail", "Importance: High", "X-Kind: 1",
	    "References: <1@b.test>"};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		has("notification", &out, fields[i]);
	tap_ok(!memcmp(out.s + out.len - 8, "\n\nhello\n", 8), "notification: its text");
	sieve_mailto_parse(&m, &a, "mailto:x@y.test", &error);
	n = (struct sieve_notify){.importance = '3', .from = "Al <al@example.test>"};
	out.len = 0;
	sieve_notify_write(&out, &a, &n, &m, &t);
	has("by default", &out, "Subject: lunch");
	has("by default", &out, "From: \"Al\" <al@example.test>");
	has("by default", &out, "Importance: Low");
	tap_ok(memmem(out.s, out.len,
		   "\n\nA message has arrived.\n\nFrom: A <a@b.test>\nSubject: lunch\n", 60) != 0,
	    "by default: its text");
	tap_str("its envelope sender", sieve_notify_sender(&a, &n, &t), "al@example.test");
	n.from = 0;
	tap_str("without :from", sieve_notify_sender(&a, &n, &t), "alice@example.test");
	struct sieve_envelope const none = {"", "alice@example.test", 0};
	t.envelope = &none;
	tap_str("of a message without sender", sieve_notify_sender(&a, &n, &t), "");
	tap_ok(!sieve_notify_refused(&t), "which is told of nevertheless");
	t.msg = "Auto-Submitted: auto-notified; owner-email=\"x@y\"\n";
	t.n = strlen(t.msg);
	tap_str(
	    "of an automatic message nothing is told", sieve_notify_refused(&t), "auto-submitted");
	stralloc_free(&out);
	arena_free(&a);
}

/* ---- state ---- */

static void
key_of(unsigned char *key, unsigned int n)
{
	char s[20], *p = s;
	snprintf(s, sizeof s, "%u", n);
	char const *const texts[] = {p};
	sieve_state_key(key, texts, 1);
}

static void
claims(char const *path)
{
	unsigned char k[SIEVE_KEY], other[SIEVE_KEY];
	int64_t when = 0;
	key_of(k, 1);
	key_of(other, 2);
	tap_num("nothing is known where there is no file", sieve_state_find(path, k, 1000, 0), 0);
	tap_num("the first is due", sieve_state_claim(path, k, 1000, 100, 5000), 1);
	tap_num("not again", sieve_state_claim(path, k, 1000, 100, 5000), 0);
	tap_num("not until the time is over", sieve_state_claim(path, k, 1099, 100, 5000), 0);
	tap_num("it is over", sieve_state_claim(path, k, 1100, 100, 5000), 1);
	tap_num("then anew", sieve_state_claim(path, k, 1199, 100, 5000), 0);
	tap_num("zero seconds: each time", sieve_state_claim(path, k, 1199, 0, 5000), 1);
	tap_num("a clock that was set back", sieve_state_claim(path, k, 900, 100, 5000), 1);
	tap_num("another key", sieve_state_claim(path, other, 1000, 100, 1500), 1);
	tap_ok(sieve_state_find(path, other, 1499, &when) == 1 && when == 1000, "is found");
	tap_num("until its end", sieve_state_find(path, other, 1500, 0), 0);
}

static void
damage(char const *path)
{
	unsigned char k[SIEVE_KEY];
	key_of(k, 3);
	sieve_state_put(path, k, 1000, 9000);
	int fd = open(path, O_WRONLY | O_APPEND);
	tap_ok(write(fd, "torn", 4) == 4, "a record that is torn");
	close(fd);
	tap_num("what was before it is there", sieve_state_find(path, k, 1001, 0), 1);
	key_of(k, 4);
	sieve_state_put(path, k, 1000, 9000);
	tap_num("and so is what comes behind", sieve_state_find(path, k, 1001, 0), 1);
	fd = open(path, O_WRONLY);
	struct stat st;
	fstat(fd, &st);
	for (off_t at = 0; at < st.st_size; at += 7)
		if (pwrite(fd, "x", 1, at) != 1)
			break;
	close(fd);
	tap_num("a damaged file is as empty", sieve_state_find(path, k, 1001, 0), 0);
	tap_num("and takes records", sieve_state_claim(path, k, 1001, 10, 9000), 1);
	tap_num("that are found", sieve_state_claim(path, k, 1001, 10, 9000), 0);
	unlink(path);
	if (symlink("/dev/null", path) == 0)
		tap_num("a link is not followed", sieve_state_put(path, k, 1, 2), -1);
	unlink(path);
}

static void
many(char const *path)
{
	unsigned char k[SIEVE_KEY];
	int bad = 0;
	struct stat st;
	for (unsigned int i = 0; i < SIEVE_STATE_RECORDS + 100; i++) {
		key_of(k, i);
		bad += sieve_state_put(path, k, 1000 + i, 1000000) != 0;
	}
	tap_num("more records than there may be", bad, 0);
	stat(path, &st);
	tap_ok(st.st_size < SIEVE_STATE_RECORDS * 48, "the file does not grow beyond them");
	tap_num("the last is there", sieve_state_find(path, k, 1000, 0), 1);
	key_of(k, SIEVE_STATE_RECORDS / 2);
	tap_num("one of the middle", sieve_state_find(path, k, 1000, 0), 1);
	key_of(k, 0);
	tap_num("the oldest is not", sieve_state_find(path, k, 1000, 0), 0);
	unlink(path);
}

/* Of several processes that claim one key at once, one gets it. */
static void
together(char const *path)
{
	unsigned char k[SIEVE_KEY];
	int won = 0, status;
	key_of(k, 7);
	for (int i = 0; i < 8; i++)
		if (!fork())
			_exit(sieve_state_claim(path, k, 1000, 100, 2000) == 1);
	while (wait(&status) > 0)
		won += WIFEXITED(status) && WEXITSTATUS(status);
	tap_num("of eight processes one claims it", won, 1);
	unlink(path);
}

/* ---- edited headers ---- */

static void
show(struct sieve_edit const *e, char const *name, char const *want)
{
	stralloc s = STRALLOC_ZERO;
	struct sieve_edition const *const r = sieve_edit_result(e);
	for (unsigned int i = 0; r && i < r->count; i++)
		sa_catb(&s, r->pieces[i].s, r->pieces[i].n);
	tap_str(name, r ? sa_str(&s) : "unchanged", want);
	stralloc_free(&s);
}

static void
edit(void)
{
	struct arena a = ARENA_ZERO;
	struct sieve_edit e;
	char const *const msg = "Received: x\nA: 1\nB: 2\na: 3\n\nbody\n";
	sieve_edit_begin(&e, &a, msg, strlen(msg));
	show(&e, "as it was", "unchanged");
	tap_num("the second A", sieve_edit_find(&e, "A", 2, 0), 3);
	tap_num("the last A", sieve_edit_find(&e, "A", 1, 1), 3);
	tap_num("no third A", sieve_edit_find(&e, "A", 3, 0), -1);
	tap_num("nor a none", sieve_edit_find(&e, "A", 0, 0), -1);
	tap_num("Received stays", sieve_edit_delete(&e, 0), 0);
	tap_num("nor is it added", sieve_edit_add(&e, "received", "x", 0), 0);
	show(&e, "still", "unchanged");
	tap_num("added", sieve_edit_add(&e, "X-New", "v", 0), 1);
	tap_num("deleted", sieve_edit_delete(&e, 2), 1);
	tap_num("added behind", sieve_edit_add(&e, "X-Last", "caf\xc3\xa9\nX: y", 1), 1);
	show(&e, "changed",
	    "X-New: v\nReceived: x\nB: 2\na: 3\nX-Last: =?utf-8?B?Y2Fmw6kgWDogeQ==?=\n\nbody\n");
	sieve_edit_begin(&e, &a, "A: 1", 4);
	sieve_edit_add(&e, "B", "2", 1);
	show(&e, "a header without its end", "A: 1\nB: 2\n\n");
	sieve_edit_begin(&e, &a, "", 0);
	sieve_edit_add(&e, "B", "2", 1);
	show(&e, "nothing", "B: 2\n\n");
	sieve_edit_begin(&e, &a, "A: 1\r\n\r\nb\r\n", 11);
	sieve_edit_add(&e, "B", "2", 0);
	show(&e, "CR LF", "B: 2\r\nA: 1\r\n\r\nb\r\n");
	tap_num("a name that is none", sieve_edit_add(&e, "B x", "2", 0), 0);
	for (unsigned int i = 1; i < SIEVE_EDITS_MAX; i++)
		sieve_edit_add(&e, "B", "2", 0);
	tap_num("too many", sieve_edit_add(&e, "B", "2", 0), -1);
	arena_free(&a);
}

int
main(void)
{
	char dir[] = "/tmp/sieve-answer.XXXXXX", path[100];
	if (!mkdtemp(dir))
		return 111;
	setenv("TZ", "UTC", 1);
	snprintf(path, sizeof path, "%s/state", dir);
	decide();
	write_answers();
	keys();
	parse_uris();
	notify();
	claims(path);
	damage(path);
	many(path);
	together(path);
	edit();
	rmdir(dir);
	return tap_done();
}
