/* Bodies with octets over 127 as quoted-printable. */
// objects: mda-remote/sevenbit.o
#include "mda-remote/sevenbit.h"

#include <skalibs/stralloc.h>

#include "lib/sa.h"
#include "tests/unit/tap.h"

#define MIME "MIME-Version: 1.0\n"
#define PLAIN MIME "Content-Type: text/plain; charset=utf-8\n"
#define QP "Content-Transfer-Encoding: quoted-printable\n"
#define MIXED MIME "Content-Type: multipart/mixed; boundary=b\n"
#define A50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define A75 A50 "fffffffffffffffffffffffff"

/* Null: as it is. */
static struct row {
	char const *name, *in, *out;
} const rows[] = {
    {"seven bits stay", PLAIN "\nhello = \x7f\n", 0},
    {"no MIME: an unknown charset", "Subject: x\n\n\xe4\n",
	"Subject: x\n" MIME "Content-Type: text/plain; charset=unknown-8bit\n" QP "\n=E4\n"},
    {"a type without a version", "Content-Type: text/plain\n\n\xe4\n",
	"Content-Type: text/plain\n" MIME QP "\n=E4\n"},
    {"text", PLAIN "\n\xc3\xa4 = b\n", PLAIN QP "\n=C3=A4 =3D b\n"},
    {"8bit is said no more", PLAIN "Content-Transfer-Encoding: 8bit\nX: y\n\n\xe4\n",
	PLAIN QP "X: y\n\n=E4\n"},
    {"blanks at a line's end", PLAIN "\n\xe4 \na\t\n b ", PLAIN QP "\n=E4=20\na=09\n b=20"},
    {"control characters", PLAIN "\n\xe4\r\x01\n", PLAIN QP "\n=E4=0D=01\n"},
    {"a line of 76", PLAIN "\n" A75 "f\n\xe4\n", PLAIN QP "\n" A75 "f\n=E4\n"},
    {"a line of 77", PLAIN "\n" A75 "fg\n\xe4\n", PLAIN QP "\n" A75 "=\nfg\n=E4\n"},
    {"no code is cut", PLAIN "\n" A75 "\xe4\n", PLAIN QP "\n" A75 "=\n=E4\n"},
    {"a code that just fits", PLAIN "\n" A50 "fffffffffffffffffffffff\xe4\n",
	PLAIN QP "\n" A50 "fffffffffffffffffffffff=E4\n"},
    {"without a line end", PLAIN "\n\xe4", PLAIN QP "\n=E4"},
    {"without a body", PLAIN "X: \xe4\n", 0},
    {"a header stays", PLAIN "Subject: \xe4\n\na\n", 0},
    {"encoded already, and wrong", PLAIN QP "\n\xe4\n", 0},
    {"an unknown encoding", PLAIN "Content-Transfer-Encoding: x-uuencode\n\n\xe4\n", 0},
    {"parts",
	MIXED
	"Content-Transfer-Encoding: 8bit\n\npre\xe4\n--b\n\n\xe4\n--b\nX: y\n\na\n--b--\nepi\xe4\n",
	MIXED "Content-Transfer-Encoding: 7bit\n\npre?\n--b\n" QP
	      "\n=E4\n--b\nX: y\n\na\n--b--\nepi?\n"},
    {"a message in it",
	MIXED "\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nSubject: "
	      "i\n\n\xe4\n--b--\n",
	MIXED
	"\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\nSubject: i\n" QP
	"\n=E4\n--b--\n"},
    {"a message in UTF-8 in it",
	MIXED "\n--b\nContent-Type: message/global\nContent-Transfer-Encoding: 8bit\n\nSubject: "
	      "\xc3\xa4\n\ni\n--b\nContent-Type: message/global-headers\n\nS: \xc3\xa4\n\n--b--\n",
	MIXED "\n--b\nContent-Type: message/global\n" QP
	      "\nSubject: =C3=A4\n\ni\n--b\nContent-Type: message/global-headers\n" QP
	      "\nS: =C3=A4\n\n--b--\n"},
    {"message/partial stays", MIME "Content-Type: message/partial; id=a; number=1\n\n\xe4\n", 0},
    {"a multipart without parts stays", MIXED "\n\xe4\n", 0},
};

/* Only what lies in it in UTF-8. */
static struct row const global_rows[] = {
    {"text stays", PLAIN "\n\xc3\xa4 = b\n", 0},
    {"what is no MIME stays", "Subject: x\n\n\xe4\n", 0},
    {"parts that are no messages stay",
	MIXED "Content-Transfer-Encoding: 8bit\n\npre\xe4\n--b\n\n\xe4\n--b\n\na\n--b--\nepi\xe4\n", 0},
    {"messages that are not in UTF-8 stay",
	MIXED "\n--b\nContent-Type: message/rfc822\n\nS: i\n\n\xe4\n--b--\n", 0},
    {"seven bits stay", MIXED "\n--b\nContent-Type: message/global\n\nS: i\n--b--\n", 0},
    {"a report beside text",
	MIXED "Content-Transfer-Encoding: 8bit\n\n--b\n\n\xc3\xa4\n--b\nContent-Type: "
	      "Message/Global-Delivery-Status\nContent-Transfer-Encoding: 8bit\n\nX: \xc3\xa4\n\n--b--\n",
	MIXED "Content-Transfer-Encoding: 8bit\n\n--b\n\n\xc3\xa4\n--b\nContent-Type: "
	      "Message/Global-Delivery-Status\n" QP "\nX: =C3=A4\n\n--b--\n"},
};

static int
collect(void *arg, char const *s, size_t n)
{
	sa_catb(arg, s, n);
	return 0;
}

/* Nothing more is wanted after so many pieces. */
static int
refuse(void *arg, char const *s, size_t n)
{
	unsigned int *left = arg;
	(void)s;
	(void)n;
	return (*left)-- ? 0 : -1;
}

static void
check_rows(struct row const *row, size_t n, enum sevenbit_what what)
{
	for (size_t i = 0; i < n; i++) {
		struct arena a = {0};
		stralloc out = STRALLOC_ZERO;
		char const *want = row[i].out ? row[i].out : row[i].in;
		tap_ok(!sevenbit(&a, row[i].in, strlen(row[i].in), what, collect, &out), "%s: taken",
		    row[i].name);
		tap_mem(row[i].name, out.s, out.len, want, strlen(want));
		stralloc_free(&out);
		arena_free(&a);
	}
}

/* However early the taker gives up, it is asked no further. */
static void
check_refused(char const *msg)
{
	unsigned int wrong = 0, end = 0;
	for (unsigned int n = 0; !end; n++) {
		struct arena a = {0};
		unsigned int left = n;
		int r = sevenbit(&a, msg, strlen(msg), SEVENBIT_ALL, refuse, &left);
		end = r == 0;
		wrong += r && left != (unsigned int)-1;
		arena_free(&a);
	}
	tap_ok(!wrong, "a taker that gives up is left alone");
}

int
main(void)
{
	check_rows(rows, sizeof rows / sizeof *rows, SEVENBIT_ALL);
	check_rows(global_rows, sizeof global_rows / sizeof *global_rows, SEVENBIT_GLOBAL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].out)
			check_refused(rows[i].in);
	return tap_done();
}
