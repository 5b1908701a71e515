#!tests/transcript
# The examples of RFCs 4731 (ESEARCH), 5182 (SEARCHRES), 5258 (LIST-EXTENDED), 5819 (LIST-STATUS), 4315 (UIDPLUS), 6851 (MOVE) that
# RFC 9051 did not take over (those are in 401-rfc9051.t), in mailboxes of the state they show.
env: MAILDIR=$T/Maildir
run: imap
setup: echo / >etc/imap-separator; ln -s $ROOT/tests/lib/box box; mkdir -p Maildir/cur Maildir/new Maildir/tmp
--- RFC 4731 3.1: MIN COUNT, (), the first unseen, UIDs, the number of deleted
setup: ./box Maildir 7 3801 S=1 FS=2 S=3 =7 F=10-11 T=20-34 =3800
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
S: * ESEARCH (TAG "A282") MIN 2 COUNT 3
S: A282 OK SEARCH completed.
C: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
S: * ESEARCH (TAG "A283") ALL 2,5:6
S: A283 OK SEARCH completed.
C: A284 SEARCH RETURN (MIN) UNSEEN
S: * ESEARCH (TAG "A284") MIN 4
S: A284 OK SEARCH completed.
C: A285 UID SEARCH RETURN (MIN MAX) 4:22
S: * ESEARCH (TAG "A285") UID MIN 7 MAX 3800
S: A285 OK UID SEARCH completed.
C: A286 SEARCH RETURN (COUNT) DELETED
S: * ESEARCH (TAG "A286") COUNT 15
S: A286 OK SEARCH completed.
--- RFC 4731 3.2: with MODSEQ, that of the found one, of the two, of all
setup: ./box Maildir 7 24 =1-23
S+ \* PREAUTH .*
C: s SELECT INBOX (CONDSTORE)
S+ s OK .*
C: 1 STORE 1 +FLAGS.SILENT (\Draft)
S~ \* 1 FETCH \(UID \d+ MODSEQ \((?P<from>\d+)\)\)
S: 1 OK STORE completed.
C: 2 STORE 23 +FLAGS.SILENT (\Draft)
S~ \* 23 FETCH \(UID \d+ MODSEQ \((?P<max>\d+)\)\)
S: 2 OK STORE completed.
C: 3 STORE 2 +FLAGS.SILENT (\Draft)
S~ \* 2 FETCH \(UID \d+ MODSEQ \((?P<min>\d+)\)\)
S: 3 OK STORE completed.
C: 4 STORE 5 +FLAGS.SILENT (\Draft)
S~ \* 5 FETCH \(UID \d+ MODSEQ \((?P<all>\d+)\)\)
S: 4 OK STORE completed.
C: a1 SEARCH RETURN (MIN) MODSEQ "/flags/\\draft" all $max
S: * ESEARCH (TAG "a1") MIN 2 MODSEQ $min
S: a1 OK SEARCH completed.
C: a2 SEARCH RETURN (MAX) MODSEQ "/flags/\\draft" all $max
S: * ESEARCH (TAG "a2") MAX 23 MODSEQ $max
S: a2 OK SEARCH completed.
C: a3 SEARCH RETURN (MIN MAX) MODSEQ "/flags/\\draft" all $max
S: * ESEARCH (TAG "a3") MIN 2 MAX 23 MODSEQ $min
S: a3 OK SEARCH completed.
C: a4 SEARCH RETURN (MIN COUNT) MODSEQ "/flags/\\draft" all $max
S: * ESEARCH (TAG "a4") MIN 2 COUNT 3 MODSEQ $all
S: a4 OK SEARCH completed.
--- RFC 5182 2.2: $ in FETCH sent along, one that is empty in COPY; 2.3 two that keep, the last counts
setup: ./box Maildir 7 1116 FS=14 S=15-99 FS=100 FS=1115; mkdir -p Maildir/.Other/cur
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C! A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"\r\nA283 FETCH $ (UID RFC822.HEADER)\r\n
S: A282 OK SEARCH completed.
S: * 1 FETCH (UID 14 RFC822.HEADER {15}
S: Subject: 14
S:
S: )
S: * 87 FETCH (UID 100 RFC822.HEADER {16}
S: Subject: 100
S:
S: )
S: * 88 FETCH (UID 1115 RFC822.HEADER {17}
S: Subject: 1115
S:
S: )
S: A283 OK FETCH completed.
C! E282 SEARCH RETURN (SAVE) SINCE 28-Oct-2006 FROM "Eric"\r\nE283 COPY $ "Other"\r\n
S: E282 OK SEARCH completed.
S: E283 OK No messages found.
C! H282 SEARCH RETURN (SAVE) SEEN\r\nH283 SEARCH RETURN (SAVE) FLAGGED\r\nH284 UID SEARCH $\r\n
S: H282 OK SEARCH completed.
S: H283 OK SEARCH completed.
S: * SEARCH 14 100 1115
S: H284 OK UID SEARCH completed.
--- RFC 5258 5 example 8: B) nobody is subscribed, C) Foo and Moo are
setup: for d in Foo Foo.Bar Foo.Baz Moo; do mkdir -p Maildir/.$d/cur Maildir/.$d/new; done
S+ \* PREAUTH .*
C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
S: C04 OK LIST completed.
sh: printf 'Foo\nMoo\n' >Maildir/subscriptions
C: C05 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%" RETURN (CHILDREN)
S: * LIST (\Subscribed \HasChildren \UnMarked) "/" Foo
S: * LIST (\Subscribed \HasNoChildren \UnMarked) "/" Moo
S: C05 OK LIST completed.
--- RFC 5258 5 examples 4 to 6: nothing here is on another server, so that REMOTE adds nothing; 7 patterns; 11 names between
setup: for d in Fruit Fruit.Apple Fruit.Banana music.rock Sent.March2004; do mkdir -p Maildir/.$d/cur Maildir/.$d/new; done
setup: printf 'INBOX\nFruit.Banana\nFruit.Peach\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: A04 LIST (REMOTE) "" "%" RETURN (CHILDREN)
S: * LIST (\HasNoChildren \UnMarked) "/" INBOX
S: * LIST (\HasChildren \UnMarked) "/" Fruit
S: * LIST (\NonExistent \HasChildren) "/" Sent
S: * LIST (\NonExistent \HasChildren) "/" music
S: A04 OK LIST completed.
C: A05 LIST (REMOTE SUBSCRIBED) "" "*"
S: * LIST (\Subscribed \UnMarked) "/" INBOX
S: * LIST (\Subscribed \UnMarked) "/" Fruit/Banana
S: * LIST (\NonExistent \Subscribed) "/" Fruit/Peach
S: A05 OK LIST completed.
C: A06 LIST (REMOTE) "" "F*" RETURN (SUBSCRIBED)
S: * LIST (\UnMarked) "/" Fruit
S: * LIST (\UnMarked) "/" Fruit/Apple
S: * LIST (\Subscribed \UnMarked) "/" Fruit/Banana
S: A06 OK LIST completed.
C: BBB LIST "" ("INBOX" "Drafts" "Sent/%")
S: * LIST (\UnMarked) "/" INBOX
S: * LIST (\UnMarked) "/" Sent/March2004
S: BBB OK LIST completed.
C: a3.1 LIST "" (m% music/rock)
S: * LIST (\NonExistent \HasChildren) "/" music
S: * LIST (\UnMarked) "/" music/rock
S: a3.1 OK LIST completed.
--- RFC 5819 3: a name that is not there has no STATUS; nor one that only leads to what is subscribed, unless it is there
setup: ./box Maildir 1 18 S=1 =2-17; ./box Maildir/.foo 2 31 S=1 =2-30; mkdir -p Maildir/.bar.baz/cur; printf 'INBOX\nfoo.baz\nbar.baz\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: A01 LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
S: * LIST (\UnMarked) "/" INBOX
S: * STATUS INBOX (MESSAGES 17 UNSEEN 16)
S: * LIST (\NonExistent \HasChildren) "/" bar
S: * LIST (\UnMarked) "/" foo
S: * STATUS foo (MESSAGES 30 UNSEEN 29)
S: A01 OK LIST completed.
C: A02 LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (MESSAGES))
S: * LIST (\Subscribed \UnMarked) "/" INBOX
S: * STATUS INBOX (MESSAGES 17)
S: * LIST (\NonExistent) "/" bar ("CHILDINFO" ("SUBSCRIBED"))
S: * LIST (\UnMarked) "/" foo ("CHILDINFO" ("SUBSCRIBED"))
S: * STATUS foo (MESSAGES 30)
S: A02 OK LIST completed.
--- RFC 4315 2.1 UID EXPUNGE, 3 APPENDUID, COPYUID of several ranges, nothing to copy
setup: ./box Maildir 7 3003 =303-304 =319-320 T=3000-3002; ./box Maildir/.meeting 38505 3955
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C! A003 APPEND meeting (\\Seen) {57+}\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n\r\nHello Joe\r\n\r\n
S: A003 OK [APPENDUID 38505 3955] APPEND completed.
C: A004 COPY 2:4 meeting
S: A004 OK [COPYUID 38505 304,319:320 3956:3958] COPY completed.
C: A005 UID COPY 305:310 meeting
S: A005 OK No messages found.
C: A006 UID EXPUNGE 3000:3002
S: * 7 EXPUNGE
S: * 6 EXPUNGE
S: * 5 EXPUNGE
S: A006 OK UID EXPUNGE completed.
--- RFC 6851 3.3 UID MOVE: COPYUID before what is expunged
setup: ./box Maildir 7 70 =1-21 =42-69; ./box Maildir/.foo 432432 1202
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a UID MOVE 42:69 foo
S: * OK [COPYUID 432432 42:69 1202:1229] Moved.
S~ \* \d+ EXPUNGE
S+ \* 22 EXPUNGE
S: a OK UID MOVE completed.
