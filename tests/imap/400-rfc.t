#!tests/transcript
# The examples of the RFCs, as far as they are dialogs after login; what is this server's own (numbers,
# wording behind response codes, order of flags) is as this server says it.
env: MAILDIR=$T/Maildir
env: TZ=PST8
run: imap
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp
--- RFC 3501 section 8: a session
setup: for n in 1 2 3 4 5 6 7 8 9 10 11; do printf 'Subject: %s\n\nx\n' $n >Maildir/cur/$(printf %02d $n).x:2,S; done
setup: printf 'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\nFrom: Terry Gray <gray@cac.washington.edu>\nSubject: IMAP4rev1 WG mtg summary and minutes\nTo: imap@cac.washington.edu\ncc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\nMessage-Id: <B27397-0100000@cac.washington.edu>\nMIME-Version: 1.0\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\nminutes\n' >Maildir/cur/12.x:2,S
setup: touch -d '1996-07-17 09:44:25 UTC' Maildir/cur/12.x:2,S
S+ \* PREAUTH .*
C: a002 select inbox
S+ \* 12 EXISTS
S: * 0 RECENT
S~ \* OK \[UIDVALIDITY \d+\] UIDs valid
S: * OK [UIDNEXT 13] Predicted next UID
S~ \* OK \[MAILBOXID \([0-9a-f]{32}\)\] Its id
S: a002 OK [READ-WRITE] SELECT completed.
C: a003 fetch 12 full
S: * 12 FETCH (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 01:44:25 -0800" RFC822.SIZE 351 ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>") BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 9 1))
S: a003 OK FETCH completed.
C: a004 fetch 12 body[header]
S: * 12 FETCH (BODY[HEADER] {342}
S: Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
S: From: Terry Gray <gray@cac.washington.edu>
S: Subject: IMAP4rev1 WG mtg summary and minutes
S: To: imap@cac.washington.edu
S: cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
S: Message-Id: <B27397-0100000@cac.washington.edu>
S: MIME-Version: 1.0
S: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
S: 
S: )
S: a004 OK FETCH completed.
C: a005 store 12 +flags \deleted
S: * 12 FETCH (FLAGS (\Deleted \Seen))
S: a005 OK STORE completed.
C: a006 logout
S: * BYE Logging out.
S: a006 OK LOGOUT completed.
--- RFC 3501 6.3.1 and 6.3.8: LIST of the root, patterns
setup: echo / >$T/etc/imap-separator; mkdir -p Maildir/.foo.bar/cur
S+ \* PREAUTH .*
C: A101 LIST "" ""
S: * LIST (\Noselect) "/" ""
S: A101 OK LIST completed.
C: A682 LIST "" fo%
S: * LIST (\Noselect \HasChildren) "/" foo
S: A682 OK LIST completed.
--- RFC 3501 6.3.3: CREATE with a separator at the end, and below it
setup: echo / >$T/etc/imap-separator
S+ \* PREAUTH .*
C: A003 CREATE owatagusiam/
S~ A003 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: A004 CREATE owatagusiam/blurdybloop
S~ A004 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
--- RFC 3501 6.3.4: DELETE of a name with children
S+ \* PREAUTH .*
C: 0 CREATE foo.bar
S~ 0 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: 1 CREATE foo
S~ 1 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: A683 DELETE blurdybloop
S~ A683 NO \[NONEXISTENT\] .*
C: A684 DELETE foo
S: A684 OK DELETE completed.
C: A685 DELETE foo.bar
S: A685 OK DELETE completed.
C: A687 DELETE foo
S~ A687 NO \[NONEXISTENT\] .*
--- RFC 3501 6.3.5: RENAME
S+ \* PREAUTH .*
C: A682 CREATE blurdybloop
S~ A682 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: A683 RENAME blurdybloop sarasoop
S: A683 OK RENAME completed.
C: A684 RENAME nothere zowie
S~ A684 NO \[NONEXISTENT\] .*
C: Z433 LIST "" *
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\HasNoChildren \UnMarked) "." sarasoop
S: Z433 OK LIST completed.
--- RFC 3501 6.3.11: APPEND
S+ \* PREAUTH .*
C: A002 CREATE saved-messages
S~ A002 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: A003 APPEND saved-messages (\Seen) {310}
S: + OK
C: Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)
C: From: Fred Foobar <foobar@Blurdybloop.COM>
C: Subject: afternoon meeting
C: To: mooch@owatagu.siam.edu
C: Message-Id: <B27397-0100000@Blurdybloop.COM>
C: MIME-Version: 1.0
C: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
C: 
C: Hello Joe, do you think we can meet at 3:30 tomorrow?
C: 
S~ A003 OK \[APPENDUID \d+ 1\] APPEND completed\.
--- RFC 3501 7.4.1: EXPUNGE renumbers as it goes
setup: for n in 1 2 3 4 5 6 7 8 9; do f=; case $n in 3|4|7) f=T;; esac; printf 'A: b\n\nx\n' >Maildir/cur/$n.x:2,$f; done
S+ \* PREAUTH .*
C: A201 SELECT INBOX
S+ A201 OK .*
C: A202 EXPUNGE
S: * 7 EXPUNGE
S: * 4 EXPUNGE
S: * 3 EXPUNGE
S: A202 OK EXPUNGE completed.
--- RFC 2342 section 5.1: NAMESPACE
S+ \* PREAUTH .*
C: A001 NAMESPACE
S: * NAMESPACE (("" ".")) NIL NIL
S: A001 OK NAMESPACE completed.
--- RFC 2971 3.1 and 3.2: ID
S+ \* PREAUTH .*
C: a023 ID ("name" "sodr" "version" "19.34" "vendor" "Pink Floyd Music Limited")
S: * ID ("name" "postern")
S: a023 OK ID completed.
C: a042 ID NIL
S: * ID ("name" "postern")
S: a042 OK ID completed.
--- RFC 2177 section 3: IDLE
setup: for n in 1 2 3 4; do printf 'A: b\n\nx\n' >Maildir/cur/$n.x:2,S; done
S+ \* PREAUTH .*
C: A001 SELECT INBOX
S+ A001 OK .*
C: A002 IDLE
S: + idling
sh: printf 'A: b\n\nx\n' >Maildir/tmp/5.x; mv Maildir/tmp/5.x Maildir/new/5.x
S: * 5 EXISTS
S: * 1 RECENT
C: DONE
S: A002 OK IDLE completed.
--- RFC 3691 section 2: UNSELECT
S+ \* PREAUTH .*
C: A201 EXAMINE INBOX
S+ A201 OK .*
C: A202 UNSELECT
S: A202 OK UNSELECT completed.
--- RFC 4315 section 3: APPENDUID, COPYUID, UID EXPUNGE of 3000:3002
S+ \* PREAUTH .*
C! A002 CREATE meeting\r\nA003 APPEND meeting {6+}\r\nA: b\r\n\r\n
S~ A002 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
S~ A003 OK \[APPENDUID \d+ 1\] APPEND completed\.
C: A004 SELECT meeting
S+ A004 OK .*
C: A005 COPY 1 meeting
S: * 2 EXISTS
S~ \* \d RECENT
S~ A005 OK \[COPYUID \d+ 1 2\] COPY completed\.
C: A006 UID EXPUNGE 3000:3002
S: A006 OK UID EXPUNGE completed.
--- RFC 4731 section 3.1: ESEARCH
setup: for n in 1 2 3 4 5; do printf 'A: b\n\nx\n' >Maildir/cur/$n.x:2,F; done; printf 'A: b\n\nx\n' >Maildir/cur/6.x:2,
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
S: * ESEARCH (TAG "A282") MIN 1 COUNT 5
S: A282 OK SEARCH completed.
C: A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"
S: * ESEARCH (TAG "A283") ALL 1:5
S: A283 OK SEARCH completed.
C: A284 SEARCH RETURN (MIN) FLAGGED
S: * ESEARCH (TAG "A284") MIN 1
S: A284 OK SEARCH completed.
C: A285 UID SEARCH RETURN (MIN MAX) 1:5000
S: * ESEARCH (TAG "A285") UID MIN 1 MAX 6
S: A285 OK UID SEARCH completed.
--- RFC 5161 section 3.1: ENABLE
S+ \* PREAUTH .*
C: t1 ENABLE X-GOOD-IDEA
S: * ENABLED
S: t1 OK ENABLE completed.
--- RFC 5819 section 2: LIST-STATUS
S+ \* PREAUTH .*
C! 1 CREATE foo\r\n2 CREATE bar.baz\r\n
S~ 1 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
S~ 2 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: A01 LIST "" % RETURN (STATUS (MESSAGES UNSEEN))
S: * LIST (\UnMarked) "." INBOX
S: * STATUS INBOX (MESSAGES 0 UNSEEN 0)
S: * LIST (\NonExistent \HasChildren) "." bar
S: * LIST (\UnMarked) "." foo
S: * STATUS foo (MESSAGES 0 UNSEEN 0)
S: A01 OK LIST completed.
--- RFC 5258 section 5: children that are subscribed, of a parent that is not, that is, and that does not exist
setup: for d in . .Foo .Foo.Bar .Foo.Baz .Moo; do mkdir -p Maildir/$d/cur Maildir/$d/new Maildir/$d/tmp; done
setup: printf 'Foo.Baz\n' >Maildir/subscriptions
S+ \* PREAUTH .*
C: CA3 LIST "" "%" RETURN (CHILDREN)
S: * LIST (\HasNoChildren \UnMarked) "." INBOX
S: * LIST (\HasChildren \UnMarked) "." Foo
S: * LIST (\HasNoChildren \UnMarked) "." Moo
S: CA3 OK LIST completed.
C: C02 LIST (SUBSCRIBED) "" "*"
S: * LIST (\Subscribed \UnMarked) "." Foo.Baz
S: C02 OK LIST completed.
C: C03 LIST (SUBSCRIBED) "" "%"
S: C03 OK LIST completed.
C: C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
S: * LIST (\UnMarked) "." Foo ("CHILDINFO" ("SUBSCRIBED"))
S: C04 OK LIST completed.
C: C05 SUBSCRIBE Foo
S: C05 OK SUBSCRIBE completed.
C: C06 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%" RETURN (CHILDREN)
S: * LIST (\Subscribed \HasChildren \UnMarked) "." Foo ("CHILDINFO" ("SUBSCRIBED"))
S: C06 OK LIST completed.
sh: rm -r Maildir/.Foo Maildir/.Foo.Bar Maildir/.Foo.Baz; echo Foo.Baz >Maildir/subscriptions
C: C07 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"
S: * LIST (\NonExistent) "." Foo ("CHILDINFO" ("SUBSCRIBED"))
S: C07 OK LIST completed.
--- RFC 6154 section 5.1 and 5.3: special use
S+ \* PREAUTH .*
C: t1 CREATE MySpecial (USE (\Drafts \Sent))
S~ t1 OK \[MAILBOXID \([0-9a-f]{32}\)\] CREATE completed\.
C: t2 LIST "" "%" RETURN (SPECIAL-USE)
S: * LIST (\UnMarked) "." INBOX
S: * LIST (\UnMarked \Drafts \Sent) "." MySpecial
S: t2 OK LIST completed.
C: t3 LIST (SPECIAL-USE) "" "*"
S: * LIST (\UnMarked \Drafts \Sent) "." MySpecial
S: t3 OK LIST completed.
--- RFC 6851 section 3.3: MOVE
setup: for n in 1 2 3; do printf 'A: b\n\nx\n' >Maildir/cur/$n.x:2,; done; mkdir -p Maildir/.foo/cur
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: a UID MOVE 1:3 foo
S~ \* OK \[COPYUID \d+ 1:3 1:3\] Moved\.
S: * 3 EXPUNGE
S: * 2 EXPUNGE
S: * 1 EXPUNGE
S: a OK UID MOVE completed.
--- RFC 7888 section 4: LITERAL+
S+ \* PREAUTH .*
C! A001 STATUS {5+}\r\nINBOX ({8}\r\n
S: A001 BAD STATUS: Word expected.
--- RFC 8438 section 2: STATUS=SIZE
setup: printf 'A: b\n\nx\n' >Maildir/cur/1.x:2,
S+ \* PREAUTH .*
C: A STATUS INBOX (MESSAGES SIZE)
S: * STATUS INBOX (MESSAGES 1 SIZE 11)
S: A OK STATUS completed.
