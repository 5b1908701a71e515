/* Header fields, addresses, MIME structure, what IMAP says of them, and the wire. */
#include "lib/address.h"
#include "lib/header.h"
#include "lib/imap-text.h"
#include "lib/mime.h"
#include "lib/sa.h"
#include "lib/wire.h"

#include "tests/unit/tap.h"

static struct arena arena;

static void
check_header(void)
{
	static char const msg[] = "A: 1\r\nno field\nB :\t2\n 3\r\n\t4 \n: x\nC:\n\nA: body\n";
	static struct {
		char const *name, *text;
	} const want[] = {{"A", "1"}, {"", "no field"}, {"B", "2 3\t4 "}, {"", "x"}, {"C", ""}};
	struct header_cursor c;
	struct header_field f;
	unsigned int i = 0;
	header_start(&c, msg, sizeof msg - 1);
	for (; header_next(&c, &f) && i < 5; i++) {
		stralloc text = STRALLOC_ZERO;
		header_unfold(&text, &f);
		tap_mem("header: name", f.name, f.name_len, want[i].name, strlen(want[i].name));
		tap_mem("header: text", text.s, text.len, want[i].text, strlen(want[i].text));
		stralloc_free(&text);
	}
	tap_num("header: fields", i, 5);
	tap_str("header: body follows", c.p, "A: body\n");
	tap_num("header: length", (long long)header_len(msg, sizeof msg - 1),
	    (long long)(strstr(msg, "A: body") - msg));
	tap_ok(
	    header_find(msg, sizeof msg - 1, "c", &f) && !f.body_len, "header: found in any case");
	tap_ok(!header_find(msg, sizeof msg - 1, "D", &f), "header: not there");
	tap_num("header: never ends", (long long)header_len("A: b\n", 5), 5);
}

static struct {
	char const *in, *out; /* out: kind name|route|mailbox|host, "-" for null, "!" for broken */
} const addresses[] = {
    {"", ""},
    {"a@b.test", " -|-|a|b.test"},
    {"John Doe <jdoe@machine.example>", " John Doe|-|jdoe|machine.example"},
    {"\"Joe \\\"Q.\\\" Public\" <a@b>", " Joe \"Q.\" Public|-|a|b"},
    {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", " Pete|-|pete|silly.test"},
    {"A Group:Ed Jones <c@a.test>,joe@where.test;",
	"{-|-|A Group|- Ed Jones|-|c|a.test -|-|joe|where.test}-|-|-|-"},
    {"Undisclosed recipients:;", "{-|-|Undisclosed recipients|-}-|-|-|-"},
    {"<@a.test,@b.test:c@d.test>", " -|@a.test,@b.test|c|d.test"},
    {"a@b (Name)", " Name|-|a|b"},
    {"\"a b\"@c", " -|-|a b|c"},
    {"postmaster", " -|-|postmaster|"},
    {"a b", "! a b|-||"},
    {"a@b, , c@d", " -|-|a|b! -|-|| -|-|c|d"},
    {"a@[192.0.2.1]", " -|-|a|[192.0.2.1]"},
    {"a@b\r\n\tc", "! -|-|a|b"},
    {"<>", "! -|-||"},
    {"<a@b", "! -|-|a|SYNTAX_ERROR"},
    {"(((((", ""},
};

static void
check_addresses(void)
{
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		stralloc out = STRALLOC_ZERO;
		struct address const *a =
		    address_parse(&arena, addresses[i].in, strlen(addresses[i].in));
		for (; a; a = a->next)
			sa_catf(&out, "%s%c%s|%s|%s|%s", a->broken ? "!" : "", " {}"[a->kind],
			    a -> name ? a -> name : "-", a->route ? a->route : "-",
			    a->mailbox ? a->mailbox : "-", a->host ? a->host : "-");
		tap_mem(
		    addresses[i].in, out.s, out.len, addresses[i].out, strlen(addresses[i].out));
		stralloc_free(&out);
	}
}

static struct {
	struct address a;
	char const *out;
} const formats[] = {
    {{.mailbox = "a", .host = "b"}, "a@b"},
    {{.name = "N \"x\"", .mailbox = "a", .host = "b"}, "\"N \\\"x\\\"\" <a@b>"},
    {{.name = "J\xc3\xb6rg", .mailbox = "a", .host = "b"}, "J\xc3\xb6rg <a@b>"},
    {{.mailbox = "a b", .host = "c"}, "\"a b\"@c"},
    {{.mailbox = "a..b", .host = "c"}, "\"a..b\"@c"},
    {{.mailbox = "a.b", .host = ""}, "a.b"},
    {{.mailbox = "a\"\\", .host = "c"}, "\"a\\\"\\\\\"@c"},
};

static void
check_formats(void)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		stralloc out = STRALLOC_ZERO;
		address_format(&out, &formats[i].a);
		tap_mem("address: format", out.s, out.len, formats[i].out, strlen(formats[i].out));
		stralloc_free(&out);
	}
}

/* RFC 3501 6.4.5: the message whose parts are numbered there. */
static char const numbered[] = "From: a@b.test\nContent-Type: MULTIPART/MIXED; boundary=1\n\n"
			       "--1\nContent-Type: TEXT/PLAIN\n\none\n"
			       "--1\nContent-Type: APPLICATION/OCTET-STREAM\n\ntwo\n"
			       "--1\nContent-Type: MESSAGE/RFC822\n\n"
			       "Subject: three\nContent-Type: MULTIPART/MIXED; boundary=3\n\n"
			       "--3\nContent-Type: TEXT/PLAIN\n\nthree one\n"
			       "--3\nContent-Type: APPLICATION/OCTET-STREAM\n\nthree two\n"
			       "--3--\n\n"
			       "--1\nContent-Type: MULTIPART/MIXED; boundary=4\n\n"
			       "--4\nContent-Type: IMAGE/GIF\n\nfour one\n"
			       "--4\nContent-Type: MESSAGE/RFC822\n\n"
			       "Subject: four two\nContent-Type: MULTIPART/MIXED; boundary=42\n\n"
			       "--42\nContent-Type: TEXT/PLAIN\n\nfour two one\n"
			       "--42\nContent-Type: MULTIPART/ALTERNATIVE; boundary=422\n\n"
			       "--422\nContent-Type: TEXT/PLAIN\n\nfour two two one\n"
			       "--422\nContent-Type: TEXT/RICHTEXT\n\nfour two two two\n"
			       "--422--\n\n--42--\n\n--4--\n\n--1--\n";

static struct {
	char const *section, *text; /* null: no such part; "?": not a section */
} const sections[] = {
    {"HEADER", "From: a@b.test\r\nContent-Type: MULTIPART/MIXED; boundary=1\r\n\r\n"},
    {"1", "one"},
    {"2", "two"},
    {"3.HEADER", "Subject: three\r\nContent-Type: MULTIPART/MIXED; boundary=3\r\n\r\n"},
    {"3.1", "three one"},
    {"3.2", "three two"},
    {"4.1", "four one"},
    {"4.1.MIME", "Content-Type: IMAGE/GIF\r\n\r\n"},
    {"4.2.HEADER.FIELDS (subject)", "Subject: four two\r\n\r\n"},
    {"4.2.header.fields.not (\"Content\\-Type\")", "Subject: four two\r\n\r\n"},
    {"HEADER.FIELDS (X)", "\r\n"},
    {"4.2.1", "four two one"},
    {"4.2.2.1", "four two two one"},
    {"4.2.2.2", "four two two two"},
    {"4.2.2.1.MIME", "Content-Type: TEXT/PLAIN\r\n\r\n"},
    {"5", 0},
    {"4.3", 0},
    {"2.HEADER", 0},
    {"1.TEXT", 0},
    {"4.2.2.3", 0},
    {"1.2", 0},
    {"4294967295", 0},
    {"0", "?"},
    {"01", "?"},
    {"1.", "?"},
    {".1", "?"},
    {"MIME", "?"},
    {"1.FOO", "?"},
    {"4294967296", "?"},
    {"TEXT ", "?"},
    {"HEADER.FIELDS", "?"},
    {"HEADER.FIELDS ()", "?"},
    {"HEADER.FIELDS (a", "?"},
    {"HEADER.FIELDS (a )", "?"},
    {"HEADER.FIELDS (\"a)", "?"},
    {"HEADER.FIELDS (\"\")", "?"},
    {"TEXT.1", "?"},
    {"1.TEXT.1", "?"},
};

static void
check_sections(void)
{
	struct mime_part const *root = mime_parse(&arena, numbered, sizeof numbered - 1);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		char const *name = sections[i].section, *text = sections[i].text;
		struct imap_section sec;
		stralloc out = STRALLOC_ZERO;
		size_t from, to;
		if (imap_section_parse(&sec, &arena, name, strlen(name))) {
			tap_ok(text && *text == '?', "section: no section: %s", name);
			continue;
		}
		int const r = imap_section_find(&sec, numbered, root, &from, &to, &out);
		if (r == 1)
			wire_put_imap(&out, numbered + from, to - from);
		if (!r || !text)
			tap_ok(!r && !text, "section: no such part: %s", name);
		else
			tap_mem(name, out.s, out.len, text, strlen(text));
		stralloc_free(&out);
	}
}

static struct {
	char const *name, *msg, *envelope, *structure;
} const texts[] = {
    {"RFC 3501 8",
	"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\nFrom: Terry Gray <gray@cac.washington.edu>\n"
	"Subject: IMAP4rev1 WG mtg summary and minutes\nTo: imap@cac.washington.edu\n"
	"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\nMessage-Id: "
	"<B27397-0100000@cac.washington.edu>\n"
	"MIME-Version: 1.0\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\nx\n",
	"(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" "
	"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" "
	"\"cac.washington.edu\")) "
	"((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" "
	"\"cac.washington.edu\")) "
	"((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" "
	"\"MIT.EDU\")) NIL NIL "
	"\"<B27397-0100000@cac.washington.edu>\")",
	"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL)"},
    {"empty", "", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"},
    {"unclosed", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n\n",
	"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	"((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 2 NIL NIL NIL NIL) "
	"\"mixed\" (\"boundary\" \"b\") NIL NIL NIL)"},
    {"continuations out of order",
	"Content-Type: a/b; n*2=c; n*0*=utf-8''%C3%A4; n*1=\"%b\"\nContent-Disposition: "
	"attachment; filename=x\n"
	"Content-Language: en, de\nContent-Location: l\nContent-MD5: m\nContent-ID: "
	"<i>\nContent-Description: d\n\n",
	"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	"(\"a\" \"b\" (\"n*\" \"utf-8''%C3%A4%25bc\") \"<i>\" \"d\" \"7bit\" 0 \"m\" "
	"(\"attachment\" (\"filename\" \"x\")) (\"en\" \"de\") \"l\")"},
    {"doubled fields",
	"Subject: a\nSubject: b\nContent-Type: c/d\nContent-Type: e/f\nContent-ID: g\nContent-ID: "
	"h\n\n",
	"(NIL \"b\" NIL NIL NIL NIL NIL NIL NIL NIL)",
	"(\"c\" \"d\" NIL \"g\" NIL \"7bit\" 0 NIL NIL NIL NIL)"},
    {"no sign of MIME", "Content-ID: x\nContent-Transfer-Encoding: base64\n\n",
	"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)",
	"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"},
    {"subject in literal", "Subject: \xc3\xa4 \"\n\n",
	"(NIL {4}\r\n\xc3\xa4 \" NIL NIL NIL NIL NIL NIL NIL NIL)",
	"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"},
};

static void
check_texts(void)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char const *msg = texts[i].msg;
		stralloc out = STRALLOC_ZERO;
		struct mime_part const *root = mime_parse(&arena, msg, strlen(msg));
		imap_envelope(&out, &arena, msg, root->body);
		tap_mem(
		    texts[i].name, out.s, out.len, texts[i].envelope, strlen(texts[i].envelope));
		sa_reset(&out);
		imap_bodystructure(&out, &arena, msg, root, 1);
		tap_mem(
		    "  structure", out.s, out.len, texts[i].structure, strlen(texts[i].structure));
		stralloc_free(&out);
	}
}

static struct {
	char const *in, *string, *astring;
} const strings[] = {
    {"", "\"\"", "\"\""},
    {"a", "\"a\"", "a"},
    {"a b", "\"a b\"", "\"a b\""},
    {"a\"b", "\"a\\\"b\"", "\"a\\\"b\""},
    {"NIL", "\"NIL\"", "\"NIL\""},
    {"a]", "\"a]\"", "a]"},
    {"a*", "\"a*\"", "\"a*\""},
    {"\xc3\xa4", "{2}\r\n\xc3\xa4", "{2}\r\n\xc3\xa4"},
    {"a\nb", "{3}\r\na\nb", "{3}\r\na\nb"},
};

static void
check_strings(void)
{
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		stralloc out = STRALLOC_ZERO;
		imap_string(&out, strings[i].in, strlen(strings[i].in));
		tap_mem(
		    "imap_string", out.s, out.len, strings[i].string, strlen(strings[i].string));
		sa_reset(&out);
		imap_astring(&out, strings[i].in, strlen(strings[i].in));
		tap_mem(
		    "imap_astring", out.s, out.len, strings[i].astring, strlen(strings[i].astring));
		stralloc_free(&out);
	}
}

static void
check_params(void)
{
	static struct {
		char const *in, *out;
	} const rows[] = {{"us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***"},
	    {"iso-8859-1''%E4", "\xc3\xa4"}, {"''a", "a"}, {"utf-8''%C3%A4%4%", "\xc3\xa4%4%"},
	    {"x-none''%E4", "\xef\xbf\xbd"}, {"utf-8'a", 0}, {"", 0}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		stralloc out = STRALLOC_ZERO;
		int const bad = mime_param_decode(&out, rows[i].in);
		if (rows[i].out)
			tap_mem(
			    "mime_param_decode", out.s, out.len, rows[i].out, strlen(rows[i].out));
		else
			tap_num("mime_param_decode: not extended", bad, -1);
		stralloc_free(&out);
	}
}

/* Named limits: one more than allowed is left as it is, and nothing breaks. */
static void
check_limits(void)
{
	stralloc msg = STRALLOC_ZERO, out = STRALLOC_ZERO;
	struct mime_value v;
	for (unsigned int i = 0; i < MIME_DEPTH_MAX + 20; i++)
		sa_catf(&msg, "Content-Type: multipart/mixed; boundary=x%03u\n\n--x%03u\n", i, i);
	struct mime_part const *p = mime_parse(&arena, msg.s, msg.len);
	unsigned int depth = 1;
	while (p->children) {
		p = p->children;
		depth++;
	}
	tap_num("mime: MIME_DEPTH_MAX", depth, MIME_DEPTH_MAX);
	sa_copys(&msg, "Content-Type: multipart/mixed; boundary=b\n\n");
	for (unsigned int i = 0; i < MIME_PARTS_MAX + 10; i++)
		sa_cats(&msg, "--b\n\n");
	tap_num(
	    "mime: MIME_PARTS_MAX", mime_parse(&arena, msg.s, msg.len)->count, MIME_PARTS_MAX - 1);
	sa_copys(&msg, "Content-Type: a/b");
	for (unsigned int i = 0; i < MIME_PARAM_MAX + 10; i++)
		sa_catf(&msg, "; a%u=b", i);
	p = mime_parse(&arena, msg.s, msg.len);
	mime_content_type(&arena, &p->fields[MIME_CONTENT_TYPE], &v);
	tap_num("mime: MIME_PARAM_MAX", v.count, MIME_PARAM_MAX);
	sa_reset(&msg);
	for (unsigned int i = 0; i < ADDRESS_LIST_MAX + 10; i++)
		sa_cats(&msg, "a@b,");
	unsigned int count = 0;
	for (struct address const *a = address_parse(&arena, msg.s, msg.len); a; a = a->next)
		count++;
	tap_num("address: ADDRESS_LIST_MAX", count, ADDRESS_LIST_MAX);
	sa_copys(&msg, "HEADER.FIELDS (a");
	for (unsigned int i = 0; i < SECTION_FIELDS_MAX; i++)
		sa_cats(&msg, " b");
	sa_cats(&msg, ")");
	struct imap_section sec;
	tap_num(
	    "section: SECTION_FIELDS_MAX", imap_section_parse(&sec, &arena, msg.s, msg.len), -1);
	sa_copys(&msg, "1");
	for (unsigned int i = 0; i < MIME_DEPTH_MAX; i++)
		sa_cats(&msg, ".1");
	tap_num("section: depth", imap_section_parse(&sec, &arena, msg.s, msg.len), -1);
	sa_copys(&msg, "a@b (");
	for (unsigned int i = 0; i < 1000; i++)
		sa_cats(&msg, "((");
	tap_ok(address_parse(&arena, msg.s, msg.len) != 0, "address: nested comments");
	stralloc_free(&msg);
	stralloc_free(&out);
}

/* Every cut of the wire form, for each offset, is what the whole says. */
static void
check_wire(void)
{
	static char const s[] = "a\nb\r\n\r\r\n\n\n\rc\0d\n\r";
	stralloc whole = STRALLOC_ZERO;
	int same = 1;
	struct wire_cursor w;
	char buf[64];
	wire_put_imap(&whole, s, sizeof s - 1);
	tap_mem("wire", whole.s, whole.len,
	    "a\r\nb\r\n\r\r\n\r\n\r\n\rc\x80"
	    "d\r\n\r",
	    20);
	tap_num("wire: size", (long long)wire_size(s, sizeof s - 1), (long long)whole.len);
	for (size_t skip = 0; skip <= whole.len; skip++)
		for (size_t max = 1; max < 5; max++) {
			size_t at = skip, n;
			wire_start(&w, s, sizeof s - 1);
			w.nul = WIRE_NUL_IMAP;
			same &= wire_skip(&w, skip) == skip && wire_left(&w) == whole.len - at;
			while ((n = wire_read(&w, buf, max))) {
				same &= n <= max && at + n <= whole.len &&
					!memcmp(buf, whole.s + at, n);
				at += n;
				same &= wire_left(&w) == whole.len - at;
			}
			same &= at == whole.len;
		}
	tap_ok(same, "wire: every offset and size of piece");
	wire_start(&w, s, sizeof s - 1);
	tap_num("wire: skip beyond the end", (long long)wire_skip(&w, 1000), (long long)whole.len);
	stralloc_free(&whole);
}

/* The same of what is long enough to be counted and copied many octets at a time. */
static void
check_long_wire(void)
{
	static char s[40000], buf[sizeof s * 2];
	stralloc whole = STRALLOC_ZERO;
	struct wire_cursor w;
	int same = 1;
	for (size_t i = 0; i < sizeof s; i++)
		s[i] = i % 61 == 60 ? '\n' : i % 997 == 59 ? '\r' : i % 9973 == 9972 ? 0 : 'x';
	wire_put_imap(&whole, s, sizeof s);
	for (size_t skip = 0; skip <= whole.len; skip += skip % 3 ? 1 : 1021) {
		wire_start(&w, s, sizeof s);
		w.nul = WIRE_NUL_IMAP;
		same &= wire_skip(&w, skip) == skip && wire_left(&w) == whole.len - skip;
		same &= wire_read(&w, buf, sizeof buf) == whole.len - skip &&
			!memcmp(buf, whole.s + skip, whole.len - skip);
	}
	tap_ok(same, "wire: offsets into what is long");
	stralloc_free(&whole);
}

int
main(void)
{
	check_header();
	check_addresses();
	check_formats();
	check_sections();
	check_texts();
	check_strings();
	check_params();
	check_limits();
	check_wire();
	check_long_wire();
	arena_free(&arena);
	return tap_done();
}
