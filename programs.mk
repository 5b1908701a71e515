# Every program: OBJ_name its objects, USE_name how it is linked ("dynamic", "store" for
# maildir/, "sieve" for sieve/; static without), LIBS_name libraries beyond skalibs. Sorted by folder.

PROGRAMS += postern-tables
OBJ_postern-tables := bin/postern-tables.o
LIBS_postern-tables := -lidn2 -lunistring

# Dynamic for getpwnam, which static glibc has without nsswitch.conf.
PROGRAMS += system-map
OBJ_system-map := bin/system-map.o
USE_system-map := dynamic

PROGRAMS += tcpserver tcpserver-access tcpserver-socketbinder tlsd ucspitlsd
OBJ_tcpserver-access := bin/tcpserver-access.o
LIBS_tcpserver-access := $(S6_LIB)
OBJ_tcpserver-socketbinder := bin/tcpserver-socketbinder.o
OBJ_tcpserver := bin/tcpserver.o bin/tcpserver-options.o bin/tcpserver-spawn.o
OBJ_tlsd := bin/tlsd.o bin/ucspitls-launch.o
OBJ_ucspitlsd := bin/ucspitlsd.o bin/ucspitls-launch.o

PROGRAMS += proxy-server
OBJ_proxy-server := bin/proxy-server.o bin/proxy-header.o

PROGRAMS += spool-recv
OBJ_spool-recv := $(addprefix mda-remote/,spool-recv.o recv-commands.o recv-data.o tls-required.o settings.o spool.o spool-write.o envelope.o)

PROGRAMS += imap-login
OBJ_imap-login := imap/imap-login.o imap/login-commands.o imap/login-parse.o imap/login-read.o imap/capability.o
# A login may have a domain of U-labels.
LIBS_imap-login := -lidn2 -lunistring

PROGRAMS += smtp-recv
OBJ_smtp-recv := $(addprefix smtp-recv/,smtp-recv.o accept.o auth.o binary.o binary-header.o commands.o data.o decide.o \
    door.o door-dnsbl.o door-greet.o door-helo.o door-reverse.o door-sender.o \
    envelope.o envelope-change.o greet.o header-scan.o later.o listen.o message.o milter.o milter-header.o milter-macros.o \
    milter-message.o milter-packet.o milter-say.o milter-table.o milters.o notice.o outlet.o prdr.o received.o replies.o route.o \
    session.o settings.o submission.o xclient.o \
    greylist.o rate.o rate-table.o tarpit.o)
LIBS_smtp-recv := -lidn2 -lunistring -lresolv

PROGRAMS += pop3-login
OBJ_pop3-login := pop3/pop3-login.o pop3/login-commands.o pop3/capa.o
LIBS_pop3-login := -lidn2 -lunistring

PROGRAMS += managesieve-login managesieve
OBJ_managesieve-login := $(addprefix managesieve/,managesieve-login.o login-commands.o read.o parse.o reply.o)
USE_managesieve-login := sieve
LIBS_managesieve-login := -lidn2 -lunistring
OBJ_managesieve := $(addprefix managesieve/,managesieve.o commands.o scripts.o scripts-list.o active.o read.o parse.o reply.o)
USE_managesieve := sieve
LIBS_managesieve := -lidn2 -lunistring

PROGRAMS += mda-remote-dns
OBJ_mda-remote-dns := $(addprefix mda-remote/,dns.o dns-hosts.o dns-tlsa.o dns-txt.o link.o)
USE_mda-remote-dns := dynamic
LIBS_mda-remote-dns := -lunbound

# OpenSSL is in these two and in smtp-send.
TLS_OBJECTS := bin/tls-serve.o bin/tls-relay.o bin/tls-session.o bin/tls-certs.o bin/tls-context.o \
    bin/tls-warm.o bin/tls-tickets.o bin/tls-file.o
PROGRAMS += tls-engine tls-keeper
OBJ_tls-engine := bin/tls-engine.o $(TLS_OBJECTS)
OBJ_tls-keeper := bin/tls-keeper.o bin/tls-keeper-client.o bin/tls-keeper-engines.o $(TLS_OBJECTS)
USE_tls-engine := dynamic
USE_tls-keeper := dynamic
LIBS_tls-engine := $(SSL)
LIBS_tls-keeper := $(SSL)

PROGRAMS += mda-local
OBJ_mda-local := $(patsubst %.c,%.o,$(wildcard mda-local/*.c))
USE_mda-local := store sieve
LIBS_mda-local := -l:libidn2.a -l:libunistring.a

PROGRAMS += auth-file
OBJ_auth-file := bin/auth-file.o bin/auth-hash.o bin/auth-cache.o bin/auth-checker.o
LIBS_auth-file := -lcrypt -lidn2 -lunistring

PROGRAMS += login-wait
OBJ_login-wait := bin/login-wait.o

PROGRAMS += imap
OBJ_imap := $(patsubst %.c,%.o,$(filter-out imap/imap-login.c imap/login-%,$(wildcard imap/*.c)))
USE_imap := dynamic store
# The library's few tables are shared text then, and its relocations are no session's own.
UNISTRING := $(if $(SAN)$(NOSTATIC),-lunistring,-l:libunistring.a)
LIBS_imap := $(UNISTRING) $(if $(call links,-l:libz.a),-l:libz.a,-lz)

PROGRAMS += mda-remote-sts
OBJ_mda-remote-sts := $(addprefix mda-remote/,mda-remote-sts.o sts-policy.o link.o)
USE_mda-remote-sts := dynamic
LIBS_mda-remote-sts := -lcurl

PROGRAMS += smtp-send
OBJ_smtp-send := $(addprefix mda-remote/,smtp-send.o send-connect.o send-race.o send-open.o send-auth.o send-mail.o send-check.o send-transaction.o send-verdict.o send-verify.o send-text.o sevenbit.o send-tls.o send-session.o send-policy.o tlsa.o tls-client.o tls-relay.o tls-session.o attempt.o link.o spool.o spool-file.o envelope.o)
USE_smtp-send := dynamic
LIBS_smtp-send := $(SSL) -lidn2 -lunistring

PROGRAMS += smtp-callout
OBJ_smtp-callout := $(addprefix mda-remote/,smtp-callout.o callout-ask.o callout-cache.o callout-server.o attempt.o errand.o errand-serve.o link.o mx.o packet.o policy.o route.o settings.o spawn.o spool.o stamp.o)
LIBS_smtp-callout := -lidn2 -lunistring

PROGRAMS += pop3
OBJ_pop3 := pop3/pop3.o pop3/commands.o pop3/capa.o pop3/send.o
USE_pop3 := store

PROGRAMS += mda-remote
OBJ_mda-remote := $(addprefix mda-remote/,mda-remote.o active.o attempt.o bounce.o bounce-recover.o bounce-text.o changes.o clock.o conn.o conn-results.o dest.o dest-way.o digest.o digest-file.o digest-send.o envelope.o errand.o errand-serve.o known.o link.o \
    lane.o mx.o obey.o order.o outcome.o policy.o packet.o resolve.o route.o scan.o schedule.o sessions.o settings.o share.o spawn.o spool.o spool-file.o spool-write.o stamp.o state.o sts.o sts-fetch.o sts-look.o sts-policy.o sts-store.o tally.o tlsrpt.o)
USE_mda-remote := dynamic
LIBS_mda-remote := -lidn2 -lunistring

PROGRAMS += mailq
OBJ_mailq := $(addprefix mda-remote/,mailq.o queue.o queue-show.o queue-state.o attempt.o link.o policy.o route.o spool.o spool-file.o envelope.o tally.o)
LIBS_mailq := -lidn2 -lunistring

PROGRAMS += postern-tlsrpt
OBJ_postern-tlsrpt := $(addprefix mda-remote/,postern-tlsrpt.o tlsrpt-read.o tlsrpt-show.o link.o spool.o envelope.o)

PROGRAMS += postern-queue
OBJ_postern-queue := $(addprefix mda-remote/,postern-queue.o order.o queue.o queue-select.o queue-show.o queue-state.o attempt.o link.o policy.o route.o spool.o spool-file.o envelope.o tally.o)
LIBS_postern-queue := -lidn2 -lunistring

PROGRAMS += sendmail
OBJ_sendmail := $(addprefix bin/,sendmail.o sendmail-header.o sendmail-input.o sendmail-submit.o)
USE_sendmail := dynamic

PROGRAMS += maildir
OBJ_maildir := $(addprefix maildir/tool/,maildir.o cmd-check.o cmd-expire.o cmd-export.o cmd-import.o cmd-index.o cmd-stat.o \
    check-index.o check-layout.o check-messages.o check-root.o check-uids.o folders.o import-maildir.o import-mbox.o mbox.o mbox-line.o names.o say.o \
    source.o source-courier.o target.o target-commit.o)
USE_maildir := dynamic store
LIBS_maildir := -lunistring

PROGRAMS += sieve-check sieve-test
OBJ_sieve-check := sieve/tool/sieve-check.o
USE_sieve-check := dynamic sieve
LIBS_sieve-check := -lunistring
OBJ_sieve-test := $(addprefix sieve/tool/,sieve-test.o show.o world.o)
USE_sieve-test := dynamic sieve
LIBS_sieve-test := -lunistring

PROGRAMS += sandbox-check
OBJ_sandbox-check := bin/sandbox-check.o

PROGRAMS += preline
OBJ_preline := bin/preline.o
