// objects: mda-remote/schedule.o mda-remote/lane.o mda-remote/tally.o mda-remote/known.o
/* What the walker counts and remembers: lanes of parked messages, tallies by key, routes of a moment
 * ago. Each is tried against a plain list of what must be in it. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sa.h"
#include "mda-remote/errand.h"
#include "mda-remote/lane.h"
#include "mda-remote/schedule.h"
#include "mda-remote/tally.h"
#include "mda-remote/walk.h"
#include "tests/unit/tap.h"

/* ---- lanes ---- */

static uint32_t only; /* the one sender that may; 0: each */

static int
may(uint32_t sender)
{
	return !only || sender == only;
}

/* A message of the schedule, parked in l. */
static struct message *
park(struct schedule *s, struct lane *l, char const *name, int64_t arrival, uint32_t sender)
{
	struct message *m = schedule_add(s, name, 0, arrival);
	m->sender = sender;
	schedule_park(s, m, l, 0);
	return m;
}

/* The names in the order in which they come. */
static char const *
drained(struct schedule *s, struct lane *l)
{
	static char got[200];
	got[0] = 0;
	for (struct message *m; (m = lane_next(l, may));) {
		strcat(got, m->name);
		schedule_remove(s, m);
	}
	return got;
}

static void
lane_order(void)
{
	static struct {
		char const *what;
		struct {
			char const *name;
			int64_t arrival;
			uint32_t sender;
		} put[6];
		uint32_t only;
		char const *want;
	} const rows[] = {
	    {"nobody", {{0}}, 0, ""},
	    {"one sender, oldest first: newest first", {{"a", 1, 1}, {"b", 2, 1}, {"c", 3, 1}}, 0, "cba"},
	    {"one sender, newest first: as they come", {{"c", 3, 1}, {"b", 2, 1}, {"a", 1, 1}}, 0, "cba"},
	    {"two senders take turns", {{"a", 1, 1}, {"b", 2, 1}, {"c", 3, 1}, {"x", 0, 2}}, 0, "cxba"},
	    {"a new sender is the last to have its turn", {{"a", 1, 1}, {"x", 9, 2}, {"y", 9, 3}}, 0, "axy"},
	    {"a mailing and two others", {{"a", 1, 1}, {"b", 2, 1}, {"c", 3, 1}, {"d", 4, 1}, {"x", 0, 2}, {"y", 0, 3}}, 0, "dxycba"},
	    {"one that may not go is passed over", {{"a", 1, 1}, {"b", 2, 1}, {"x", 0, 2}}, 2, "x"},
	    {"none that may", {{"a", 1, 1}, {"b", 2, 1}}, 7, ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct schedule s;
		struct lane l = {0};
		schedule_init(&s);
		for (size_t k = 0; k < 6 && rows[i].put[k].name; k++)
			park(&s, &l, rows[i].put[k].name, rows[i].put[k].arrival, rows[i].put[k].sender);
		only = rows[i].only;
		tap_str(rows[i].what, drained(&s, &l), rows[i].want);
		only = 0;
		drained(&s, &l);
		tap_ok(!l.turn && !l.count && !s.count, "... and nothing is left of it");
	}
}

#define LANES 20
#define SENDERS 100
#define PARKED 3000

/* Puts and takes at random: the table of rows grows with the first and shrinks with the second. */
static void
lane_model(void)
{
	static struct lane lane[LANES];
	static struct message *in[PARKED];
	static unsigned int where[PARKED];
	static size_t each[LANES];
	struct schedule s;
	char name[20];
	size_t wrong = 0, most = 0, now = 0;
	schedule_init(&s);
	srandom(2);
	for (int i = 0; i < 60000; i++) {
		size_t k = (size_t)random() % PARKED;
		/* More come for a while, then more go, until all have gone. */
		int const put = i < 30000 ? random() % 4 > 0 : i < 55000 && random() % 4 == 0;
		if (!in[k] && put) {
			snprintf(name, sizeof name, "m%zu", k);
			where[k] = (unsigned int)random() % LANES;
			in[k] = park(&s, lane + where[k], name, random() % 1000, (uint32_t)(random() % SENDERS));
			each[where[k]]++;
			now++;
		} else if (in[k] && !put) {
			schedule_remove(&s, in[k]);
			in[k] = 0;
			each[where[k]]--;
			now--;
		}
		most = now > most ? now : most;
		wrong += lane[where[k]].count != each[where[k]];
	}
	tap_ok(most > PARKED / 2, "%zu messages of %d senders in %d lanes", most, SENDERS, LANES);
	for (unsigned int i = 0; i < LANES; i++) {
		/* Each once, and each of this lane. */
		for (struct message *m; (m = lane_next(lane + i, may)); each[i]--, now--) {
			size_t const k = strtoul(m->name + 1, 0, 10);
			wrong += in[k] != m || where[k] != i;
			in[k] = 0;
			schedule_remove(&s, m);
		}
		wrong += each[i] != 0 || lane[i].turn || lane[i].count;
	}
	tap_ok(!wrong && !now && !s.count, "each lane has what was put into it, until nothing is left");
}

/* In one round each sender has one turn. */
static void
lane_rounds(void)
{
	struct schedule s;
	struct lane l = {0};
	char name[20];
	unsigned int seen[SENDERS] = {0}, wrong = 0;
	schedule_init(&s);
	for (unsigned int i = 0; i < 3 * SENDERS; i++) {
		snprintf(name, sizeof name, "m%u", i);
		park(&s, &l, name, (int64_t)i, i % SENDERS);
	}
	for (unsigned int i = 0; i < 3 * SENDERS; i++) {
		struct message *m = lane_next(&l, may);
		wrong += seen[m->sender]++ != i / SENDERS;
		schedule_remove(&s, m);
	}
	tap_ok(!wrong && !l.turn, "%d senders, three messages each: in each round one of each", SENDERS);
}

/* ---- tallies ---- */

#define KEYS 2000

/* Their products with the table's multiplier share their low bits: all want one place. */
static uint32_t
crowded(uint32_t i)
{
	return (i + 1) << 20;
}

static uint32_t
scattered(uint32_t i)
{
	return i * 2654435761u + 1;
}

static void
tally_model(char const *what, uint32_t (*key)(uint32_t))
{
	static uint32_t want[KEYS];
	struct tally t = {0};
	size_t wrong = 0, keys = 0, most = 0;
	memset(want, 0, sizeof want);
	tap_num("an empty tally", tally_of(&t, key(1)), 0);
	for (int i = 0; i < 16000; i++) {
		uint32_t const k = (uint32_t)random() % KEYS;
		int const add = i < 8000 ? random() % 3 > 0 : random() % 3 == 0;
		if (add) {
			keys += !want[k]++;
			tally_add(&t, key(k));
		} else if (want[k]) {
			keys -= !--want[k];
			tally_done(&t, key(k));
		}
		most = keys > most ? keys : most;
		wrong += tally_of(&t, key(k)) != want[k] || t.used != keys || t.used * 2 > t.size;
	}
	for (uint32_t k = 0; k < KEYS; k++)
		wrong += tally_of(&t, key(k)) != want[k];
	tap_ok(!wrong && most > 1000, "%s keys, up to %zu at once: each has its own count", what, most);
	for (uint32_t k = 0; k < KEYS; k++)
		while (want[k]--)
			tally_done(&t, key(k));
	for (size_t i = 0; i < t.size; i++)
		wrong += t.entry[i].count != 0;
	tap_ok(!wrong && !t.used, "... and nothing is left when all have ended");
	free(t.entry);
}

static void
tally_keys(void)
{
	tap_ok(tally_key("Mx.Example.ORG", 14) == tally_key("mx.example.org", 14),
	    "keys: ASCII letters are alike");
	tap_ok(tally_key("a", 1) != tally_key("b", 1) && tally_key("a\0b", 3) != tally_key("a", 1),
	    "keys: other texts are not, and a NUL is a character");
	tap_ok(tally_key("", 0) != 0, "keys: never 0");
}

/* ---- routes of a moment ago ---- */

static int64_t now_ms = 1000000000000;
static unsigned int asked;

int64_t
walk_now(void)
{
	return now_ms;
}

/* In place of errand.c: the way to a domain is the domain with sender and login. */
int
errand_route(char const *domain, struct smtp_mail const *mail, struct route *r, char const **why)
{
	asked++;
	if (!strcmp(domain, "bad.test")) {
		*why = "nonsense";
		return -1;
	}
	memset(r, 0, sizeof *r);
	snprintf(r->name, sizeof r->name, "%s|%s|%s", domain, mail->from.text, mail->login ? mail->login : "");
	return 0;
}

/* 1 if the way is the right one, and was looked up `times` times for it. */
static int
finds(char const *domain, char const *from, char *login, unsigned int times)
{
	struct smtp_mail mail = {.from = {.text = from}, .login = login};
	struct route r;
	char const *why;
	char want[200];
	unsigned int const before = asked;
	snprintf(want, sizeof want, "%s|%s|%s", domain, from, login ? login : "");
	return !known_route(domain, &mail, &r, &why) && !strcmp(r.name, want) && asked - before == times;
}

static void
known(void)
{
	struct smtp_mail mail = {.from = {.text = ""}};
	struct route r;
	char const *why = 0;
	char login[] = "alice", name[20], other[20] = "";
	char dir[] = "/tmp/postern-unit.XXXXXX", etc[sizeof dir + 4];
	if (!mkdtemp(dir) || setenv("POSTERN_DIR", dir, 1) < 0)
		exit(111);
	snprintf(etc, sizeof etc, "%s/etc", dir);
	tap_ok(known_route("a.test", &mail, &r, &why) < 0 && why && !asked, "without an etc/ there is no route");
	mkdir(etc, 0700);
	tap_ok(finds("a.test", "s@home.test", 0, 1), "the first time it is looked up");
	tap_ok(finds("a.test", "s@home.test", 0, 0), "then it is known");
	tap_ok(finds("a.test", "t@home.test", 0, 1), "of another sender it is not");
	tap_ok(finds("a.test", "s@home.test", login, 1), "nor of one who is known");
	tap_ok(finds("a.test", "s@home.test", 0, 0), "those stand beside it");
	now_ms += KNOWN_MS - 1;
	tap_ok(finds("a.test", "s@home.test", 0, 0), "until its time is over");
	now_ms += 1;
	tap_ok(finds("a.test", "s@home.test", 0, 1), "then it is looked up again");
	now_ms -= 1;
	tap_ok(finds("a.test", "s@home.test", 0, 1) && finds("a.test", "s@home.test", 0, 0),
	    "a clock that was set back: looked up once");
	known_forget();
	tap_ok(finds("a.test", "s@home.test", 0, 1), "etc/ has changed: looked up again");
	unsigned int const before = asked;
	for (int i = 0; i < 2; i++)
		tap_ok(known_route("bad.test", &mail, &r, &why) < 0 && !strcmp(why, "nonsense"), "an error, and why");
	tap_ok(asked == before + 2, "is not kept");
	/* "NAME", "" and "", each with its NUL. */
	for (unsigned int i = 1; !other[0]; i++) {
		snprintf(name, sizeof name, "d%04u.test%c%c", i, 0, 0);
		if (tally_key(name, 13) % KNOWN_ROUTES == tally_key("d0000.test\0\0", 13) % KNOWN_ROUTES)
			strcpy(other, name);
	}
	tap_ok(finds("d0000.test", "", 0, 1) && finds(other, "", 0, 1) && finds("d0000.test", "", 0, 1),
	    "two of one place (%s): each its own way", other);
	rmdir(etc);
	rmdir(dir);
}

int
main(void)
{
	lane_order();
	lane_model();
	lane_rounds();
	tally_model("scattered", scattered);
	tally_model("crowded", crowded);
	tally_keys();
	known();
	return tap_done();
}
