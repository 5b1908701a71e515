// libs: -lresolv
/* lib/dns-packet.c: questions, answers of every kind, and lies. lib/dns.c: nobody answers. */
#include "lib/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/sa.h"
#include "tests/unit/tap.h"

#define QUESTION "\6client\4test\0"
#define HERE "\xc0\x0c" /* the question's name */

/* An answer to client.test: head octets 2 and 3, the question's type, the records as they stand. */
static stralloc packet;
static void
build(unsigned int flags, unsigned int type, unsigned int answers, char const *records, size_t n)
{
	char head[12] = {0x12, 0x34, (char)(flags >> 8), (char)flags, 0, 1, (char)(answers >> 8), (char)answers};
	char tail[4] = {0, (char)type, 0, 1};
	sa_reset(&packet);
	sa_catb(&packet, head, sizeof head);
	sa_catb(&packet, QUESTION, sizeof QUESTION - 1);
	sa_catb(&packet, tail, sizeof tail);
	sa_catb(&packet, records, n);
}

static struct dns_question
ask(unsigned int type)
{
	return (struct dns_question){.name = "Client.test", .type = (uint16_t)type, .id = 0x1234};
}

#define OK 0x8180
#define RR(name, type, length) name "\0" type "\0\1\0\0\0\5\0" length
#define A "\1"
#define CNAME "\5"
#define PTR "\14"
#define MX "\17"
#define TXT "\20"
#define AAAA "\34"

static struct row {
	char const *name;
	unsigned int type, flags, answers;
	char const *records;
	size_t len;
	enum dns_verdict verdict;
	enum dns_result result;
	unsigned int count;
	char const *first; /* data of the first record, as text */
	unsigned int preference;
} const rows[] = {
#define R(s) s, sizeof s - 1
    {"an address", 1, OK, 1, R(RR(HERE, A, "\4") "\177\0\0\2"), DNS_ANSWERED, DNS_FOUND, 1, "\177", 0},
    {"an address of six", 28, OK, 1, R(RR(HERE, AAAA, "\20") "\040\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), DNS_ANSWERED, DNS_FOUND, 1, "\040\1", 0},
    {"two addresses, the other name's is none", 1, OK, 3,
	R(RR(HERE, A, "\4") "\177\0\0\2" RR("\1x\0", A, "\4") "\1\1\1\1" RR(HERE, A, "\4") "\177\0\0\3"), DNS_ANSWERED, DNS_FOUND, 2, "\177", 0},
    {"no such name", 1, OK | 3, 0, R(""), DNS_ANSWERED, DNS_NO_NAME, 0, 0, 0},
    {"no data", 1, OK, 0, R(""), DNS_ANSWERED, DNS_NO_DATA, 0, 0, 0},
    {"data of another type", 28, OK, 1, R(RR(HERE, A, "\4") "\177\0\0\2"), DNS_ANSWERED, DNS_NO_DATA, 0, 0, 0},
    {"SERVFAIL", 1, OK | 2, 0, R(""), DNS_REFUSED, DNS_WAITING, 0, 0, 0},
    {"REFUSED", 1, OK | 5, 0, R(""), DNS_REFUSED, DNS_WAITING, 0, 0, 0},
    {"FORMERR", 1, OK | 1, 0, R(""), DNS_OLD, DNS_WAITING, 0, 0, 0},
    {"NOTIMP", 1, OK | 4, 0, R(""), DNS_OLD, DNS_WAITING, 0, 0, 0},
    {"truncated", 1, OK | 0x200, 0, R(""), DNS_TRUNCATED, DNS_WAITING, 0, 0, 0},
    {"a question, not an answer", 1, 0x100, 0, R(""), DNS_FOREIGN, DNS_WAITING, 0, 0, 0},
    {"another operation", 1, OK | 0x2800, 0, R(""), DNS_FOREIGN, DNS_WAITING, 0, 0, 0},
    {"fewer records than it says", 1, OK, 2, R(RR(HERE, A, "\4") "\177\0\0\2"), DNS_FOREIGN, DNS_WAITING, 0, 0, 0},
    {"a record cut short", 1, OK, 1, R(RR(HERE, A, "\4") "\177\0"), DNS_FOREIGN, DNS_WAITING, 0, 0, 0},
    {"an address of five octets", 1, OK, 1, R(RR(HERE, A, "\5") "\177\0\0\2\0"), DNS_REFUSED, DNS_WAITING, 0, 0, 0},
    {"an alias", 1, OK, 2, R(RR(HERE, CNAME, "\3") "\1x\0" RR("\1x\0", A, "\4") "\177\0\0\2"), DNS_ANSWERED, DNS_FOUND, 1, "\177", 0},
    {"aliases, in any order", 1, OK, 3,
	R(RR("\1y\0", A, "\4") "\177\0\0\2" RR("\1x\0", CNAME, "\3") "\1y\0" RR(HERE, CNAME, "\3") "\1X\0"), DNS_ANSWERED, DNS_FOUND, 1, "\177", 0},
    {"aliases in a ring", 1, OK, 2, R(RR(HERE, CNAME, "\3") "\1x\0" RR("\1x\0", CNAME, "\2") HERE), DNS_ANSWERED, DNS_NO_DATA, 0, 0, 0},
    {"the alias' name has an address of its own: no", 1, OK, 2,
	R(RR(HERE, CNAME, "\3") "\1x\0" RR(HERE, A, "\4") "\1\1\1\1"), DNS_ANSWERED, DNS_NO_DATA, 0, 0, 0},
    {"an alias to nothing", 1, OK | 3, 1, R(RR(HERE, CNAME, "\3") "\1x\0"), DNS_ANSWERED, DNS_NO_NAME, 0, 0, 0},
    {"a name that points at itself", 1, OK, 1, R(RR("\xc0\x1d", A, "\4") "\177\0\0\2"), DNS_REFUSED, DNS_WAITING, 0, 0, 0},
    {"PTR", 12, OK, 1, R(RR(HERE, PTR, "\5") "\2mx" HERE), DNS_ANSWERED, DNS_FOUND, 1, "mx.client.test", 0},
    {"PTR behind its record", 12, OK, 2, R(RR(HERE, PTR, "\4") "\11mx" RR("", "\0", "\0")), DNS_FOREIGN, DNS_WAITING, 0, 0, 0},
    {"PTR with what no host name has", 12, OK, 1, R(RR(HERE, PTR, "\7") "\5a.b\r\n\0"), DNS_ANSWERED, DNS_FOUND, 1, "a\\.b\\013\\010", 0},
    {"MX", 15, OK, 1, R(RR(HERE, MX, "\7") "\1\2" "\2mx" HERE), DNS_ANSWERED, DNS_FOUND, 1, "mx.client.test", 258},
    {"null MX", 15, OK, 1, R(RR(HERE, MX, "\3") "\0\0\0"), DNS_ANSWERED, DNS_FOUND, 1, "", 0},
    {"MX too short", 15, OK, 1, R(RR(HERE, MX, "\2") "\0\0"), DNS_REFUSED, DNS_WAITING, 0, 0, 0},
    {"TXT", 16, OK, 1, R(RR(HERE, TXT, "\11") "\3a b\4\r\n\"\xe4"), DNS_ANSWERED, DNS_FOUND, 1, "a b??\"?", 0},
    {"TXT whose string is longer", 16, OK, 1, R(RR(HERE, TXT, "\2") "\5a"), DNS_REFUSED, DNS_WAITING, 0, 0, 0},
    {"no TXT strings", 16, OK, 1, R(RR(HERE, TXT, "\0")), DNS_ANSWERED, DNS_FOUND, 1, "", 0},
};

static void
one(struct row const *r)
{
	struct arena a = ARENA_ZERO;
	struct dns_question q = ask(r->type);
	build(r->flags, r->type, r->answers, r->records, r->len);
	enum dns_verdict v = dns_parse(&q, &a, (unsigned char *)packet.s, packet.len);
	int same = v == r->verdict && q.result == r->result && q.count == r->count;
	if (r->first)
		same = same && q.count && !strncmp(q.record[0].data, r->first, strlen(r->first)) &&
		       q.record[0].preference == r->preference;
	if (!tap_ok(same, "%s", r->name))
		printf("# verdict %d result %d count %u %s\n", v, q.result, q.count, q.count ? q.record[0].data : "");
	/* However it is cut, nothing is read behind it. */
	for (size_t n = 0; n < packet.len; n++) {
		unsigned char *copy = (unsigned char *)xstrndup(packet.s, n);
		q = ask(r->type);
		dns_parse(&q, &a, copy, n);
		free(copy);
	}
	arena_free(&a);
}

static void
foreign(void)
{
	struct arena a = ARENA_ZERO;
	struct dns_question q = ask(1);
	static char const record[] = RR(HERE, A, "\4") "\177\0\0\2";
	build(OK, 1, 1, record, sizeof record - 1);
	q.id = 0x4321;
	tap_num("another id", dns_parse(&q, &a, (unsigned char *)packet.s, packet.len), DNS_FOREIGN);
	q = ask(1);
	strcpy(q.name, "client.tess");
	tap_num("another name", dns_parse(&q, &a, (unsigned char *)packet.s, packet.len), DNS_FOREIGN);
	q = ask(28);
	tap_num("another type", dns_parse(&q, &a, (unsigned char *)packet.s, packet.len), DNS_FOREIGN);
	packet.s[27] = 3;
	q = ask(1);
	tap_num("another class", dns_parse(&q, &a, (unsigned char *)packet.s, packet.len), DNS_FOREIGN);
	arena_free(&a);
}

static void
many(void)
{
	struct arena a = ARENA_ZERO;
	struct dns_question q = ask(1);
	stralloc records = STRALLOC_ZERO;
	static char const record[] = RR(HERE, A, "\4") "\177\0\0\2";
	for (int i = 0; i < 3000; i++)
		sa_catb(&records, record, sizeof record - 1);
	build(OK, 1, 3000, records.s, records.len);
	tap_ok(dns_parse(&q, &a, (unsigned char *)packet.s, packet.len) == DNS_ANSWERED && q.count == DNS_RECORDS_MAX,
	    "of 3,000 records those within the limit");
	stralloc_free(&records);
	arena_free(&a);
}

static void
names(void)
{
	static struct {
		char const *name;
		int ok;
	} const list[] = {{"a", 1}, {"a.b", 1}, {"a.b.", 1}, {"_x.a-b.0", 1}, {"", 0}, {".", 0}, {".a", 0}, {"a..b", 0}, {"a b", 0},
	    {"a\\.b", 0}, {"\xc3\xa4.test", 0}, {"a..", 0}};
	char name[DNS_NAME_TEXT], lot[300];
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		tap_num(list[i].name, dns_name_ok(list[i].name), list[i].ok);
	memset(lot, 'a', sizeof lot);
	lot[64] = 0;
	tap_num("a label of 64", dns_name_ok(lot), 0);
	tap_num("a label of 63", dns_name_ok(lot + 1), 1);
	lot[64] = 'a';
	for (int i = 63; i < 299; i += 64)
		lot[i] = '.';
	lot[254] = 0;
	tap_num("a name of 254", dns_name_ok(lot), 0);
	lot[253] = 0;
	tap_num("a name of 253", dns_name_ok(lot), 1);
	dns_reverse_name(name, (unsigned char const *)"\300\0\2\1", 4, dns_reverse_zone(4));
	tap_str("reverse, four", name, "1.2.0.192.in-addr.arpa");
	dns_reverse_name(name, (unsigned char const *)"\040\1\15\xb8\0\0\0\0\0\0\0\0\0\0\0\xa1", 16, "z.test");
	tap_str("reverse, sixteen", name, "1.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.z.test");
	lot[200] = 0;
	tap_num("a zone too long", dns_reverse_name(name, (unsigned char const *)"0123456789abcdef", 16, lot), -1);
}

static void
question(void)
{
	unsigned char wire[DNS_QUERY_MAX];
	struct dns_question q = {.name = "mx.client.test.", .type = 15, .id = 0xabcd};
	size_t n = dns_query(&q, wire);
	static char const want[] = "\xab\xcd\1\0\0\1\0\0\0\0\0\1\2mx\6client\4test\0\0\17\0\1\0\0\51\4\320\0\0\0\0\0";
	tap_mem("a question", (char *)wire, n, want, sizeof want);
	q.plain = 1;
	n = dns_query(&q, wire);
	tap_ok(n == sizeof want - 11 && !wire[11] && !memcmp(wire, want, 11), "a question without EDNS");
}

/* A resolver that is not there is noticed at once, however many questions it is asked. */
static void
nobody(void)
{
	enum { LONG = 60000 }; /* milliseconds: nobody comes so far */
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	struct dns_servers servers = {.count = 1, .one = {{.addr = {127, 0, 0, 1}, .len = 4}}};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		abort();
	close(fd);
	servers.one[0].port = ntohs(sa.sin_port);
	for (int n = 1; n < 5; n++) {
		struct dns_set d;
		char name[] = "0.test";
		int failed = 0;
		dns_set_init(&d, &servers);
		for (; name[0] < '0' + n; name[0]++)
			dns_add(&d, name, DNS_TYPE_A);
		dns_send(&d, LONG);
		dns_wait(&d);
		tain_now_g();
		for (unsigned int i = 0; i < d.count; i++)
			failed += d.question[i]->result == DNS_TEMP;
		tap_ok(failed == n && tain_future(&d.deadline), "nobody listens: told before the deadline");
		dns_set_clear(&d);
	}
}

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		one(rows + i);
	foreign();
	many();
	nobody();
	names();
	question();
	return tap_done();
}
