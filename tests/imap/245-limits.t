#!tests/transcript
# MESSAGELIMIT and SAVELIMIT (RFC 9738), UIDBATCHES (RFC 10022): each off unless a setting turns it on.
env: MAILDIR=$T/Maildir
run: imap
setup: for d in . .to .many; do mkdir -p Maildir/$d/new Maildir/$d/cur Maildir/$d/tmp; done
setup: for n in 1 2 3 4 5; do printf 'Subject: %s\n\nbody\n' $n >Maildir/cur/$n.x:2,; done
--- no setting: nothing told, no limit
S~ \* PREAUTH \[CAPABILITY (?!.*(MESSAGELIMIT|SAVELIMIT|UIDBATCHES)).*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 UID SEARCH ALL
S: * SEARCH 1 2 3 4 5
S: a2 OK UID SEARCH completed.
C: a3 UIDBATCHES 500
S: a3 BAD UIDBATCHES: Unknown command.
--- imap-message-limit: FETCH, STORE and SEARCH of the messages with the highest UIDs (RFC 9738 3.1)
setup: echo 3 >etc/imap-message-limit; echo 2 >etc/imap-save-limit
S~ \* PREAUTH \[CAPABILITY (?!.*SAVELIMIT).* MESSAGELIMIT=3 .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 FETCH 1:4 (UID)
S: * 2 FETCH (UID 2)
S: * 3 FETCH (UID 3)
S: * 4 FETCH (UID 4)
S: a2 OK [MESSAGELIMIT 3 2] Only for the last 3 messages.
C: a3 UID FETCH 1,3:5 (FLAGS)
S: * 3 FETCH (UID 3 FLAGS ())
S: * 4 FETCH (UID 4 FLAGS ())
S: * 5 FETCH (UID 5 FLAGS ())
S: a3 OK [MESSAGELIMIT 3 3] Only for the last 3 messages.
C: a4 UID FETCH 3:5 (UID)
S: * 3 FETCH (UID 3)
S: * 4 FETCH (UID 4)
S: * 5 FETCH (UID 5)
S: a4 OK UID FETCH completed.
C: b1 UID STORE 1:* +FLAGS (\Seen)
S: * 3 FETCH (UID 3 FLAGS (\Seen))
S: * 4 FETCH (UID 4 FLAGS (\Seen))
S: * 5 FETCH (UID 5 FLAGS (\Seen))
S: b1 OK [MESSAGELIMIT 3 3] Only for the last 3 messages.
C: b2 UID STORE 1:2 +FLAGS.SILENT (\Answered)
S: b2 OK UID STORE completed.
C: c1 UID SEARCH ANSWERED
S: * SEARCH
S: c1 OK [MESSAGELIMIT 3 3] Only for the last 3 messages.
C: c2 UID SEARCH UID 1:3 ANSWERED
S: * SEARCH 1 2
S: c2 OK UID SEARCH completed.
C: c3 SEARCH 1:4 SEEN
S: * SEARCH 3 4
S: c3 OK [MESSAGELIMIT 3 2] Only for the last 3 messages.
--- SEARCH: what is kept is cut, too (3.4); no updates of a part
setup: echo 3 >etc/imap-message-limit
S+ \* PREAUTH .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 UID SEARCH RETURN (SAVE) ALL
S: a2 OK [MESSAGELIMIT 3 3] Only for the last 3 messages.
C: a3 UID SEARCH RETURN (COUNT ALL) $
S: * ESEARCH (TAG "a3") UID ALL 3:5 COUNT 3
S: a3 OK UID SEARCH completed.
C: a4 UID SEARCH RETURN (UPDATE COUNT) UNSEEN
S: * ESEARCH (TAG "a4") UID COUNT 3
S: * NO [NOUPDATE "a4"] No updates: too many contexts, or not all was searched.
S: a4 OK [MESSAGELIMIT 3 3] Only for the last 3 messages.
--- where the tagged OK has another code, the limit is told before it (3.1)
setup: echo 3 >etc/imap-message-limit
S+ \* PREAUTH .*
C: a1 ENABLE QRESYNC
S+ a1 OK .*
C: a2 SELECT INBOX
S+ a2 OK .*
sh: rm Maildir/cur/4.x:2,
C: a3 FETCH 1:* BODY.PEEK[]
S: * 3 FETCH (BODY[] {20}
S: Subject: 3
S:
S: body
S: )
S: * 5 FETCH (BODY[] {20}
S: Subject: 5
S:
S: body
S: )
S: * NO [MESSAGELIMIT 3 3] Only for the last 3 messages.
S: a3 NO [EXPUNGEISSUED] FETCH: some of the messages no longer exist.
C: a4 UID STORE 1:5 (UNCHANGEDSINCE 1) +FLAGS (\Seen)
S+ \* NO \[MESSAGELIMIT 3 3\] .*
S+ a4 NO \[MODIFIED 3,5\] .*
--- PARTIAL beyond it, COPY, SORT, THREAD and APPEND do nothing (3.1, 3.3)
setup: echo 3 >etc/imap-message-limit
S+ \* PREAUTH .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 UID FETCH 1:5 (UID) (PARTIAL -1:-4)
S: a2 NO [MESSAGELIMIT 3] Too many messages for one command.
C: a3 UID FETCH 1:5 (UID) (PARTIAL -3:-5)
S: * 1 FETCH (UID 1)
S: * 2 FETCH (UID 2)
S: * 3 FETCH (UID 3)
S: a3 OK UID FETCH completed.
C: a4 UID SEARCH RETURN (PARTIAL 1:2) ALL
S: a4 NO [MESSAGELIMIT 3] Too many messages for one command.
C: a5 UID SEARCH RETURN (PARTIAL 1:2) UID 2:4
S: * ESEARCH (TAG "a5") UID PARTIAL (1:2 2:3)
S: a5 OK UID SEARCH completed.
C: b1 COPY 1:4 to
S: b1 NO [MESSAGELIMIT 3] Too many messages for one command.
C: b2 COPY 1:3 to
S~ b2 OK \[COPYUID \d+ 1:3 1:3\] COPY completed\.
C: c1 SORT (SUBJECT) UTF-8 ALL
S: c1 NO [MESSAGELIMIT 3] Too many messages for one command.
C: c2 UID SORT (REVERSE SUBJECT) UTF-8 UID 1:3
S: * SORT 3 2 1
S: c2 OK UID SORT completed.
C: d1 THREAD REFERENCES UTF-8 ALL
S: d1 NO [MESSAGELIMIT 3] Too many messages for one command.
C: d2 THREAD REFERENCES UTF-8 2:3
S: * THREAD (2)(3)
S: d2 OK THREAD completed.
C: e1 APPEND to {1+}
C: 1 {1+}
C: 2 {1+}
C: 3 {1+}
C: 4
S: e1 NO [MESSAGELIMIT 3] Too many messages for one command.
C: e2 STATUS to (MESSAGES)
S: * STATUS to (MESSAGES 3)
S: e2 OK STATUS completed.
C: e3 APPEND to {1+}
C: 1 {1+}
C: 2 {1+}
C: 3
S~ e3 OK \[APPENDUID \d+ 4:6\] APPEND completed\.
--- ESEARCH of the selected mailbox is as UID SEARCH, of several it has no limit
setup: echo 3 >etc/imap-message-limit; cp Maildir/cur/* Maildir/.to/cur/
S+ \* PREAUTH .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 ESEARCH RETURN (COUNT) ALL
S~ \* ESEARCH \(TAG "a2" MAILBOX INBOX UIDVALIDITY \d+\) UID COUNT 3
S: a2 OK [MESSAGELIMIT 3 3] Only for the last 3 messages.
C: a3 ESEARCH IN (selected) UIDBEFORE 4
S~ \* ESEARCH \(TAG "a3" MAILBOX INBOX UIDVALIDITY \d+\) UID ALL 1:3
S: a3 OK ESEARCH completed.
C: a4 ESEARCH IN (selected) RETURN (PARTIAL 1:2) ALL
S: a4 NO [MESSAGELIMIT 3] Too many messages for one command.
C: a5 ESEARCH RETURN (UPDATE COUNT) UNSEEN
S~ \* ESEARCH \(TAG "a5" MAILBOX INBOX UIDVALIDITY \d+\) UID COUNT 3
S: * NO [NOUPDATE "a5"] No updates: too many contexts, or not all was searched.
S: a5 OK [MESSAGELIMIT 3 3] Only for the last 3 messages.
C: a6 ESEARCH IN (selected mailboxes to) RETURN (COUNT PARTIAL 1:2) ALL
S~ \* ESEARCH \(TAG "a6" MAILBOX INBOX UIDVALIDITY \d+\) UID COUNT 5 PARTIAL \(1:2 1:2\)
S~ \* ESEARCH \(TAG "a6" MAILBOX to UIDVALIDITY \d+\) UID COUNT 5 PARTIAL \(1:2 1:2\)
S: a6 OK ESEARCH completed.
--- MOVE in parts; UID EXPUNGE counts the deleted; EXPUNGE has no limit (3.1)
setup: echo 2 >etc/imap-message-limit; for n in 1 2 3 4 5; do mv Maildir/cur/$n.x:2, Maildir/cur/$n.x:2,T; done
setup: for n in 6 7; do printf 'Subject: %s\n\nbody\n' $n >Maildir/cur/$n.x:2,; done
S+ \* PREAUTH .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 UID MOVE 4:7 to
S~ \* OK \[COPYUID \d+ 6:7 1:2\] Moved\.
S: * 7 EXPUNGE
S: * 6 EXPUNGE
S: a2 OK [MESSAGELIMIT 2 6] Only for the last 2 messages.
sh: printf 'Subject: 8\n\nbody\n' >Maildir/cur/8.x:2,
C: b1 UID EXPUNGE 1:*
S+ \* 4 EXISTS
S+ b1 OK \[MESSAGELIMIT 2 4\] .*
C: b2 UID SEARCH UID 1:5
S: * SEARCH 2 3
S: b2 OK [MESSAGELIMIT 2 2] Only for the last 2 messages.
C: b3 EXPUNGE
S: * 3 EXPUNGE
S: * 2 EXPUNGE
S: * 1 EXPUNGE
S: b3 OK EXPUNGE completed.
--- imap-save-limit: COPY and APPEND only (section 3)
setup: echo 3 >etc/imap-save-limit
S~ \* PREAUTH \[CAPABILITY (?!.*MESSAGELIMIT).* SAVELIMIT=3 .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 COPY 1:* to
S: a2 NO [MESSAGELIMIT 3] Too many messages for one command.
C: a3 UID SEARCH ALL
S: * SEARCH 1 2 3 4 5
S: a3 OK UID SEARCH completed.
C: a4 MOVE 1:4 to
S+ a4 OK MOVE completed\.
--- UIDAFTER and UIDBEFORE (3.2)
S+ \* PREAUTH .*
C: a1 SELECT INBOX
S+ a1 OK .*
C: a2 UID SEARCH UIDAFTER 3
S: * SEARCH 4 5
S: a2 OK UID SEARCH completed.
C: a3 UID SEARCH UIDBEFORE 3
S: * SEARCH 1 2
S: a3 OK UID SEARCH completed.
C: a4 UID SEARCH UIDBEFORE 1
S: * SEARCH
S: a4 OK UID SEARCH completed.
C: a5 UID SEARCH UIDAFTER 4294967295
S: * SEARCH
S: a5 OK UID SEARCH completed.
C: a6 UID SEARCH NOT UIDAFTER 2 OR UIDBEFORE 2 UIDAFTER 4
S: * SEARCH 1
S: a6 OK UID SEARCH completed.
C: a7 UID SEARCH UIDAFTER 5
S: * SEARCH
S: a7 OK UID SEARCH completed.
C: a8 UID SEARCH UIDAFTER 0
S: a8 BAD UID SEARCH: Number must not be zero.
--- UIDBATCHES (RFC 10022): ranges from the newest, its errors, and not the same again at once
setup: echo +UIDBATCHES >etc/imap-capabilities
setup: cd Maildir/.many/cur && i=1000; while [ $i -lt 2201 ]; do echo $i.x:2,; i=$((i+1)); done | xargs touch; rm 1000.x:2,
S~ \* PREAUTH .* UIDBATCHES.*
C: a0 UIDBATCHES 500
S: a0 BAD UIDBATCHES: No mailbox is selected.
C: a1 SELECT many
S+ a1 OK .*
C: a2 UIDBATCHES 500
S: * UIDBATCHES (TAG "a2") 1200:701,700:201,200:1
S: a2 OK UIDBATCHES completed.
C: a3 UIDBATCHES 500
S: a3 NO [LIMIT] The batches have hardly changed.
C: a4 UIDBATCHES 500 2:3
S: * UIDBATCHES (TAG "a4") 700:201,200:1
S: a4 OK UIDBATCHES completed.
C: a5 UIDBATCHES 600 2:2
S: * UIDBATCHES (TAG "a5") 600:1
S: a5 OK UIDBATCHES completed.
C: a6 UIDBATCHES 500 4:5
S: * UIDBATCHES (TAG "a6")
S: a6 OK UIDBATCHES completed.
C: a7 UIDBATCHES 2000
S: * UIDBATCHES (TAG "a7") 1200:1
S: a7 OK UIDBATCHES completed.
C: b1 UIDBATCHES 499
S: b1 NO [TOOFEW] Batches have 500 messages at least.
C: b2 UIDBATCHES 500 1:201
S: b2 NO [TOOMANY] Batches of more than 100000 messages together.
C: b3 UIDBATCHES 500 1:200
S: * UIDBATCHES (TAG "b3") 1200:701,700:201,200:1
S: b3 OK UIDBATCHES completed.
C: b4 UIDBATCHES 500 2:1
S: b4 BAD [CLIENTBUG] Invalid batch range
C: b5 UIDBATCHES 500 1
S~ b5 BAD UIDBATCHES: .*
C: b6 UIDBATCHES 0
S~ b6 BAD UIDBATCHES: .*
C: b7 UIDBATCHES
S~ b7 BAD UIDBATCHES: .*
C: c1 UIDBATCHES 500
S+ c1 OK UIDBATCHES completed\.
C: c2 UID STORE 1:251 +FLAGS.SILENT (\Deleted)
S: c2 OK UID STORE completed.
C: c3 EXPUNGE
S+ c3 OK EXPUNGE completed\.
C: c4 UIDBATCHES 500
S: * UIDBATCHES (TAG "c4") 1200:701,700:1
S: c4 OK UIDBATCHES completed.
C: d1 SELECT to
S+ d1 OK .*
C: d2 UIDBATCHES 500
S: * UIDBATCHES (TAG "d2")
S: d2 OK UIDBATCHES completed.
