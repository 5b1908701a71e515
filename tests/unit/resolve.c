/* Address resolution: a table of addresses and what they lead to. */
// libs: -lidn2 -lunistring
// objects: mda-local/resolve.o mda-local/targets.o mda-local/alias.o mda-local/alias-include.o mda-local/include-open.o mda-local/alias-user.o mda-local/channel.o mda-local/child.o mda-local/incoming.o mda-local/domain.o mda-local/rewrite.o mda-local/replies.o
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/sa.h"
#include "mda-local/limits.h"
#include "mda-local/resolve.h"

/* clang-format off */
static struct file {
	char const *name, *text;
} const files[] = {
	{"domains",
	    "example.test:\n"
	    "second.test:\n"
	    "other.test: alias:example.test\n"
	    "third.test: alias:other.test\n"
	    "ring.test: alias:ring2.test\n"
	    "ring2.test: alias:ring.test\n"
	    "theirs.test: lmtp:127.0.0.1:24\n"
	    "catch.test:\n"
	    "past.test:\n"},
	{"users",
	    "alice@example.test: x\n"
	    "bob@example.test: x:1001:1002:Bob:/home/bob:/bin/sh:userdb_mail=maildir:~/mail:LAYOUT=x "
	        "userdb_quota_rule=*:bytes=1000\n"
	    "rel@example.test: x::::homes/rel\n"
	    "abs@example.test: x::::h::userdb_mail=maildir:/m/abs\n"
	    "gone@example.test: x::::::nodelivery\n"
	    "bad@example.test: x:abc\n"
	    "a+b@example.test: x\n"
	    "self@example.test: x\n"
	    "selfless@example.test: x\n"
	    "login: x::::/home/login\n"
	    "nohome: x\n"
	    "../x@example.test: x\n"
	    "carol@second.test: x\n"
	    "alice@past.test: x\n"
	    "\"quoted user\"@example.test: x\n"
	    "drop@catch.test: x\n"},
	{"aliases",
	    "staff@example.test: alice, bob ,, alice@other.test\n"
	    "everywhere: alice@example.test\n"
	    "out@example.test: x@remote.test\n"
	    "mixed@example.test: alice, x@remote.test, y@theirs.test\n"
	    "nested@example.test: staff, mixed\n"
	    "loop@example.test: loop2\n"
	    "loop2@example.test: loop\n"
	    "halfloop@example.test: halfloop, alice\n"
	    "dangling@example.test: nobody\n"
	    "halfdangling@example.test: nobody, alice\n"
	    "self@example.test: self, x@remote.test\n"
	    "selfless: selfless, x@remote.test\n"
	    "login: login, x@remote.test\n"
	    "disabled@example.test: gone\n"
	    "badone@example.test: a@b@c\n"
	    "quoted@example.test: \"a,b\"@remote.test\n"
	    "empty@example.test:\n"
	    "toroot@example.test: root@elsewhere.test, postmaster\n"
	    "@catch.test: drop\n"
	    "d0@example.test: d1\nd1@example.test: d2\nd2@example.test: d3\nd3@example.test: d4\n"
	    "d4@example.test: d5\nd5@example.test: d6\nd6@example.test: d7\nd7@example.test: d8\n"
	    "d8@example.test: d9\nd9@example.test: d10\nd10@example.test: d11\nd11@example.test: d12\n"
	    "d12@example.test: d13\nd13@example.test: d14\nd14@example.test: d15\nd15@example.test: d16\n"
	    "d16@example.test: alice\n"
	    /* sendmail's other items */
	    "past@example.test: \\staff\n"
	    "pastme@example.test: \\alice, \\bob@second.test, \\x@remote.test\n"
	    "alice@past.test: \\alice, x@remote.test\n"
	    "prog@example.test: \"|run -x, y\", alice\n"
	    "file@example.test: /var/mail/box, /var/mail/dir/\n"
	    "same: \"|run\", |run, outer\nouter: \"|run\"\n"
	    "noprog: \"|run\"\nuseless: \"|run\", bob\n"
	    "words: Some Name <alice> (her), \"bob\"@example.test\n"
	    "\"odd: #key\"@example.test: alice\n"
	    "inc: :include:DIR/list\n"
	    "incmore: :include:DIR/list, bob\n"
	    "incprog: :include:DIR/programs\n"
	    "incself: :include:DIR/self, alice\n"
	    "incalias: :include:DIR/names\n"
	    "\"in@c\": \"|run\", x@remote.test\n\"owner-in@c\": bob\n"
	    "incnone: :include:DIR/none, alice\n"
	    "incnest: incnone, bob\n"
	    "increl: :include:list\nincdir: :include:DIR/etc\nincopen: :include:DIR/open\nincbig: :include:DIR/big\nincfifo: :include:DIR/fifo\n"
	    "many: :include:DIR/many\n"
	    "owned: x@remote.test, alice, inner, plain\nowner-owned: bob\n"
	    "inner: in@remote.test\nowner-inner@example.test: \"|run\", Bob <bob>, alice\n"
	    "plain: plain@remote.test\n"
	    "badparts: \"never closed, alice\nbadpart2: a@, @b, <>, alice\n"},
};

/* Files beside etc/: mode 0 a fifo. */
static struct include {
	char const *name;
	mode_t mode;
	char const *text;
} const includes[] = {
	{"list", 0644, "# who\nalice, x@remote.test\n  y@remote.test\n\n\tbob\n"},
	{"programs", 0644, "\"|run\"\nalice\n"},
	{"open", 0646, "alice\n"},
	{"names", 0644, "noprog\n"},
	{"fifo", 0, 0},
};

/* Targets: "address>account/folder", or "address" alone if it goes elsewhere; blanks between. */
static struct row {
	char const *local, *domain;
	enum reply reply;
	char const *targets;
} const rows[] = {
	/* users */
	{"alice", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"ALICE", "Example.Test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"nobody", "example.test", REPLY_NO_USER, ""},
	{"alice", "second.test", REPLY_NO_USER, ""},
	{"carol", "second.test", REPLY_RCPT_OK, "carol@second.test>carol@second.test/"},
	{"gone", "example.test", REPLY_DISABLED, ""},
	{"bad", "example.test", REPLY_CONFIG, ""},
	{"../x", "example.test", REPLY_CONFIG, ""},
	{"login", "", REPLY_RCPT_OK, "login+>login/ x@remote.test"},
	{"nohome", "", REPLY_CONFIG, ""},
	{"alice", "", REPLY_NO_USER, ""},
	{"quoted user", "example.test", REPLY_RCPT_OK,
	    "\"quoted user\"@example.test>quoted user@example.test/"},
	/* domains */
	{"alice", "remote.test", REPLY_NO_DOMAIN, ""},
	{"alice", "theirs.test", REPLY_NO_DOMAIN, ""},
	{"alice", "other.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"alice+x", "third.test", REPLY_RCPT_OK, "alice+x@example.test>alice@example.test/x"},
	{"alice", "ring.test", REPLY_ALIAS_DEEP, ""},
	/* subaddresses */
	{"alice+Lists", "example.test", REPLY_RCPT_OK, "alice+Lists@example.test>alice@example.test/Lists"},
	{"alice+a+b", "example.test", REPLY_RCPT_OK, "alice+a+b@example.test>alice@example.test/a+b"},
	{"a+b", "example.test", REPLY_RCPT_OK, "a+b@example.test>a+b@example.test/"},
	{"alice+", "example.test", REPLY_RCPT_OK, "alice+@example.test>alice@example.test/"},
	{"alice++x", "example.test", REPLY_RCPT_OK, "alice++x@example.test>alice@example.test/x"},
	{"+x", "example.test", REPLY_NO_USER, ""},
	{"alice-x", "example.test", REPLY_NO_USER, ""},
	{"everywhere+x", "second.test", REPLY_RCPT_OK, "alice+x@example.test>alice@example.test/x"},
	/* aliases */
	{"everywhere", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"everywhere", "second.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"staff", "example.test", REPLY_RCPT_OK,
	    "alice@example.test>alice@example.test/ bob@example.test>bob@example.test/"},
	{"out", "example.test", REPLY_RCPT_OK, "x@remote.test"},
	{"mixed", "example.test", REPLY_RCPT_OK,
	    "alice@example.test>alice@example.test/ x@remote.test y@theirs.test"},
	{"nested", "example.test", REPLY_RCPT_OK,
	    "alice@example.test>alice@example.test/ bob@example.test>bob@example.test/ x@remote.test y@theirs.test"},
	{"loop", "example.test", REPLY_ALIAS_LOOP, ""},
	{"halfloop", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"dangling", "example.test", REPLY_NO_USER, ""},
	{"halfdangling", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"disabled", "example.test", REPLY_DISABLED, ""},
	{"badone", "example.test", REPLY_BAD_ADDRESS, ""},
	{"empty", "example.test", REPLY_NO_USER, ""},
	{"quoted", "example.test", REPLY_RCPT_OK, "\"a,b\"@remote.test"},
	{"self", "example.test", REPLY_RCPT_OK, "self+@example.test>self@example.test/ x@remote.test"},
	{"self+f", "example.test", REPLY_RCPT_OK, "self++f@example.test>self@example.test/f x@remote.test"},
	{"self+", "example.test", REPLY_RCPT_OK, "self+@example.test>self@example.test/"},
	{"self++f", "example.test", REPLY_RCPT_OK, "self++f@example.test>self@example.test/f"},
	{"selfless", "example.test", REPLY_RCPT_OK, "selfless@example.test>selfless@example.test/"},
	{"any", "catch.test", REPLY_RCPT_OK, "drop@catch.test>drop@catch.test/"},
	{"any+x", "catch.test", REPLY_RCPT_OK, "drop@catch.test>drop@catch.test/"},
	{"d1", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"d0", "example.test", REPLY_ALIAS_DEEP, ""},
	/* postmaster and abuse */
	{"postmaster", "example.test", REPLY_RCPT_OK, "postmaster@example.test>postmaster/"},
	{"Abuse", "second.test", REPLY_RCPT_OK, "abuse@second.test>postmaster/"},
	{"postmaster", "", REPLY_RCPT_OK, "postmaster>postmaster/"},
	{"abuse", "", REPLY_NO_USER, ""},
	{"postmaster", "catch.test", REPLY_RCPT_OK, "drop@catch.test>drop@catch.test/"},
	{"postmaster", "other.test", REPLY_RCPT_OK, "postmaster@example.test>postmaster/"},
	{"postmaster", "remote.test", REPLY_NO_DOMAIN, ""},
	/* sendmail's other items */
	{"past", "example.test", REPLY_NO_USER, ""},
	{"pastme", "example.test", REPLY_RCPT_OK, "\"\\\\alice\"@example.test>alice@example.test/\\ x@remote.test"},
	{"alice", "past.test", REPLY_RCPT_OK, "\"\\\\alice\"@past.test>alice@past.test/\\ x@remote.test"},
	{"\\alice", "past.test", REPLY_RCPT_OK, "\"\\\\alice\"@past.test>alice@past.test/\\"},
	{"\\staff", "example.test", REPLY_NO_USER, ""},
	{"\\alice+x", "example.test", REPLY_RCPT_OK, "\"\\\\alice+x\"@example.test>alice@example.test/x\\"},
	{"\\any", "catch.test", REPLY_NO_USER, ""},
	{"\\x", "remote.test", REPLY_NO_DOMAIN, ""},
	{"prog", "example.test", REPLY_RCPT_OK, "|f3fbab775df0f4ec|prog@example.test>|run -x, y alice@example.test>alice@example.test/"},
	{"|f3fbab775df0f4ec|prog", "example.test", REPLY_RCPT_OK, "|f3fbab775df0f4ec|prog@example.test>|run -x, y"},
	{"|0000000000000000|prog", "example.test", REPLY_NO_USER, ""},
	{"|f3fbab775df0f4ec|alice", "example.test", REPLY_NO_USER, ""},
	{"|f3fbab775df0f4e|prog", "example.test", REPLY_NO_USER, ""},
	{"file", "example.test", REPLY_RCPT_OK, "|9fef5356f4037314|file@example.test>/var/mail/box |f5f8c9f64c51b207|file@example.test>/var/mail/dir/"},
	{"same", "example.test", REPLY_RCPT_OK, "|46dc4e3166b4f31c|same@example.test>|run"},
	{"words", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/ bob@example.test>bob@example.test/"},
	{"odd: #key", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"inc", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/ x@remote.test y@remote.test bob@example.test>bob@example.test/"},
	{"inc", "second.test", REPLY_RCPT_OK, "x@remote.test y@remote.test"},
	{"incmore", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/ x@remote.test y@remote.test bob@example.test>bob@example.test/"},
	{"incprog", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"incalias", "example.test", REPLY_RCPT_OK, "|46dc4e3166b4f31c|noprog@example.test>|run"},
	{"in@c", "example.test", REPLY_RCPT_OK, "\"|46dc4e3166b4f31c|in@c\"@example.test>|run x@remote.test(\"owner-in@c\"@example.test)"},
	{"incself", "example.test", REPLY_RCPT_OK, "bob@example.test>bob@example.test/ alice@example.test>alice@example.test/"},
	{"incnone", "example.test", REPLY_INCLUDE, ""},
	{"incnest", "example.test", REPLY_INCLUDE, ""},
	{"increl", "example.test", REPLY_INCLUDE, ""},
	{"incdir", "example.test", REPLY_INCLUDE, ""},
	{"incopen", "example.test", REPLY_INCLUDE, ""},
	{"incbig", "example.test", REPLY_INCLUDE, ""},
	{"incfifo", "example.test", REPLY_INCLUDE, ""},
	{"many", "example.test", REPLY_ALIAS_DEEP, ""},
	{"owned", "example.test", REPLY_RCPT_OK, "x@remote.test(owner-owned@example.test) alice@example.test>alice@example.test/ "
	    "in@remote.test(owner-inner@example.test) plain@remote.test(owner-owned@example.test)"},
	{"badparts", "example.test", REPLY_BAD_ADDRESS, ""},
	{"badpart2", "example.test", REPLY_RCPT_OK, "alice@example.test>alice@example.test/"},
	{"toroot", "example.test", REPLY_RCPT_OK, "root@elsewhere.test postmaster@example.test>postmaster/"},
};
/* clang-format on */

static char dir[] = "/tmp/resolve.XXXXXX";

static char const *
in_dir(char const *name)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

/* "DIR" in the text is the instance. */
static void
put(char const *name, char const *text)
{
	char rel[100];
	snprintf(rel, sizeof rel, "etc/%s", name);
	FILE *f = fopen(in_dir(rel), "w");
	for (char const *at; f && (at = strstr(text, "DIR")); text = at + 3)
		fprintf(f, "%.*s%s", (int)(at - text), text, dir);
	if (!f || fputs(text, f) < 0 || fclose(f))
		exit(111);
}

static void
put_include(char const *name, mode_t mode, char const *text)
{
	char rel[100];
	snprintf(rel, sizeof rel, "../%s", name);
	if (!mode) {
		if (mkfifo(in_dir(name), 0644) < 0)
			exit(111);
		return;
	}
	put(rel, text);
	if (chmod(in_dir(name), mode) < 0)
		exit(111);
}

/* Lists too long to be written out: a file of more than is read, one with more mailboxes than fit. */
static void
put_long(void)
{
	stralloc sa = STRALLOC_ZERO;
	for (int i = 0; i < 21; i++)
		sa_catf(&sa, "x%d@remote.test\n", i);
	put_include("many", 0644, sa_str(&sa));
	sa_room(&sa, MDA_INCLUDE_SIZE);
	memset(sa.s + sa.len, '\n', MDA_INCLUDE_SIZE);
	sa.len += MDA_INCLUDE_SIZE;
	put_include("big", 0644, sa_str(&sa));
	sa_reset(&sa);
	sa_catf(&sa, "bob, :include:%s/self", dir);
	put_include("self", 0644, sa_str(&sa));
	stralloc_free(&sa);
}

static void
show(stralloc *out, struct targets const *t, size_t const *index, size_t n)
{
	sa_reset(out);
	for (size_t i = 0; i < n; i++) {
		struct target const *x = &t->v[index[i]];
		if (i)
			sa_append(out, ' ');
		sa_cats(out, x->address);
		if (x->owner)
			sa_catf(out, "(%s)", x->owner);
		if (x->account && x->account->alias)
			sa_catf(out, ">%s", x->account->alias);
		else if (x->account) {
			sa_append(out, '>');
			sa_cats(out, x->account->name);
			sa_append(out, '/');
			sa_cats(out, x->folder);
			if (x->past)
				sa_append(out, '\\');
		}
	}
	sa_str(out);
}

static void
check(struct resolver const *r, struct row const *row)
{
	struct arena a = ARENA_ZERO;
	struct targets t = {0, 0, 0};
	stralloc got = STRALLOC_ZERO;
	size_t index[20], n;
	char name[200];
	enum reply reply = resolve(r, &a, &t, row->local, row->domain, index, 20, &n);
	snprintf(name, sizeof name, "%s@%s", row->local, row->domain);
	if (reply != row->reply)
		printf("# %s: %s\n", name, reply_text(reply));
	tap_num(name, reply, row->reply);
	show(&got, &t, index, n);
	tap_str(name, got.s, row->targets);
	stralloc_free(&got);
	arena_free(&a);
	free(t.v);
}

static void
check_account(void)
{
	struct arena a = ARENA_ZERO;
	struct account x;
	char want[200];
	tap_num("bob is found", account_find(&a, "bob@example.test", &x), 1);
	tap_num("uid", x.uid, 1001);
	tap_num("gid", x.gid, 1002);
	tap_str("home", x.home, "/home/bob");
	tap_str("maildir, its options cut", x.maildir, "/home/bob/mail");
	tap_str("quota rule", x.quota_rule, "*:bytes=1000");
	account_find(&a, "alice@example.test", &x);
	snprintf(want, sizeof want, "%s/mail/example.test/alice/Maildir", dir);
	tap_str("default Maildir", x.maildir, want);
	tap_num("default uid is our own", x.uid, geteuid());
	account_find(&a, "rel@example.test", &x);
	snprintf(want, sizeof want, "%s/homes/rel/Maildir", dir);
	tap_str("relative home", x.maildir, want);
	account_find(&a, "abs@example.test", &x);
	tap_str("absolute Maildir", x.maildir, "/m/abs");
	arena_free(&a);
}

/* The settings for programs, files and owners. */
static void
check_allowed(void)
{
	struct resolver r;
	put("allow-mail-to-commands", "include\n");
	put("allow-mail-to-files", "none\n");
	put("expand-owner-alias", "yes\n");
	resolver_init(&r);
	check(&r, &(struct row){"incprog", "example.test", REPLY_RCPT_OK,
	              "|46dc4e3166b4f31c|incprog@example.test>|run alice@example.test>alice@example.test/"});
	check(&r, &(struct row){"noprog", "example.test", REPLY_ALIAS_REFUSED, ""});
	check(&r, &(struct row){"useless", "example.test", REPLY_RCPT_OK, "bob@example.test>bob@example.test/"});
	check(&r, &(struct row){"file", "example.test", REPLY_ALIAS_REFUSED, ""});
	check(&r, &(struct row){"owned", "example.test", REPLY_RCPT_OK,
	              "x@remote.test(bob@example.test) alice@example.test>alice@example.test/ "
	              "in@remote.test(bob@example.test) plain@remote.test(bob@example.test)"});
	unlink(in_dir("etc/allow-mail-to-commands"));
	unlink(in_dir("etc/allow-mail-to-files"));
	unlink(in_dir("etc/expand-owner-alias"));
	put("alias-user", "0:65534\n");
	resolver_init(&r);
	check(&r, &(struct row){"useless", "example.test", geteuid() ? REPLY_RCPT_OK : REPLY_CONFIG,
	              geteuid() ? "|46dc4e3166b4f31c|useless@example.test>|run bob@example.test>bob@example.test/" : ""});
	put("alias-user", "nosuchuser\n");
	check(&r, &(struct row){"noprog", "example.test", geteuid() ? REPLY_RCPT_OK : REPLY_CONFIG,
	              geteuid() ? "|46dc4e3166b4f31c|noprog@example.test>|run" : ""});
	put("alias-user", "65534:65534\n");
	check(&r, &(struct row){"noprog", "example.test", REPLY_RCPT_OK,
	              "|46dc4e3166b4f31c|noprog@example.test>|run"});
	unlink(in_dir("etc/alias-user"));
}

int
main(void)
{
	struct resolver r;
	if (!mkdtemp(dir) || mkdir(in_dir("etc"), 0700) < 0 || mkdir(in_dir("mail"), 0700) < 0
	    || mkdir(in_dir("mail/postmaster"), 0700) < 0)
		return 111;
	/* Lists of root's are read by another user. */
	if (chmod(dir, 0755) < 0)
		return 111;
	setenv("POSTERN_DIR", dir, 1);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		put(files[i].name, files[i].text);
	for (size_t i = 0; i < sizeof includes / sizeof *includes; i++)
		put_include(includes[i].name, includes[i].mode, includes[i].text);
	put_long();
	resolver_init(&r);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&r, &rows[i]);
	check_account();
	check_allowed();
	put("postmaster", "alice@example.test\n");
	put("subaddress", "-_\n");
	resolver_init(&r);
	check(&r, &(struct row){"postmaster", "second.test", REPLY_RCPT_OK,
	              "alice@example.test>alice@example.test/"});
	check(&r, &(struct row){"alice-x", "example.test", REPLY_RCPT_OK,
	              "alice-x@example.test>alice@example.test/x"});
	check(&r, &(struct row){"alice+x", "example.test", REPLY_NO_USER, ""});
	put("postmaster", "postmaster@example.test\n");
	put("subaddress", "none\n");
	resolver_init(&r);
	check(&r, &(struct row){"postmaster", "example.test", REPLY_RCPT_OK,
	              "postmaster@example.test>postmaster/"});
	check(&r, &(struct row){"alice-x", "example.test", REPLY_NO_USER, ""});
	char rm[100];
	snprintf(rm, sizeof rm, "rm -rf %s", dir);
	if (system(rm)) {
	}
	return tap_done();
}
