#!tests/transcript
# The examples of RFC 9051 (IMAP4rev2), each under its section's number, in mailboxes of the state they show.
# What is this server's own is as it says it: wording, order of flags, \UnMarked, codes the RFC allows besides.
env: MAILDIR=$T/Maildir
run: imap
setup: echo / >etc/imap-separator; ln -s $ROOT/tests/lib/box box; mkdir -p Maildir/cur Maildir/new Maildir/tmp
--- 6.1.1 CAPABILITY, 6.1.3 LOGOUT
S+ \* PREAUTH .*
C: ijkl CAPABILITY
S~ \* CAPABILITY (\S+ )*IMAP4rev2( \S+)*
S: ijkl OK CAPABILITY completed.
C: A023 LOGOUT
S: * BYE Logging out.
S: A023 OK LOGOUT completed.
EOF
EXIT 0
--- 6.1.2 NOOP: expunged, come, and its flags changed, by another
setup: ./box Maildir 3857529045 1400 S=1201-1213 S=1305 S=1306-1314
S+ \* PREAUTH .*
C: 0 ENABLE IMAP4rev2
S+ 0 OK .*
C: a001 SELECT INBOX
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 23 EXISTS
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * OK [UIDVALIDITY 3857529045] UIDs valid
S: * OK [UIDNEXT 1400] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: a001 OK [READ-WRITE] SELECT completed.
C: a002 NOOP
S: a002 OK NOOP completed.
sh: printf 'A: b\n\nx\n' >Maildir/new/x; printf 'a SELECT INBOX\r\nb STORE 22 FLAGS (\\Deleted)\r\nc EXPUNGE\r\nd STORE 14 +FLAGS (\\Deleted)\r\ne LOGOUT\r\n' | imap >/dev/null
C: a047 NOOP
S: * 22 EXPUNGE
S: * 23 EXISTS
S: * 14 FETCH (UID 1305 FLAGS (\Deleted \Seen))
S: a047 OK NOOP completed.
--- 6.3.1 ENABLE
S+ \* PREAUTH .*
C: t2 ENABLE CONDSTORE X-GOOD-IDEA
S: * ENABLED CONDSTORE
S: t2 OK ENABLE completed.
C: a1 ENABLE CONDSTORE
S: * ENABLED
S: a1 OK ENABLE completed.
C: a2 ENABLE X-GOOD-IDEA
S: * ENABLED
S: a2 OK ENABLE completed.
--- 6.3.2 SELECT: again, CLOSED
setup: ./box Maildir 3857529045 4392 S=1-172; ./box Maildir/.Drafts 987741038 102 D=97-101
S+ \* PREAUTH .*
C: 0 ENABLE IMAP4rev2
S+ 0 OK .*
C: A142 SELECT INBOX
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 172 EXISTS
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * OK [UIDVALIDITY 3857529045] UIDs valid
S: * OK [UIDNEXT 4392] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: A142 OK [READ-WRITE] SELECT completed.
C: A143 SELECT Drafts
S: * OK [CLOSED] The mailbox selected before is closed.
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 5 EXISTS
S: * LIST (\HasNoChildren \UnMarked) "/" Drafts
S: * OK [UIDVALIDITY 987741038] UIDs valid
S: * OK [UIDNEXT 102] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: A143 OK [READ-WRITE] SELECT completed.
--- 6.3.3 EXAMINE
setup: ./box Maildir/.blurdybloop 3857529045 4392 S=1-17
S+ \* PREAUTH .*
C: 0 ENABLE IMAP4rev2
S+ 0 OK .*
C: A932 EXAMINE blurdybloop
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS ()] Read-only mailbox.
S: * 17 EXISTS
S: * LIST (\HasNoChildren \UnMarked) "/" blurdybloop
S: * OK [UIDVALIDITY 3857529045] UIDs valid
S: * OK [UIDNEXT 4392] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: A932 OK [READ-ONLY] EXAMINE completed.
--- 6.3.4 CREATE: separator at the end, inferior, a name that is not in NFC
S+ \* PREAUTH .*
C: A003 CREATE owatagusiam/
S~ A003 OK \[MAILBOXID \(\w+\)\] CREATE completed\.
C: A004 CREATE owatagusiam/blurdybloop
S~ A004 OK \[MAILBOXID \(\w+\)\] CREATE completed\.
C: 0 ENABLE IMAP4rev2
S+ 0 OK .*
C! A005 CREATE "e\xcc\x81"\r\n
S: A005 NO [CANNOT] Not a name that a mailbox can have.
C! A006 RENAME owatagusiam "e\xcc\x81"\r\n
S: A006 NO [CANNOT] Not a name that a mailbox can have.
C! A007 CREATE "\xc3\xa9"\r\n
S~ A007 OK \[MAILBOXID \(\w+\)\] CREATE completed\.
C! A008 DELETE "\xc3\xa9"\r\n
S: A008 OK DELETE completed.
--- 6.3.5 DELETE: superior names
setup: mkdir -p Maildir/.blurdybloop/cur Maildir/.foo.bar/cur
S+ \* PREAUTH .*
C: A682 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasNoChildren \UnMarked) "/" blurdybloop
S: * LIST (\Noselect \HasChildren) "/" foo
S: * LIST (\HasNoChildren \UnMarked) "/" foo/bar
S: A682 OK LIST completed.
C: A683 DELETE blurdybloop
S: A683 OK DELETE completed.
C: A684 DELETE foo
S: A684 NO [NONEXISTENT] No such mailbox.
C: A685 DELETE foo/bar
S: A685 OK DELETE completed.
C: A686 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: A686 OK LIST completed.
C: A687 DELETE foo
S: A687 NO [NONEXISTENT] No such mailbox.
--- 6.3.5 DELETE: of a mailbox with inferiors
setup: rm etc/imap-separator; mkdir -p Maildir/.blurdybloop/cur Maildir/.foo.bar/cur Maildir/.foo/cur
S+ \* PREAUTH .*
C: A82 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\HasNoChildren \UnMarked) "." blurdybloop
S: * LIST (\HasChildren \UnMarked) "." foo
S: * LIST (\HasNoChildren \UnMarked) "." foo.bar
S: A82 OK LIST completed.
C: A83 DELETE blurdybloop
S: A83 OK DELETE completed.
C: A84 DELETE foo
S: A84 OK DELETE completed.
C: A85 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\Noselect \HasChildren) "." foo
S: * LIST (\HasNoChildren \UnMarked) "." foo.bar
S: A85 OK LIST completed.
C: A86 LIST "" %
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\Noselect \HasChildren) "." foo
S: A86 OK LIST completed.
--- 6.3.6 RENAME: inferiors go along; of a name that is none
setup: mkdir -p Maildir/.blurdybloop/cur Maildir/.foo.bar/cur
S+ \* PREAUTH .*
C: A682 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasNoChildren \UnMarked) "/" blurdybloop
S: * LIST (\Noselect \HasChildren) "/" foo
S: * LIST (\HasNoChildren \UnMarked) "/" foo/bar
S: A682 OK LIST completed.
C: A683 RENAME blurdybloop sarasoop
S: A683 OK RENAME completed.
C: A684 RENAME foo zowie
S: A684 OK RENAME completed.
C: A685 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasNoChildren \UnMarked) "/" sarasoop
S: * LIST (\Noselect \HasChildren) "/" zowie
S: * LIST (\HasNoChildren \UnMarked) "/" zowie/bar
S: A685 OK LIST completed.
--- 6.3.6 RENAME of INBOX: its messages move, its inferiors stay
setup: ./box Maildir 3857529045 4392 S=1-3; ./box Maildir/.INBOX.bar 7 2 S=1
S+ \* PREAUTH .*
C: Z432 LIST "" *
S: * LIST (\HasChildren \UnMarked) "/" INBOX
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX/bar
S: Z432 OK LIST completed.
C: Z433 RENAME INBOX old-mail
S: Z433 OK RENAME completed.
C: Z434 LIST "" *
S: * LIST (\HasChildren \UnMarked) "/" INBOX
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX/bar
S: * LIST (\HasNoChildren \UnMarked) "/" old-mail
S: Z434 OK LIST completed.
C: Z435 STATUS old-mail (MESSAGES)
S: * STATUS old-mail (MESSAGES 3)
S: Z435 OK STATUS completed.
C: Z436 STATUS INBOX (MESSAGES)
S: * STATUS INBOX (MESSAGES 0)
S: Z436 OK STATUS completed.
--- 6.3.6, 6.3.7, 6.3.8 RENAME, then the subscriptions
setup: mkdir -p Maildir/.X/cur; echo X >Maildir/subscriptions
S+ \* PREAUTH .*
C! 1001 RENAME X Y\r\n1002 SUBSCRIBE Y\r\n1003 UNSUBSCRIBE X\r\n
S: 1001 OK RENAME completed.
S: 1002 OK SUBSCRIBE completed.
S: 1003 OK UNSUBSCRIBE completed.
C: 1004 LIST (SUBSCRIBED) "" *
S: * LIST (\Subscribed \UnMarked) "/" Y
S: 1004 OK LIST completed.
C: A002 SUBSCRIBE #news.comp.mail.mime
S: A002 NO [CANNOT] Not a name that a mailbox can have.
C: A003 UNSUBSCRIBE #news.comp.mail.mime
S: A003 NO [CANNOT] Not a name that a mailbox can have.
--- 6.3.9.8 LIST: the root, patterns, subscribed, children (1 to 6)
setup: for d in Fruit Fruit.Apple Fruit.Banana Tofu Vegetable Vegetable.Broccoli Vegetable.Corn; do mkdir -p Maildir/.$d/cur Maildir/.$d/new; done
setup: printf 'INBOX\nFruit.Banana\nFruit.Peach\nVegetable\nVegetable.Broccoli\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: A101 LIST "" ""
S: * LIST (\Noselect) "/" ""
S: A101 OK LIST completed.
C: A102 LIST #news.comp.mail.misc ""
S: * LIST (\Noselect) "/" ""
S: A102 OK LIST completed.
C: A103 LIST /usr/staff/jones ""
S: * LIST (\Noselect) "/" ""
S: A103 OK LIST completed.
C: A202 LIST Vegetable/ %
S: * LIST (\HasNoChildren \UnMarked) "/" Vegetable/Broccoli
S: * LIST (\HasNoChildren \UnMarked) "/" Vegetable/Corn
S: A202 OK LIST completed.
C: A01 LIST "" "*"
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasChildren \UnMarked) "/" Fruit
S: * LIST (\HasNoChildren \UnMarked) "/" Fruit/Apple
S: * LIST (\HasNoChildren \UnMarked) "/" Fruit/Banana
S: * LIST (\HasNoChildren \UnMarked) "/" Tofu
S: * LIST (\HasChildren \UnMarked) "/" Vegetable
S: * LIST (\HasNoChildren \UnMarked) "/" Vegetable/Broccoli
S: * LIST (\HasNoChildren \UnMarked) "/" Vegetable/Corn
S: A01 OK LIST completed.
C: A02 LIST (SUBSCRIBED) "" "*"
S: * LIST (\Subscribed \UnMarked) "/" INBOX
S: * LIST (\Subscribed \UnMarked) "/" Fruit/Banana
S: * LIST (\NonExistent \Subscribed) "/" Fruit/Peach
S: * LIST (\Subscribed \UnMarked) "/" Vegetable
S: * LIST (\Subscribed \UnMarked) "/" Vegetable/Broccoli
S: A02 OK LIST completed.
C: A03 LIST () "" "%" RETURN (CHILDREN)
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasChildren \UnMarked) "/" Fruit
S: * LIST (\HasNoChildren \UnMarked) "/" Tofu
S: * LIST (\HasChildren \UnMarked) "/" Vegetable
S: A03 OK LIST completed.
C: A04 LIST (REMOTE) "" "%" RETURN (CHILDREN)
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasChildren \UnMarked) "/" Fruit
S: * LIST (\HasNoChildren \UnMarked) "/" Tofu
S: * LIST (\HasChildren \UnMarked) "/" Vegetable
S: A04 OK LIST completed.
C: A05 LIST (REMOTE SUBSCRIBED) "" "*"
S: * LIST (\Subscribed \UnMarked) "/" INBOX
S: * LIST (\Subscribed \UnMarked) "/" Fruit/Banana
S: * LIST (\NonExistent \Subscribed) "/" Fruit/Peach
S: * LIST (\Subscribed \UnMarked) "/" Vegetable
S: * LIST (\Subscribed \UnMarked) "/" Vegetable/Broccoli
S: A05 OK LIST completed.
C: A06 LIST (REMOTE) "" "*" RETURN (SUBSCRIBED)
S: * LIST (\Subscribed \UnMarked) "/" INBOX
S: * LIST (\UnMarked) "/" Fruit
S: * LIST (\UnMarked) "/" Fruit/Apple
S: * LIST (\Subscribed \UnMarked) "/" Fruit/Banana
S: * LIST (\UnMarked) "/" Tofu
S: * LIST (\Subscribed \UnMarked) "/" Vegetable
S: * LIST (\Subscribed \UnMarked) "/" Vegetable/Broccoli
S: * LIST (\UnMarked) "/" Vegetable/Corn
S: A06 OK LIST completed.
--- 6.3.9.8 LIST: RECURSIVEMATCH (9)
setup: for d in foo2 foo2.bar1 foo2.bar2 baz2 baz2.bar2 baz2.bar22 baz2.bar222 eps2 eps2.mamba qux2.bar2; do mkdir -p Maildir/.$d/cur Maildir/.$d/new; done
setup: printf 'foo2.bar1\nfoo2.bar2\nbaz2.bar2\nbaz2.bar22\nbaz2.bar222\neps2\neps2.mamba\nqux2.bar2\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: D01 LIST "" "*"
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasChildren \UnMarked) "/" baz2
S: * LIST (\HasNoChildren \UnMarked) "/" baz2/bar2
S: * LIST (\HasNoChildren \UnMarked) "/" baz2/bar22
S: * LIST (\HasNoChildren \UnMarked) "/" baz2/bar222
S: * LIST (\HasChildren \UnMarked) "/" eps2
S: * LIST (\HasNoChildren \UnMarked) "/" eps2/mamba
S: * LIST (\HasChildren \UnMarked) "/" foo2
S: * LIST (\HasNoChildren \UnMarked) "/" foo2/bar1
S: * LIST (\HasNoChildren \UnMarked) "/" foo2/bar2
S: * LIST (\Noselect \HasChildren) "/" qux2
S: * LIST (\HasNoChildren \UnMarked) "/" qux2/bar2
S: D01 OK LIST completed.
C: D02 LIST (SUBSCRIBED) "" "*"
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar2
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar22
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar222
S: * LIST (\Subscribed \UnMarked) "/" eps2
S: * LIST (\Subscribed \UnMarked) "/" eps2/mamba
S: * LIST (\Subscribed \UnMarked) "/" foo2/bar1
S: * LIST (\Subscribed \UnMarked) "/" foo2/bar2
S: * LIST (\Subscribed \UnMarked) "/" qux2/bar2
S: D02 OK LIST completed.
C: D03 LIST (RECURSIVEMATCH SUBSCRIBED) "" "*2"
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar2
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar22
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar222
S: * LIST (\Subscribed \UnMarked) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))
S: * LIST (\UnMarked) "/" foo2 ("CHILDINFO" ("SUBSCRIBED"))
S: * LIST (\Subscribed \UnMarked) "/" foo2/bar2
S: * LIST (\Subscribed \UnMarked) "/" qux2/bar2
S: D03 OK LIST completed.
C: D04 LIST (RECURSIVEMATCH SUBSCRIBED) "" "*"
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar2
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar22
S: * LIST (\Subscribed \UnMarked) "/" baz2/bar222
S: * LIST (\Subscribed \UnMarked) "/" eps2 ("CHILDINFO" ("SUBSCRIBED"))
S: * LIST (\Subscribed \UnMarked) "/" eps2/mamba
S: * LIST (\Subscribed \UnMarked) "/" foo2/bar1
S: * LIST (\Subscribed \UnMarked) "/" foo2/bar2
S: * LIST (\Subscribed \UnMarked) "/" qux2/bar2
S: D04 OK LIST completed.
--- 6.3.9.8 LIST: a subscribed name that exists not, below one that does (10); several patterns (11)
setup: mkdir -p Maildir/.foo/cur Maildir/.music.rock/cur; echo foo.bar >Maildir/subscriptions
S+ \* PREAUTH .*
C: a1 LIST "" ("foo")
S: * LIST (\UnMarked) "/" foo
S: a1 OK LIST completed.
C: a2 LIST (SUBSCRIBED) "" "foo/*"
S: * LIST (\NonExistent \Subscribed) "/" foo/bar
S: a2 OK LIST completed.
C: a3 LIST (SUBSCRIBED RECURSIVEMATCH) "" foo RETURN (CHILDREN)
S: * LIST (\HasNoChildren \UnMarked) "/" foo ("CHILDINFO" ("SUBSCRIBED"))
S: a3 OK LIST completed.
C: a4 LIST () "" m%
S: * LIST (\NonExistent \HasChildren) "/" music
S: a4 OK LIST completed.
C: a3.1 LIST "" (m% music/rock)
S: * LIST (\NonExistent \HasChildren) "/" music
S: * LIST (\UnMarked) "/" music/rock
S: a3.1 OK LIST completed.
--- 6.3.9.8 LIST: STATUS (12, 13)
setup: rm etc/imap-separator; ./box Maildir 1 18 S=1 =2-17; ./box Maildir/.foo 2 31 S=1 =2-30; mkdir -p Maildir/.bar.baz/cur; printf 'INBOX\nfoo.baz\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: A01 LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
S: * LIST (\UnMarked) "." INBOX
S: * STATUS INBOX (MESSAGES 17 UNSEEN 16)
S: * LIST (\NonExistent \HasChildren) "." bar
S: * LIST (\UnMarked) "." foo
S: * STATUS foo (MESSAGES 30 UNSEEN 29)
S: A01 OK LIST completed.
C: A02 LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (MESSAGES))
S: * LIST (\Subscribed \UnMarked) "." INBOX
S: * STATUS INBOX (MESSAGES 17)
S: * LIST (\UnMarked) "." foo ("CHILDINFO" ("SUBSCRIBED"))
S: * STATUS foo (MESSAGES 30)
S: A02 OK LIST completed.
--- 6.3.10 NAMESPACE
S+ \* PREAUTH .*
C: A001 NAMESPACE
S: * NAMESPACE (("" "/")) NIL NIL
S: A001 OK NAMESPACE completed.
C: A002 LIST (SPECIAL-USE) "" "*"
S: A002 OK LIST completed.
C: A004 CREATE "Sent Mail"
S~ A004 OK \[MAILBOXID \(\w+\)\] CREATE completed\.
--- 6.3.11 STATUS
setup: ./box Maildir/.blurdybloop 3857529045 44292 S=1-231
S+ \* PREAUTH .*
C: A042 STATUS blurdybloop (UIDNEXT MESSAGES)
S: * STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)
S: A042 OK STATUS completed.
--- 6.3.12 APPEND, COPY, UID COPY: APPENDUID, COPYUID (also 6.4.7)
setup: ./box Maildir/.saved-messages 38505 3955; ./box Maildir/.meeting 38505 3956; ./box Maildir/.funny 7 1; ./box Maildir 1 400 S=303-304 S=319-320
S+ \* PREAUTH .*
C! A003 APPEND saved-messages (\\Seen) {55+}\r\nSubject: afternoon meeting\r\n\r\nHello Joe, do you think\r\n\r\n\r\n
S: A003 OK [APPENDUID 38505 3955] APPEND completed.
C: s SELECT INBOX
S+ s OK .*
C: A004 COPY 2:4 meeting
S: A004 OK [COPYUID 38505 304,319:320 3956:3958] COPY completed.
C: A005 UID COPY 305:310 meeting
S: A005 OK No messages found.
C: A006 COPY 2 funny
S: A006 OK [COPYUID 7 304 1] COPY completed.
C: A007 SELECT funny
S: * OK [CLOSED] The mailbox selected before is closed.
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 1 EXISTS
S: * 0 RECENT
S: * OK [UIDVALIDITY 7] UIDs valid
S: * OK [UIDNEXT 2] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: A007 OK [READ-WRITE] SELECT completed.
--- 6.3.13 IDLE: new mail, what another expunged before and during it
setup: ./box Maildir 1 4 S=1-3
S+ \* PREAUTH .*
C: 0 ENABLE IMAP4rev2
S+ 0 OK .*
C: A001 SELECT INBOX
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 3 EXISTS
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * OK [UIDVALIDITY 1] UIDs valid
S: * OK [UIDNEXT 4] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: A001 OK [READ-WRITE] SELECT completed.
C: A002 IDLE
S: + idling
sh: printf 'Subject: 4\n\nbody\n' >Maildir/new/4.x
S: * 4 EXISTS
C: DONE
S: A002 OK IDLE completed.
sh: rm Maildir/cur/2.x*
C: A003 FETCH 4 FLAGS
S: * 4 FETCH (FLAGS ())
S: A003 OK FETCH completed.
C: A004 IDLE
S: + idling
S: * 2 EXPUNGE
sh: rm Maildir/cur/3.x*
S: * 2 EXPUNGE
sh: printf 'Subject: 5\n\nbody\n' >Maildir/new/5.x
S: * 3 EXISTS
C: DONE
S: A004 OK IDLE completed.
C: A005 FETCH 3 FLAGS
S: * 3 FETCH (FLAGS ())
S: A005 OK FETCH completed.
--- 6.4.1 CLOSE, 6.4.2 UNSELECT
setup: ./box Maildir 1 4 S=1-2 T=3
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A342 UNSELECT
S: A342 OK UNSELECT completed.
C: t SELECT INBOX
S+ t OK .*
C: A341 CLOSE
S: A341 OK CLOSE completed.
C: u STATUS INBOX (MESSAGES)
S: * STATUS INBOX (MESSAGES 2)
S: u OK STATUS completed.
--- 6.4.3 EXPUNGE, 6.4.9 UID EXPUNGE
setup: ./box Maildir 1 12 S=1-2 T=3-4 S=5-6 T=7 S=8-10 T=11; ./box Maildir/.uid 1 4000 S=1-2 T=3000-3002 T=3003
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A202 EXPUNGE
S: * 11 EXPUNGE
S: * 7 EXPUNGE
S: * 4 EXPUNGE
S: * 3 EXPUNGE
S: A202 OK EXPUNGE completed.
C: t SELECT uid
S+ t OK .*
C: A003 UID EXPUNGE 3000:3002
S: * 5 EXPUNGE
S: * 4 EXPUNGE
S: * 3 EXPUNGE
S: A003 OK UID EXPUNGE completed.
--- 6.4.4 SEARCH
setup: ./box Maildir 1 4000 =6 F=7-8 T=10-11 F=3799; printf 'Subject: =?UTF-8?B?0L7RgtC/0YPRgdC6?=\n\nx\n' >Maildir/cur/6.x:2,
S+ \* PREAUTH .*
C: 0 ENABLE IMAP4rev2
S+ 0 OK .*
C: s SELECT INBOX
S+ s OK .*
C: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
S: * ESEARCH (TAG "A282") MIN 2 COUNT 3
S: A282 OK SEARCH completed.
C: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
S: * ESEARCH (TAG "A283") ALL 2:3,6
S: A283 OK SEARCH completed.
C: A284 SEARCH TEXT "string not in mailbox"
S: * ESEARCH (TAG "A284")
S: A284 OK SEARCH completed.
C: A285 SEARCH CHARSET UTF-8 TEXT {12}
S: + OK
C: отпуск
S: * ESEARCH (TAG "A285") ALL 1
S: A285 OK SEARCH completed.
C: A286 SEARCH RETURN (MIN) UNSEEN
S: * ESEARCH (TAG "A286") MIN 1
S: A286 OK SEARCH completed.
C: A287 UID SEARCH RETURN (MIN MAX) 1:5000
S: * ESEARCH (TAG "A287") UID MIN 6 MAX 3799
S: A287 OK UID SEARCH completed.
C: A288 SEARCH RETURN (COUNT) DELETED
S: * ESEARCH (TAG "A288") COUNT 2
S: A288 OK SEARCH completed.
--- 6.4.4.4 SEARCH RETURN (SAVE): $ in FETCH, SEARCH, COPY, STORE; emptied by a NO
setup: ./box Maildir 1 902 S=1-16 F=17-20 F=899-901; mkdir -p Maildir/.Junk/cur; printf '0 $Junk\n' >Maildir/dovecot-keywords
S+ \* PREAUTH .*
C: 0 ENABLE IMAP4rev2
S+ 0 OK .*
C: s SELECT INBOX
S+ s OK .*
C! A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"\r\nA283 FETCH $ (UID FLAGS)\r\n
S: A282 OK SEARCH completed.
S: * 17 FETCH (UID 17 FLAGS (\Flagged))
S: * 18 FETCH (UID 18 FLAGS (\Flagged))
S: * 19 FETCH (UID 19 FLAGS (\Flagged))
S: * 20 FETCH (UID 20 FLAGS (\Flagged))
S: * 21 FETCH (UID 899 FLAGS (\Flagged))
S: * 22 FETCH (UID 900 FLAGS (\Flagged))
S: * 23 FETCH (UID 901 FLAGS (\Flagged))
S: A283 OK FETCH completed.
C: A301 UID SEARCH UID $ SMALLER 4096
S: * ESEARCH (TAG "A301") UID ALL 17:20,899:901
S: A301 OK UID SEARCH completed.
C: A302 UID SEARCH $ SMALLER 4096
S: * ESEARCH (TAG "A302") UID ALL 17:20,899:901
S: A302 OK UID SEARCH completed.
C! P283 SEARCH CHARSET UTF-8 (OR $ 1,3000:3021) TEXT {8+}\r\n\xd0\xbc\xd0\xb0\xd1\x82\xd1\x8c\r\n
S: * ESEARCH (TAG "P283")
S: P283 OK SEARCH completed.
C! B283 SEARCH RETURN (SAVE) CHARSET X-KOI9 (OR $ 1,3000:3021) TEXT {4+}\r\nXXXX\r\n
S: B283 NO [BADCHARSET (US-ASCII UTF-8 ISO-8859-1)] Charset not known.
C: B284 FETCH $ (UID)
S: B284 OK FETCH completed.
C! E282 SEARCH RETURN (SAVE) FROM "Eric"\r\nE283 COPY $ Junk\r\n
S: E282 OK SEARCH completed.
S: E283 OK No messages found.
C! F281 STORE 3 +FLAGS ($Junk)\r\nF282 SEARCH RETURN (SAVE) KEYWORD $Junk\r\nF283 COPY $ "Junk"\r\nF284 STORE $ +FLAGS.SILENT (\\Deleted)\r\n
S: * 3 FETCH (UID 3 FLAGS (\Seen $Junk))
S: F281 OK STORE completed.
S: F282 OK SEARCH completed.
S~ F283 OK \[COPYUID \d+ 3 1\] COPY completed\.
S: F284 OK STORE completed.
C! G282 SEARCH RETURN (SAVE) KEYWORD $Junk\r\nG283 SEARCH RETURN (ALL) FLAGGED\r\nH283 SEARCH RETURN (SAVE) FLAGGED\r\nH284 SEARCH $\r\n
S: G282 OK SEARCH completed.
S: * ESEARCH (TAG "G283") ALL 17:23
S: G283 OK SEARCH completed.
S: H283 OK SEARCH completed.
S: * ESEARCH (TAG "H284") ALL 17:23
S: H284 OK SEARCH completed.
--- 6.4.4.4 SEARCH RETURN (SAVE ...): what $ is then
setup: ./box Maildir 1 30 S=1 F=2 S=3-9 F=10-15 S=16-20 F=21
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: C283 SEARCH RETURN (ALL SAVE) FLAGGED
S: * ESEARCH (TAG "C283") ALL 2,10:15,21
S: C283 OK SEARCH completed.
C: 1 SEARCH $
S: * SEARCH 2 10 11 12 13 14 15 21
S: 1 OK SEARCH completed.
C: C282 SEARCH RETURN (ALL) ALL
S: * ESEARCH (TAG "C282") ALL 1:21
S: C282 OK SEARCH completed.
C: 2 SEARCH $
S: * SEARCH 2 10 11 12 13 14 15 21
S: 2 OK SEARCH completed.
C: C284 SEARCH RETURN (SAVE MIN) FLAGGED
S: * ESEARCH (TAG "C284") MIN 2
S: C284 OK SEARCH completed.
C: 3 SEARCH $
S: * SEARCH 2
S: 3 OK SEARCH completed.
C: C285 SEARCH RETURN (MAX SAVE MIN) FLAGGED
S: * ESEARCH (TAG "C285") MIN 2 MAX 21
S: C285 OK SEARCH completed.
C: 4 SEARCH $
S: * SEARCH 2 21
S: 4 OK SEARCH completed.
C: C286 SEARCH RETURN (MAX SAVE MIN COUNT) FLAGGED
S: * ESEARCH (TAG "C286") MIN 2 MAX 21 COUNT 8
S: C286 OK SEARCH completed.
C: 5 SEARCH $
S: * SEARCH 2 10 11 12 13 14 15 21
S: 5 OK SEARCH completed.
C: C287 SEARCH RETURN (ALL SAVE MIN) FLAGGED
S: * ESEARCH (TAG "C287") MIN 2 ALL 2,10:15,21
S: C287 OK SEARCH completed.
C: 6 SEARCH $
S: * SEARCH 2 10 11 12 13 14 15 21
S: 6 OK SEARCH completed.
--- 6.4.5 FETCH, 6.4.6 STORE, 6.4.9 UID FETCH, 7.5.2
setup: ./box Maildir 1 4828443 S=1-2 =3 FS=4 S=4827313 S=4827943 S=4828442
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])
S: * 2 FETCH (FLAGS (\Seen) BODY[HEADER.FIELDS (DATE FROM)] {2}
S: 
S: )
S: * 3 FETCH (FLAGS (\Seen) BODY[HEADER.FIELDS (DATE FROM)] {2}
S: 
S: )
S: * 4 FETCH (FLAGS (\Flagged \Seen) BODY[HEADER.FIELDS (DATE FROM)] {2}
S: 
S: )
S: A654 OK FETCH completed.
C: A003 STORE 2:4 +FLAGS (\Deleted)
S: * 2 FETCH (FLAGS (\Deleted \Seen))
S: * 3 FETCH (FLAGS (\Deleted \Seen))
S: * 4 FETCH (FLAGS (\Flagged \Deleted \Seen))
S: A003 OK STORE completed.
C: A999 UID FETCH 4827313:4828442 FLAGS
S: * 5 FETCH (UID 4827313 FLAGS (\Seen))
S: * 6 FETCH (UID 4827943 FLAGS (\Seen))
S: * 7 FETCH (UID 4828442 FLAGS (\Seen))
S: A999 OK UID FETCH completed.
--- 6.4.8 MOVE
setup: ./box Maildir 7 70 S=1-3 S=66-69; ./box Maildir/.foo 432432 1202
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a UID MOVE 42:69 foo
S: * OK [COPYUID 432432 66:69 1202:1205] Moved.
S: * 7 EXPUNGE
S: * 6 EXPUNGE
S: * 5 EXPUNGE
S: * 4 EXPUNGE
S: a OK UID MOVE completed.
--- 6.5 an experimental command that is unknown, 7.6 one with a literal
S+ \* PREAUTH .*
C: A442 XPIG-LATIN
S: A442 BAD Unknown command.
C: A044 BLURDYBLOOP {102856}
S: A044 BAD Unknown command.
C: A045 NOOP
S: A045 OK NOOP completed.
--- 7.1 ALREADYEXISTS, NONEXISTENT, CANNOT
setup: ./box Maildir/.this 7 2 S=1; ./box Maildir/.that 7 2 S=1
S+ \* PREAUTH .*
C: o356 RENAME this that
S: o356 NO [ALREADYEXISTS] The mailbox exists already.
C: p RENAME nothere anywhere
S: p NO [NONEXISTENT] No such mailbox.
C: l create "///////"
S: l NO [CANNOT] Not a name that a mailbox can have.
--- 7.1.3 BAD: an empty line
S+ \* PREAUTH .*
C! \r\n
S: * BAD Invalid tag.
C: a NOOP
S: a OK NOOP completed.
--- 8 a session (from ENABLE on)
setup: ./box Maildir 3857529045 19 S=1-18
setup: printf 'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\nFrom: Terry Gray <gray@cac.washington.edu>\nSubject: IMAP4rev2 WG mtg summary and minutes\nTo: imap@cac.washington.edu\ncc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\nMessage-Id: <B27397-0100000@cac.washington.edu>\nMIME-Version: 1.0\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\nminutes\n' >Maildir/cur/12.x:2,S
setup: touch -d '1996-07-17 09:44:25 UTC' Maildir/cur/12.x:2,S
env: TZ=MST7
S+ \* PREAUTH .*
C: babc ENABLE IMAP4rev2
S: * ENABLED IMAP4rev2
S: babc OK ENABLE completed.
C: a002 select inbox
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 18 EXISTS
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * OK [UIDVALIDITY 3857529045] UIDs valid
S: * OK [UIDNEXT 19] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: a002 OK [READ-WRITE] SELECT completed.
C: a003 fetch 12 full
S: * 12 FETCH (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 351 ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>") BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 9 1))
S: a003 OK FETCH completed.
C: a004 fetch 12 body[header]
S: * 12 FETCH (BODY[HEADER] {342}
S: Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
S: From: Terry Gray <gray@cac.washington.edu>
S: Subject: IMAP4rev2 WG mtg summary and minutes
S: To: imap@cac.washington.edu
S: cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
S: Message-Id: <B27397-0100000@cac.washington.edu>
S: MIME-Version: 1.0
S: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
S: 
S: )
S: a004 OK FETCH completed.
C: a005 store 12 +flags \deleted
S: * 12 FETCH (UID 12 FLAGS (\Deleted \Seen))
S: a005 OK STORE completed.
C: a006 logout
S: * BYE Logging out.
S: a006 OK LOGOUT completed.
EOF
--- 6.3.9.6 CHILDINFO of INBOX, below which other names stand
setup: mkdir -p Maildir/.Archive/cur Maildir/.INBOX.bar/cur; printf 'INBOX\nINBOX.bar\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: a1 LIST (SUBSCRIBED RECURSIVEMATCH) "" %
S: * LIST (\Subscribed \UnMarked) "/" INBOX ("CHILDINFO" ("SUBSCRIBED"))
S: a1 OK LIST completed.
C: a2 LIST () "" "%" RETURN (CHILDREN)
S: * LIST (\HasChildren \UnMarked) "/" INBOX
S: * LIST (\HasNoChildren \UnMarked) "/" Archive
S: a2 OK LIST completed.
