#!tests/transcript
# The examples of RFCs 5256 (SORT, THREAD), 5267 (CONTEXT), 9394 (PARTIAL), 7377 (MULTISEARCH), 5032 (WITHIN), 8514 (SAVEDATE),
# 8970 (PREVIEW), 8508 (REPLACE), 4469 (CATENATE), 3502 (MULTIAPPEND), in mailboxes of the state they show.
env: MAILDIR=$T/Maildir
env: TZ=UTC
run: imap
setup: ln -s $ROOT/tests/lib/box box; mkdir -p Maildir/cur Maildir/new Maildir/tmp
--- RFC 5256 3 SORT, THREAD
setup: ./box Maildir 7 900; for n in 1 2 3 4 5; do printf 'Subject: s%s\nDate: %s Feb 2020 00:00:00 +0000\nMessage-ID: <%s@x>\nReferences: <%s@x>\n\nx\n' $((n / 3)) $n $n $((n / 2)) >Maildir/cur/$n.x:2,; done; for n in 1 2 3 4 5; do echo "$n :$n.x"; done >>Maildir/dovecot-uidlist
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A283 SORT (SUBJECT REVERSE DATE) UTF-8 ALL
S: * SORT 2 1 5 4 3
S: A283 OK SORT completed.
C: A284 SORT (SUBJECT) US-ASCII TEXT "not in mailbox"
S: * SORT
S: A284 OK SORT completed.
C: A283 THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000
S: * THREAD (1 2)(3 (4)(5))
S: A283 OK THREAD completed.
C: A284 THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"
S: * THREAD
S: A284 OK THREAD completed.
C: A285 THREAD REFERENCES UTF-8 SINCE 5-MAR-2000
S: * THREAD (1 (2 (4)(5))(3))
S: A285 OK THREAD completed.
C: E01 UID SORT RETURN () (REVERSE DATE) UTF-8 UNDELETED UNKEYWORD $Junk
S: * ESEARCH (TAG "E01") UID ALL 5,4,3,2,1
S: E01 OK UID SORT completed.
--- RFC 5267 4.2 CONTEXT, 4.3 UPDATE: ADDTO, REMOVEFROM, a tag used again, CANCELUPDATE
setup: ./box Maildir 7 900 S=1-5 T=6-8
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A01 SEARCH RETURN (CONTEXT COUNT) UNDELETED UNKEYWORD $Junk
S: * ESEARCH (TAG "A01") COUNT 5
S: A01 OK SEARCH completed.
C: B01 UID SEARCH RETURN (UPDATE COUNT) DELETED
S: * ESEARCH (TAG "B01") UID COUNT 3
S: B01 OK UID SEARCH completed.
C: B01 SORT RETURN (UPDATE) (SUBJECT) UTF-8 FLAGGED
S: B01 BAD SORT: Tag reuse.
C: B02 UID SORT RETURN (UPDATE COUNT) (SUBJECT) UTF-8 DELETED
S: * ESEARCH (TAG "B02") UID COUNT 3
S: * NO [NOUPDATE "B02"] No updates of what is sorted.
S: B02 OK UID SORT completed.
C: x STORE 1:2 +FLAGS (\Deleted)
S: * 1 FETCH (FLAGS (\Deleted \Seen))
S: * 2 FETCH (FLAGS (\Deleted \Seen))
S: * ESEARCH (TAG "B01") UID ADDTO (0 1:2)
S: x OK STORE completed.
C: y STORE 7 -FLAGS (\Deleted)
S: * 7 FETCH (FLAGS ())
S: * ESEARCH (TAG "B01") UID REMOVEFROM (0 7)
S: y OK STORE completed.
C: B03 EXPUNGE
S: * ESEARCH (TAG "B01") UID REMOVEFROM (0 1:2,6,8)
S: * 8 EXPUNGE
S: * 6 EXPUNGE
S: * 2 EXPUNGE
S: * 1 EXPUNGE
S: B03 OK EXPUNGE completed.
C: B04 CANCELUPDATE "B01"
S: B04 OK CANCELUPDATE completed.
C: z STORE 1 +FLAGS (\Deleted)
S: * 1 FETCH (FLAGS (\Deleted \Seen))
S: z OK STORE completed.
--- RFC 5267 4.4, RFC 9394 3.1 SEARCH PARTIAL, from the end, UID FETCH PARTIAL 3.4
setup: ./box Maildir 7 30000 S=1-20
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C! A02 UID SEARCH RETURN (PARTIAL 15:24) UNDELETED\r\nA03 UID SEARCH RETURN (PARTIAL 1:5) UNDELETED\r\nA04 UID SEARCH RETURN (PARTIAL 21:30) UNDELETED\r\n
S: * ESEARCH (TAG "A02") UID PARTIAL (15:24 15:20)
S: A02 OK UID SEARCH completed.
S: * ESEARCH (TAG "A03") UID PARTIAL (1:5 1:5)
S: A03 OK UID SEARCH completed.
S: * ESEARCH (TAG "A04") UID PARTIAL (21:30 NIL)
S: A04 OK UID SEARCH completed.
C: A05 UID SEARCH RETURN (PARTIAL -1:-3) UNDELETED
S: * ESEARCH (TAG "A05") UID PARTIAL (-1:-3 18:20)
S: A05 OK UID SEARCH completed.
C: A06 UID SEARCH RETURN (PARTIAL -30:-18) UNDELETED
S: * ESEARCH (TAG "A06") UID PARTIAL (-30:-18 1:3)
S: A06 OK UID SEARCH completed.
C: A07 UID SEARCH RETURN (PARTIAL 1:5 MIN MAX) UNDELETED
S: * ESEARCH (TAG "A07") UID MIN 1 MAX 20 PARTIAL (1:5 1:5)
S: A07 OK UID SEARCH completed.
C: A08 UID SEARCH RETURN (PARTIAL 1:5 ALL) UNDELETED
S: A08 BAD UID SEARCH: Only one of PARTIAL and ALL.
C: A09 UID FETCH 5:20 (UID FLAGS) (PARTIAL -1:-3)
S: * 18 FETCH (UID 18 FLAGS (\Seen))
S: * 19 FETCH (UID 19 FLAGS (\Seen))
S: * 20 FETCH (UID 20 FLAGS (\Seen))
S: A09 OK UID FETCH completed.
--- RFC 7377 3 ESEARCH: several mailboxes, a subtree, its first level
setup: echo / >etc/imap-separator; ./box Maildir/.folder1 1 5000 =4001-4002 S=4003; ./box Maildir/.folder2 9 10 S=1; ./box Maildir/.folder2.banana 503 5000 =3002 =4004; ./box Maildir/.folder2.peach.x 3 921692 =921691; ./box Maildir/.other 7 9 =1
S+ \* PREAUTH .*
C: tag1 ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen
S: * ESEARCH (TAG "tag1" MAILBOX folder1 UIDVALIDITY 1) UID ALL 4001:4002
S: * ESEARCH (TAG "tag1" MAILBOX folder2/banana UIDVALIDITY 503) UID ALL 3002,4004
S: * ESEARCH (TAG "tag1" MAILBOX folder2/peach/x UIDVALIDITY 3) UID ALL 921691
S: tag1 OK ESEARCH completed.
C: tag2 ESEARCH IN (mailboxes "folder1" subtree-one "folder2") subject "4"
S: * ESEARCH (TAG "tag2" MAILBOX folder1 UIDVALIDITY 1) UID ALL 4001:4003
S: * ESEARCH (TAG "tag2" MAILBOX folder2/banana UIDVALIDITY 503) UID ALL 4004
S: tag2 OK ESEARCH completed.
--- RFC 5032 4 YOUNGER, RFC 8514 4.2 FETCH SAVEDATE, 4.3 SAVEDON, SAVEDSINCE
setup: ./box Maildir 7 900 S=1 =2-3; touch -d '2015-01-01 17:50:53' Maildir/cur/*
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a1 SEARCH UNSEEN YOUNGER 259200
S: * SEARCH
S: a1 OK SEARCH completed.
C: a2 SEARCH UNSEEN OLDER 259200
S: * SEARCH 2 3
S: a2 OK SEARCH completed.
C: A103 SEARCH SAVEDSINCE 28-Dec-2014
S: * SEARCH
S: A103 OK SEARCH completed.
C: A104 SEARCH SAVEDON 28-Dec-2014
S: * SEARCH
S: A104 OK SEARCH completed.
C: A101 FETCH 1 (SAVEDATE)
S: * 1 FETCH (SAVEDATE NIL)
S: A101 OK FETCH completed.
--- RFC 8970 3.2, 5 PREVIEW: text, empty, LAZY
setup: ./box Maildir 7 4 =1-3; printf 'Subject: x\n\nPreview text!\n' >Maildir/cur/1.x:2,; printf 'Subject: x\n\n' >Maildir/cur/2.x:2,; printf 'Subject: x\n\nL\303\266rem ipsum\n dolor sit\n' >Maildir/cur/3.x:2,
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A1 FETCH 1 (PREVIEW)
S: * 1 FETCH (PREVIEW "Preview text!")
S: A1 OK FETCH completed.
C: A2 FETCH 1:3 (RFC822.SIZE PREVIEW)
S: * 1 FETCH (RFC822.SIZE 29 PREVIEW "Preview text!")
S: * 2 FETCH (RFC822.SIZE 14 PREVIEW "")
S: * 3 FETCH (RFC822.SIZE 40 PREVIEW {22}
S: Lörem ipsum dolor sit)
S: A2 OK FETCH completed.
C! C2 SEARCH RETURN (SAVE) SUBJECT x\r\nC3 FETCH 1:2 (UID PREVIEW (LAZY))\r\n
S: C2 OK SEARCH completed.
S~ \* 1 FETCH \(UID 1 PREVIEW (NIL|"Preview text!")\)
S~ \* 2 FETCH \(UID 2 PREVIEW (NIL|"")\)
S: C3 OK FETCH completed.
C: C4 UID FETCH 1 (PREVIEW)
S: * 1 FETCH (UID 1 PREVIEW "Preview text!")
S: C4 OK UID FETCH completed.
--- RFC 8508 3.2 REPLACE, 3.3 UID REPLACE, 4.2 CATENATE
setup: ./box Maildir/.Drafts 1 2000 D=1-4
S+ \* PREAUTH .*
C: s SELECT Drafts
S+ s OK .*
C: A003 REPLACE 4 Drafts (\Seen \Draft) {8}
S: + OK
C! A: b\r\n\r\n\r\n
S: * OK [APPENDUID 1 2000] Replacement message ready.
S: * 4 EXPUNGE
S: * 4 EXISTS
S: * 0 RECENT
S: A003 OK REPLACE completed.
C! A004 UID REPLACE 2000 Drafts (\\Seen \\Draft) {8+}\r\nA: c\r\n\r\n\r\n
S: * OK [APPENDUID 1 2001] Replacement message ready.
S: * 4 EXPUNGE
S: * 4 EXISTS
S: * 0 RECENT
S: A004 OK UID REPLACE completed.
C! A011 UID REPLACE 2001 Drafts CATENATE (TEXT {14+}\r\nSubject: new\r\n URL "/Drafts/;UID=2001")\r\n
S: * OK [APPENDUID 1 2002] Replacement message ready.
S: * 4 EXPUNGE
S: * 4 EXISTS
S: * 1 RECENT
S: A011 OK UID REPLACE completed.
C: A012 FETCH 4 BODY[]
S: * 4 FETCH (BODY[] {22}
S: Subject: new
S: A: c
S: 
S:  FLAGS (\Seen \Recent))
S: A012 OK FETCH completed.
--- RFC 4469 5 CATENATE: sections of messages, text between them, a URL that is none
setup: ./box Maildir 785799047 20 =11; ./box Maildir/.Drafts 385759045 20; printf '20 :20.x\n30 :30.x\n' >>Maildir/.Drafts/dovecot-uidlist; sed -i '1s/N20/N45/' Maildir/.Drafts/dovecot-uidlist
setup: printf 'Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n' >Maildir/.Drafts/cur/20.x:2,; printf 'Content-Type: image/x\n\nthree\n' >Maildir/.Drafts/cur/30.x:2,
S+ \* PREAUTH .*
C: A003 APPEND Drafts (\Seen \Draft $MDNSent) CATENATE (URL "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER" TEXT {7}
S: + OK
C! \r\n--b\r\n URL "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME" URL "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1" TEXT {7}\r\n
S: + OK
C! \r\n--b\r\n URL "/Drafts;UIDVALIDITY=385759045/;UID=30" TEXT {9+}\r\n\r\n--b--\r\n)\r\n
S: A003 OK [APPENDUID 385759045 45] APPEND completed.
C: s SELECT Drafts
S+ s OK .*
C: A004 UID FETCH 45 (FLAGS BODY[])
S: * 3 FETCH (UID 45 FLAGS (\Seen \Draft $MDNSent) BODY[] {162}
S: Subject: s
S: MIME-Version: 1.0
S: Content-Type: multipart/mixed; boundary=b
S: 
S: 
S: --b
S: Content-Type: text/plain
S: 
S: one
S: --b
S: Content-Type: image/x
S: 
S: three
S: 
S: --b--
S: )
S: A004 OK UID FETCH completed.
C: A005 UID STORE 20 +FLAGS.SILENT (\Deleted)
S: A005 OK UID STORE completed.
C! A006 APPEND Drafts CATENATE (TEXT {7+}\r\n\r\n--b\r\n URL "/INBOX;UIDVALIDITY=785799047/;UID=11" URL "/INBOX;UIDVALIDITY=785799047/;UID=113330/;section=1.5.9")\r\n
S: A006 NO [BADURL /INBOX;UIDVALIDITY=785799047/;UID=113330/;section=1.5.9] Not the URL of a message or part in a mailbox of yours.
--- RFC 3502 6.3.11 MULTIAPPEND, TRYCREATE, one that fails
setup: ./box Maildir/.saved-messages 7 100
S+ \* PREAUTH .*
C: A003 APPEND saved-messages (\Seen) {8}
S: + OK
C! A: b\r\n\r\n (\\Seen) " 7-Feb-1994 22:43:04 -0800" {8}\r\n
S: + OK
C! A: c\r\n\r\n\r\n
S: A003 OK [APPENDUID 7 100:101] APPEND completed.
C: A004 APPEND bogusname (\Flagged) {1023}
S: A004 NO [TRYCREATE] No such mailbox.
C! A005 APPEND saved-messages (\\Flagged) {6+}\r\nA: d\r\n {999999999999}\r\n
S: A005 NO [TOOBIG] The message is larger than this server takes.
C: A006 STATUS saved-messages (MESSAGES UIDNEXT)
S: * STATUS saved-messages (MESSAGES 2 UIDNEXT 102)
S: A006 OK STATUS completed.
