#!tests/transcript
# CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, LSUB, LIST, STATUS, SELECT of mailboxes.
env: MAILDIR=$T/Maildir
run: imap
--- RFC 3501 6.3.3 to 6.3.5: CREATE, DELETE, RENAME and what they refuse
S+ \* PREAUTH .*
C: a1 CREATE foo
S~ a1 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: a2 CREATE foo
S: a2 NO [ALREADYEXISTS] The mailbox exists already.
C: a3 CREATE inbox
S: a3 NO [ALREADYEXISTS] The mailbox exists already.
C: a4 CREATE foo.bar.
S~ a4 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: a5 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\HasChildren \UnMarked) "." foo
S: * LIST (\HasNoChildren \UnMarked) "." foo.bar
S: a5 OK LIST completed.
C: a6 DELETE foo
S: a6 OK DELETE completed.
C: a7 LIST "" %
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\Noselect \HasChildren) "." foo
S: a7 OK LIST completed.
C: a8 SELECT foo
S~ a8 NO \[NONEXISTENT\] .*
C: a9 DELETE foo
S~ a9 NO \[NONEXISTENT\] .*
C: b1 DELETE INBOX
S: b1 NO [CANNOT] INBOX cannot be deleted.
C: b2 DELETE nothere
S~ b2 NO \[NONEXISTENT\] .*
C: b3 RENAME foo zap
S: b3 OK RENAME completed.
C: b4 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\Noselect \HasChildren) "." zap
S: * LIST (\HasNoChildren \UnMarked) "." zap.bar
S: b4 OK LIST completed.
C: b5 RENAME zap.bar INBOX
S~ b5 NO \[ALREADYEXISTS\] .*
C: b6 RENAME nothere x
S~ b6 NO \[NONEXISTENT\] .*
C: b7 CREATE "a..b"
S~ b7 NO \[CANNOT\] .*
C: b8 CREATE "&AGE-"
S~ b8 NO \[CANNOT\] .*
C: b9 CREATE "../x"
S~ b9 NO \[CANNOT\] .*
C: c1 CREATE x y
S: c1 BAD CREATE: List expected.
C: c2 CREATE &AOQ-
S~ c2 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: c3 LIST "" &*
S: * LIST (\HasNoChildren \UnMarked) "." &AOQ-
S: c3 OK LIST completed.
sh: test -d "Maildir/.&AOQ-/cur"
--- RENAME INBOX moves its messages (RFC 3501 6.3.5)
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp; printf 'Subject: x\n\ny\n' >Maildir/cur/1.x:2,S
S+ \* PREAUTH .*
C: a1 RENAME INBOX old
S: a1 OK RENAME completed.
C: a2 STATUS INBOX (MESSAGES)
S: * STATUS INBOX (MESSAGES 0)
S: a2 OK STATUS completed.
C: a3 STATUS old (MESSAGES)
S: * STATUS old (MESSAGES 1)
S: a3 OK STATUS completed.
--- the selected mailbox is renamed, then deleted
setup: mkdir -p Maildir/.a/new Maildir/.a/cur Maildir/.a/tmp Maildir/cur; printf 'Subject: x\n\ny\n' >Maildir/.a/cur/1.x:2,S
S+ \* PREAUTH .*
C: a1 SELECT a
S+ a1 OK .*
C: a2 RENAME a b
S: a2 OK RENAME completed.
C: a3 FETCH 1 FLAGS
S: * 1 FETCH (FLAGS (\Seen))
S: a3 OK FETCH completed.
C: a4 DELETE b
S: a4 OK DELETE completed.
C: a5 FETCH 1 FLAGS
S: a5 BAD FETCH: No mailbox is selected.
--- the selected mailbox is renamed, then deleted, by other ways to write its name
S+ \* PREAUTH .*
C: a0 CREATE inbox.kid.
S~ a0 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: a1 SELECT Inbox.kid.
S+ a1 OK .*
C: a2 RENAME INBOX.kid INBOX.child
S: a2 OK RENAME completed.
C: a3 CHECK
S: a3 OK CHECK completed.
C: a4 DELETE iNBOX.child
S: a4 OK DELETE completed.
C: a5 CHECK
S: a5 BAD CHECK: No mailbox is selected.
--- SUBSCRIBE, UNSUBSCRIBE, LSUB (RFC 3501 6.3.6, 6.3.7, 6.3.9)
S+ \* PREAUTH .*
C: a1 SUBSCRIBE foo.bar
S: a1 OK SUBSCRIBE completed.
C: a2 SUBSCRIBE INBOX
S: a2 OK SUBSCRIBE completed.
C: a3 LSUB "" *
S: * LSUB () "." INBOX
S: * LSUB () "." foo.bar
S: a3 OK LSUB completed.
C: a4 LSUB "" %
S: * LSUB () "." INBOX
S: * LSUB (\Noselect) "." foo
S: a4 OK LSUB completed.
C: a5 LSUB foo. %
S: * LSUB () "." foo.bar
S: a5 OK LSUB completed.
C: a6 UNSUBSCRIBE foo.bar
S: a6 OK UNSUBSCRIBE completed.
C: a7 LSUB "" *
S: * LSUB () "." INBOX
S: a7 OK LSUB completed.
C: a8 LSUB "" ""
S: * LSUB (\Noselect) "." ""
S: a8 OK LSUB completed.
C: a9 SUBSCRIBE "&"
S~ a9 NO \[CANNOT\] .*
C: b1 SUBSCRIBE
S: b1 BAD SUBSCRIBE: Missing argument.
C: b2 UNSUBSCRIBE
S: b2 BAD UNSUBSCRIBE: Missing argument.
--- LIST patterns (RFC 3501 6.3.8)
setup: for d in . .a .a.b .a.b.c .ab .x; do mkdir -p Maildir/$d/cur Maildir/$d/new Maildir/$d/tmp; done; touch Maildir/.x/new/1.y
S+ \* PREAUTH .*
C: 1 LIST "" ""
S: * LIST (\Noselect) "." ""
S: 1 OK LIST completed.
C: 2 LIST "" a%
S: * LIST (\HasChildren \UnMarked) "." a
S: * LIST (\HasNoChildren \UnMarked) "." ab
S: 2 OK LIST completed.
C: 3 LIST "" a.%
S: * LIST (\HasChildren \UnMarked) "." a.b
S: 3 OK LIST completed.
C: 4 LIST a.b. *
S: * LIST (\HasNoChildren \UnMarked) "." a.b.c
S: 4 OK LIST completed.
C: 5 LIST "" *c
S: * LIST (\HasNoChildren \UnMarked) "." a.b.c
S: 5 OK LIST completed.
C: 6 LIST "" inBOX
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: 6 OK LIST completed.
C: 7 LIST "" "%.%.%"
S: * LIST (\HasNoChildren \UnMarked) "." a.b.c
S: 7 OK LIST completed.
C: 8 LIST "" x
S: * LIST (\HasNoChildren \Marked) "." x
S: 8 OK LIST completed.
C: 9 LIST "" nothing*
S: 9 OK LIST completed.
C: 10 LIST ""
S: 10 BAD LIST: Missing argument.
C: 10b LIST "" "" RETURN (CHILDREN)
S: 10b OK LIST completed.
C: 10c LIST "" ("" ab)
S: * LIST (\UnMarked) "." ab
S: 10c OK LIST completed.
C: 11 LIST "" ("a" x)
S: * LIST (\UnMarked) "." a
S: * LIST (\Marked) "." x
S: 11 OK LIST completed.
--- LIST-EXTENDED: selection and return options (RFC 5258 section 5)
setup: for d in . .Fruit .Fruit.Apple .Fruit.Banana .Tofu .Vegetable .Vegetable.Broccoli .Vegetable.Corn; do mkdir -p Maildir/$d/cur Maildir/$d/new Maildir/$d/tmp; done
setup: printf 'INBOX\nFruit.Banana\nFruit.Peach\nVegetable\nVegetable.Broccoli\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: A01 LIST "" "*"
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\HasChildren \UnMarked) "." Fruit
S: * LIST (\HasNoChildren \UnMarked) "." Fruit.Apple
S: * LIST (\HasNoChildren \UnMarked) "." Fruit.Banana
S: * LIST (\HasNoChildren \UnMarked) "." Tofu
S: * LIST (\HasChildren \UnMarked) "." Vegetable
S: * LIST (\HasNoChildren \UnMarked) "." Vegetable.Broccoli
S: * LIST (\HasNoChildren \UnMarked) "." Vegetable.Corn
S: A01 OK LIST completed.
C: A02 LIST (SUBSCRIBED) "" "*"
S: * LIST (\Subscribed \UnMarked) "." INBOX
S: * LIST (\Subscribed \UnMarked) "." Fruit.Banana
S: * LIST (\NonExistent \Subscribed) "." Fruit.Peach
S: * LIST (\Subscribed \UnMarked) "." Vegetable
S: * LIST (\Subscribed \UnMarked) "." Vegetable.Broccoli
S: A02 OK LIST completed.
C: A03 LIST () "" "%" RETURN (CHILDREN)
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\HasChildren \UnMarked) "." Fruit
S: * LIST (\HasNoChildren \UnMarked) "." Tofu
S: * LIST (\HasChildren \UnMarked) "." Vegetable
S: A03 OK LIST completed.
C: A04 LIST (REMOTE) "" "%" RETURN (CHILDREN SUBSCRIBED)
S: * LIST (\Subscribed \HasNoChildren \UnMarked) "." INBOX
S: * LIST (\HasChildren \UnMarked) "." Fruit
S: * LIST (\HasNoChildren \UnMarked) "." Tofu
S: * LIST (\Subscribed \HasChildren \UnMarked) "." Vegetable
S: A04 OK LIST completed.
C: A05 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
S: * LIST (\Subscribed \UnMarked) "." INBOX
S: * LIST (\UnMarked) "." Fruit ("CHILDINFO" ("SUBSCRIBED"))
S: * LIST (\Subscribed \UnMarked) "." Vegetable ("CHILDINFO" ("SUBSCRIBED"))
S: A05 OK LIST completed.
C: A06 LIST (RECURSIVEMATCH) "" "%"
S: A06 BAD LIST: RECURSIVEMATCH needs SUBSCRIBED.
C: A07 LIST "" (INBOX "Vegetable.%" "Fruit.%")
S: * LIST (\UnMarked) "." INBOX
S: * LIST (\UnMarked) "." Fruit.Apple
S: * LIST (\UnMarked) "." Fruit.Banana
S: * LIST (\UnMarked) "." Vegetable.Broccoli
S: * LIST (\UnMarked) "." Vegetable.Corn
S: A07 OK LIST completed.
C: A08 LIST (FOO) "" "%"
S: A08 BAD LIST: Unknown option.
C: A09 LIST "" "%" RETURN (FOO)
S: A09 BAD LIST: Unknown option.
C: A10 LIST "" "%" FOO
S: A10 BAD LIST: RETURN expected.
C: A11 LIST "" "%" RETURN (STATUS (MESSAGES UNSEEN))
S: * LIST (\UnMarked) "." INBOX
S: * STATUS INBOX (MESSAGES 0 UNSEEN 0)
S: * LIST (\UnMarked) "." Fruit
S: * STATUS Fruit (MESSAGES 0 UNSEEN 0)
S: * LIST (\UnMarked) "." Tofu
S: * STATUS Tofu (MESSAGES 0 UNSEEN 0)
S: * LIST (\UnMarked) "." Vegetable
S: * STATUS Vegetable (MESSAGES 0 UNSEEN 0)
S: A11 OK LIST completed.
--- special use (RFC 6154): CREATE with USE, LIST with and without
S+ \* PREAUTH .*
C: t1 CREATE MySent (USE (\Sent))
S~ t1 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: t2 CREATE Everything (USE (\Foo))
S: t2 NO [USEATTR] Special use not supported.
C: t3 CREATE Two (USE (\Drafts \Flagged))
S~ t3 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: t4 LIST (SPECIAL-USE) "" "*"
S: * LIST (\UnMarked \Sent) "." MySent
S: * LIST (\UnMarked \Drafts \Flagged) "." Two
S: t4 OK LIST completed.
C: t5 LIST "" "*" RETURN (SPECIAL-USE)
S: * LIST (\UnMarked) "." INBOX
S: * LIST (\UnMarked \Sent) "." MySent
S: * LIST (\UnMarked \Drafts \Flagged) "." Two
S: t5 OK LIST completed.
C: t6 LIST "" MySent
S: * LIST (\HasNoChildren \UnMarked \Sent) "." MySent
S: t6 OK LIST completed.
C: t7 CREATE x (FOO (\Sent))
S: t7 BAD CREATE: Unknown parameter of CREATE.
C: t8 LIST "" Everything
S: t8 OK LIST completed.
--- STATUS (RFC 3501 6.3.10, RFC 8438)
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp; printf 'Subject: x\n\ny\n' >Maildir/cur/1.x:2,S; printf 'Subject: x\n\nyz\n' >Maildir/new/2.x
S+ \* PREAUTH .*
C: a1 STATUS INBOX (MESSAGES RECENT UIDNEXT UNSEEN SIZE)
S: * STATUS INBOX (MESSAGES 2 RECENT 1 UIDNEXT 3 UNSEEN 1 SIZE 35)
S: a1 OK STATUS completed.
C: a2 STATUS inbox (UIDVALIDITY)
S~ \* STATUS INBOX \(UIDVALIDITY [1-9]\d*\)
S: a2 OK STATUS completed.
C: a3 STATUS nothere (MESSAGES)
S~ a3 NO \[NONEXISTENT\] .*
C: a4 STATUS INBOX (FOO)
S: a4 BAD STATUS: Unknown status item.
C: a5 STATUS INBOX ()
S: a5 BAD STATUS: Word expected.
C: a6 STATUS INBOX
S: a6 BAD STATUS: Missing argument.
--- STATUS of the selected mailbox: what is \Recent in this session alone (RFC 3501 2.3.2)
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp; for n in 1 2; do printf 'Subject: x\n\ny\n' >Maildir/new/$n.x; done
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 STATUS INBOX (RECENT)
S: * STATUS INBOX (RECENT 2)
S: a1 OK STATUS completed.
C: a2 EXAMINE INBOX
S+ a2 OK .*
C: a3 STATUS INBOX (RECENT)
S: * STATUS INBOX (RECENT 0)
S: a3 OK STATUS completed.
--- prefix and separator of Courier
setup: echo . >$T/etc/imap-separator; echo INBOX. >$T/etc/imap-prefix
S+ \* PREAUTH .*
C: a1 CREATE INBOX.Sent
S~ a1 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: a2 CREATE Sent
S~ a2 NO \[CANNOT\] .*
C: a3 SUBSCRIBE INBOX.Sent
S: a3 OK SUBSCRIBE completed.
C: a4 LIST "" *
S: * LIST (\HasChildren \UnMarked) "." INBOX
S: * LIST (\HasNoChildren \UnMarked) "." INBOX.Sent
S: a4 OK LIST completed.
C: a5 LSUB "" INBOX.%
S: * LSUB () "." INBOX.Sent
S: a5 OK LSUB completed.
sh: test -d Maildir/.Sent && grep -x Sent Maildir/subscriptions
--- a tree that Courier made, with its prefix; and the same names in the file that Dovecot wrote
setup: echo . >$T/etc/imap-separator; echo INBOX. >$T/etc/imap-prefix
setup: for d in . .Sent .Sent.2020 .Lists.c; do mkdir -p Maildir/$d/cur Maildir/$d/new Maildir/$d/tmp; touch Maildir/$d/maildirfolder; done
setup: printf 'INBOX\nSent.2020\nLists.c\nGone\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: a1 NAMESPACE
S: * NAMESPACE (("INBOX." ".")) NIL NIL
S: a1 OK NAMESPACE completed.
C: a2 LIST "" *
S: * LIST (\HasChildren \UnMarked) "." INBOX
S: * LIST (\Noselect \HasChildren) "." INBOX.Lists
S: * LIST (\HasNoChildren \UnMarked) "." INBOX.Lists.c
S: * LIST (\HasChildren \UnMarked) "." INBOX.Sent
S: * LIST (\HasNoChildren \UnMarked) "." INBOX.Sent.2020
S: a2 OK LIST completed.
C: a3 LSUB "" *
S: * LSUB () "." INBOX
S: * LSUB () "." INBOX.Gone
S: * LSUB () "." INBOX.Lists.c
S: * LSUB () "." INBOX.Sent.2020
S: a3 OK LSUB completed.
C: a4 LIST (SUBSCRIBED) "" INBOX.*
S: * LIST (\NonExistent \Subscribed) "." INBOX.Gone
S: * LIST (\Subscribed \UnMarked) "." INBOX.Lists.c
S: * LIST (\Subscribed \UnMarked) "." INBOX.Sent.2020
S: a4 OK LIST completed.
C: a5 UNSUBSCRIBE INBOX.Gone
S: a5 OK UNSUBSCRIBE completed.
C: a6 SUBSCRIBE Sent
S~ a6 NO .*
C: a7 RENAME INBOX.Sent INBOX.Out
S: a7 OK RENAME completed.
C: a8 SELECT INBOX.Out.2020
S+ a8 OK .*
sh: printf 'INBOX\nSent.2020\nLists.c\n' | cmp - Maildir/subscriptions && test -d Maildir/.Out.2020
--- the separator is "/" to the client; folders and subscriptions keep their dots
setup: echo / >$T/etc/imap-separator; echo INBOX/ >$T/etc/imap-prefix
setup: mkdir -p Maildir/.a.b/cur Maildir/.a.b/new Maildir/.a.b/tmp; printf 'a.b\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: a1 LSUB "" *
S: * LSUB () "/" INBOX/a/b
S: a1 OK LSUB completed.
C: a2 SUBSCRIBE INBOX/a/b/c
S~ a2 .*
C: a3 CREATE INBOX/d/e
S~ a3 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: a4 SUBSCRIBE INBOX/d/e
S: a4 OK SUBSCRIBE completed.
sh: grep -x d.e Maildir/subscriptions && grep -x a.b Maildir/subscriptions && test -d Maildir/.d.e
--- separator "/"
setup: echo / >$T/etc/imap-separator
S+ \* PREAUTH .*
C: a1 CREATE a/b
S~ a1 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: a2 LIST "" %
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\Noselect \HasChildren) "/" a
S: a2 OK LIST completed.
C: a3 CREATE a.b
S~ a3 NO \[CANNOT\] .*
sh: test -d Maildir/.a.b
