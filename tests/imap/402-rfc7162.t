#!tests/transcript
# The examples of RFC 7162 (CONDSTORE, QRESYNC), each under its section's number, with this server's numbers.
env: MAILDIR=$T/Maildir
run: imap
setup: ln -s $ROOT/tests/lib/box box; mkdir -p Maildir/cur Maildir/new Maildir/tmp
setup: printf 'printf "a SELECT $1\\r\\n$2\\r\\nz LOGOUT\\r\\n" | imap >/dev/null' >other
--- 3.1.2.1, 3.1.8 SELECT: HIGHESTMODSEQ, with (CONDSTORE) as without
setup: ./box Maildir 3857529045 4392 S=1-11 =12 S=13-20; mv Maildir/cur/20.x:2,S Maildir/new/20.x
S+ \* PREAUTH .*
C: A142 SELECT INBOX
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 20 EXISTS
S: * 1 RECENT
S: * OK [UNSEEN 12] First unseen.
S: * OK [UIDVALIDITY 3857529045] UIDs valid
S: * OK [UIDNEXT 4392] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S: A142 OK [READ-WRITE] SELECT completed.
C: A143 SELECT INBOX (CONDSTORE)
S: * OK [CLOSED] The mailbox selected before is closed.
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 20 EXISTS
S: * 0 RECENT
S: * OK [UNSEEN 12] First unseen.
S: * OK [UIDVALIDITY 3857529045] UIDs valid
S: * OK [UIDNEXT 4392] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: A143 OK [READ-WRITE] SELECT completed.
--- 3.1.3 UID STORE UNCHANGEDSINCE, SILENT: the modseq of each, UIDs as they were asked for by UID
setup: ./box Maildir 7 60 =4 =6-9
S+ \* PREAUTH .*
C: s SELECT INBOX (CONDSTORE)
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
C: a103 UID STORE 6,4,8 (UNCHANGEDSINCE $h) +FLAGS.SILENT (\Deleted)
S~ \* 1 FETCH \(UID 4 MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 6 MODSEQ \(\d+\)\)
S~ \* 4 FETCH \(UID 8 MODSEQ \(\d+\)\)
S: a103 OK UID STORE completed.
C: a104 STORE * (UNCHANGEDSINCE $h) +FLAGS.SILENT (\Deleted $Processed)
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $Processed)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $Processed \*)] Flags permitted.
S~ \* 5 FETCH \(UID 9 MODSEQ \(\d+\)\)
S: a104 OK STORE completed.
C: c101 STORE 5 (UNCHANGEDSINCE 9000000000000000) -FLAGS.SILENT (\Deleted)
S~ \* 5 FETCH \(UID 9 MODSEQ \(\d+\)\)
S: c101 OK STORE completed.
--- 3.1.3 the first conditional STORE enables CONDSTORE: HIGHESTMODSEQ
setup: ./box Maildir 7 60 D=1-50
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: c101 STORE 50 (UNCHANGEDSINCE 9000000000000000) -FLAGS.SILENT (\Draft)
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S~ \* 50 FETCH \(UID 50 MODSEQ \(\d+\)\)
S: c101 OK STORE completed.
--- 3.1.3 STORE UNCHANGEDSINCE: MODIFIED, and what was not changed is told with its flags
setup: ./box Maildir 7 60 S=1-11 =12
S+ \* PREAUTH .*
C: s SELECT INBOX (CONDSTORE)
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
sh: sh other INBOX 'b STORE 7 +FLAGS (\\Deleted)\r\nc STORE 9 FLAGS (\\Answered)'
C: d105 STORE 7,5,9 (UNCHANGEDSINCE $h) +FLAGS.SILENT (\Deleted)
S~ \* 5 FETCH \(UID 5 MODSEQ \(\d+\)\)
S~ \* 9 FETCH \(UID 9 MODSEQ \(\d+\)\)
S~ \* 7 FETCH \(UID 7 FLAGS \(\\Deleted \\Seen\) MODSEQ \(\d+\)\)
S~ \* 9 FETCH \(UID 9 FLAGS \(\\Answered \\Deleted\) MODSEQ \(\d+\)\)
S: d105 OK [MODIFIED 7] Some of the messages were changed since.
C: d106 NOOP
S: d106 OK NOOP completed.
C: a102 STORE 12 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\Flagged)
S: a102 OK [MODIFIED 12] Some of the messages were changed since.
C: a103 STORE 12 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $MDNSent)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $MDNSent \*)] Flags permitted.
S~ \* 12 FETCH \(UID 12 MODSEQ \(\d+\)\)
S: a103 OK STORE completed.
C: a104 STORE 12 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)
S: a104 OK [MODIFIED 12] Some of the messages were changed since.
--- 3.1.3 STORE UNCHANGEDSINCE on many, one of which was changed; again with its modseq
setup: ./box Maildir 7 60 S=1-9
S+ \* PREAUTH .*
C: s SELECT INBOX (CONDSTORE)
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
sh: sh other INBOX 'b STORE 2 FLAGS (\\Deleted \\Answered)'
C: a106 STORE 1:3 (UNCHANGEDSINCE $h) +FLAGS.SILENT ($Processed)
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $Processed)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $Processed \*)] Flags permitted.
S~ \* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 2 MODSEQ \(\d+\)\)
S~ \* 3 FETCH \(UID 3 MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 2 FLAGS \(\\Answered \\Deleted \$Processed\) MODSEQ \(\d+\)\)
S: a106 OK STORE completed.
C: b107 NOOP
S: b107 OK NOOP completed.
C: b FETCH 2 (MODSEQ)
S~ \* 2 FETCH \(MODSEQ \((?P<m>\d+)\)\)
S+ b OK .*
C: b108 STORE 2 (UNCHANGEDSINCE $m) +FLAGS.SILENT ($Processed)
S~ \* 2 FETCH \(UID 2 MODSEQ \(\d+\)\)
S: b108 OK STORE completed.
--- 3.1.3 STORE UNCHANGEDSINCE on messages that are gone
setup: ./box Maildir 7 60 =1-7
S+ \* PREAUTH .*
C: s SELECT INBOX (CONDSTORE)
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
sh: sh other INBOX 'a STORE 4:7 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\nc STORE 2 FLAGS (\\Deleted \\Answered)'
C: B001 STORE 1:7 (UNCHANGEDSINCE $h) +FLAGS (\Seen)
S~ \* 1 FETCH \(UID 1 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 2 FLAGS \(\\Answered \\Deleted \\Seen\) MODSEQ \(\d+\)\)
S~ \* 3 FETCH \(UID 3 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 2 FLAGS \(\\Answered \\Deleted \\Seen\) MODSEQ \(\d+\)\)
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: B001 NO [EXPUNGEISSUED] STORE: some of the messages no longer exist.
C: B002 NOOP
S: * 7 EXPUNGE
S: * 6 EXPUNGE
S: * 5 EXPUNGE
S: * 4 EXPUNGE
S~ B002 OK \[HIGHESTMODSEQ \d+\] NOOP completed\.
C: b FETCH 2 (MODSEQ)
S~ \* 2 FETCH \(MODSEQ \((?P<m>\d+)\)\)
S+ b OK .*
C: b003 STORE 2 (UNCHANGEDSINCE $m) +FLAGS (\Seen)
S~ \* 2 FETCH \(UID 2 FLAGS \(\\Answered \\Deleted \\Seen\) MODSEQ \(\d+\)\)
S: b003 OK STORE completed.
--- 3.1.4.1 UID FETCH CHANGEDSINCE, 3.1.4.2 FETCH MODSEQ, 3.2.6 VANISHED
setup: ./box Maildir 7 460 =300-310 =404-408 =410-412
S+ \* PREAUTH .*
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK ENABLE completed.
C: s SELECT INBOX
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
sh: sh other INBOX 'a STORE 1:11,13,18 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\nc UID STORE 404 FLAGS (\\Seen)\r\nd UID STORE 406 FLAGS (\\Deleted)\r\ne UID STORE 408 FLAGS ($NoJunk $AutoJunk $MDNSent)'
C: n NOOP
S: * VANISHED 300:310,405,411
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $NoJunk $AutoJunk $MDNSent)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $NoJunk $AutoJunk $MDNSent \*)] Flags permitted.
S~ \* 1 FETCH \(UID 404 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 406 FLAGS \(\\Deleted\) MODSEQ \(\d+\)\)
S~ \* 4 FETCH \(UID 408 FLAGS \(\$NoJunk \$AutoJunk \$MDNSent\) MODSEQ \(\d+\)\)
S~ n OK \[HIGHESTMODSEQ \d+\] NOOP completed\.
C: s100 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE $h)
S~ \* 1 FETCH \(UID 404 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 406 FLAGS \(\\Deleted\) MODSEQ \(\d+\)\)
S~ \* 4 FETCH \(UID 408 FLAGS \(\$NoJunk \$AutoJunk \$MDNSent\) MODSEQ \(\d+\)\)
S: s100 OK UID FETCH completed.
C: s101 UID SEARCH 300:500
S: * SEARCH
S: s101 OK UID SEARCH completed.
C: s101 UID SEARCH UID 300:500
S: * SEARCH 404 406 407 408 410 412
S: s101 OK UID SEARCH completed.
C: s102 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE $h VANISHED)
# UIDs that never were are left out where another session has written the index anew meanwhile.
S~ \* VANISHED \(EARLIER\) 300:(403,405,409|310,405),411,413:459
S~ \* 1 FETCH \(UID 404 FLAGS \(\\Seen\) MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 406 FLAGS \(\\Deleted\) MODSEQ \(\d+\)\)
S~ \* 4 FETCH \(UID 408 FLAGS \(\$NoJunk \$AutoJunk \$MDNSent\) MODSEQ \(\d+\)\)
S: s102 OK UID FETCH completed.
C: a FETCH 1:3 (MODSEQ)
S~ \* 1 FETCH \(MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(MODSEQ \(\d+\)\)
S~ \* 3 FETCH \(MODSEQ \(\d+\)\)
S: a OK FETCH completed.
--- 3.1.4.2 three sessions: STORE.SILENT tells the modseq to its own, flags and modseq to others
setup: ./box Maildir 7 60 =1-7
S+ \* PREAUTH .*
C: A142 SELECT INBOX (CONDSTORE)
S+ A142 OK .*
C: A160 STORE 7 +FLAGS.SILENT (\Deleted)
S~ \* 7 FETCH \(UID 7 MODSEQ \(\d+\)\)
S: A160 OK STORE completed.
C: C180 NOOP
S: C180 OK NOOP completed.
sh: sh other INBOX 'b STORE 7 +FLAGS.SILENT (\\Answered)'
C: C181 NOOP
S~ \* 7 FETCH \(UID 7 FLAGS \(\\Answered \\Deleted\) MODSEQ \(\d+\)\)
S: C181 OK NOOP completed.
C: A240 STORE 7 +FLAGS.SILENT (\Seen)
S~ \* 7 FETCH \(UID 7 MODSEQ \(\d+\)\)
S: A240 OK STORE completed.
C: A330 STORE 7 -FLAGS.SILENT (\Answered \Seen)
S~ \* 7 FETCH \(UID 7 MODSEQ \(\d+\)\)
S: A330 OK STORE completed.
--- 3.1.5 SEARCH MODSEQ, 3.1.10 with RETURN
setup: ./box Maildir 7 60 =1-5
S+ \* PREAUTH .*
C: s SELECT INBOX (CONDSTORE)
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
C: 1 STORE 1:3,5 +FLAGS.SILENT (\Draft)
S~ \* 1 FETCH \(UID 1 MODSEQ \((?P<m>\d+)\)\)
S+ 1 OK .*
C: a SEARCH MODSEQ "/flags/\\draft" all $m
S~ \* SEARCH 1 2 3 5 \(MODSEQ \d+\)
S: a OK SEARCH completed.
C: t SEARCH OR NOT MODSEQ 1 LARGER 50000
S: * SEARCH
S: t OK SEARCH completed.
C: a2 SEARCH RETURN (ALL) MODSEQ $m
S~ \* ESEARCH \(TAG "a2"\) ALL 1:3,5 MODSEQ \d+
S: a2 OK SEARCH completed.
C: a3 SORT RETURN (ALL) (REVERSE SUBJECT) UTF-8 MODSEQ $m
S~ \* ESEARCH \(TAG "a3"\) ALL 5,3,2,1 MODSEQ \d+
S: a3 OK SORT completed.
--- 3.1.7 STATUS HIGHESTMODSEQ
setup: ./box Maildir/.blurdybloop 7 44292 S=1-231
S+ \* PREAUTH .*
C: A042 STATUS blurdybloop (UIDNEXT MESSAGES HIGHESTMODSEQ)
S~ \* STATUS blurdybloop \(MESSAGES 231 UIDNEXT 44292 HIGHESTMODSEQ \d+\)
S: A042 OK STATUS completed.
--- 3.2.5 SELECT QRESYNC: UIDVALIDITY is another
setup: ./box Maildir 3857529045 550 =1-4
S+ \* PREAUTH .*
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK ENABLE completed.
C: A02 SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 4 EXISTS
S: * 0 RECENT
S: * OK [UNSEEN 1] First unseen.
S: * OK [UIDVALIDITY 3857529045] UIDs valid
S: * OK [UIDNEXT 550] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: A02 OK [READ-WRITE] SELECT completed.
--- 3.2.5.1, 6 SELECT QRESYNC: what vanished of the known UIDs, and what changed
setup: ./box Maildir 67890007 600 =41 =43-44 =117-121 =541-545; ./box Maildir/.to 7 1
S+ \* PREAUTH .*
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK ENABLE completed.
C: s SELECT INBOX
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
sh: sh other INBOX 'a UID STORE 41:44,118,120:121 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\nc UID STORE 117 FLAGS (\\Seen \\Answered)\r\nd UID STORE 119 FLAGS (\\Draft $MDNSent)\r\ne UID STORE 541 FLAGS (\\Seen $Forwarded)'
C: t SELECT to
S+ t OK .*
C: A03 SELECT INBOX (QRESYNC (67890007 $h 41:211,214:541))
S: * OK [CLOSED] The mailbox selected before is closed.
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $MDNSent)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded $MDNSent \*)] Flags permitted.
S: * 7 EXISTS
S: * 0 RECENT
S: * OK [UNSEEN 2] First unseen.
S: * OK [UIDVALIDITY 67890007] UIDs valid
S: * OK [UIDNEXT 600] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: * VANISHED (EARLIER) 41:116,118,120:211,214:540
S~ \* 1 FETCH \(UID 117 FLAGS \(\\Answered \\Seen\) MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 119 FLAGS \(\\Draft \$MDNSent\) MODSEQ \(\d+\)\)
S~ \* 3 FETCH \(UID 541 FLAGS \(\\Seen \$Forwarded\) MODSEQ \(\d+\)\)
S: A03 OK [READ-WRITE] SELECT completed.
--- 3.2.5.2 SELECT QRESYNC: numbers and their UIDs: nothing is told that is before them
setup: ./box Maildir 67890007 600 =3-5 =10-14 =20-40
S+ \* PREAUTH .*
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK ENABLE completed.
C: s SELECT INBOX
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
sh: sh other INBOX 'a UID STORE 30:31 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\nc UID STORE 3 FLAGS (\\Seen \\Answered)'
C: B04 SELECT INBOX (QRESYNC (67890007 $h 1:40 (1,4,9,12 3,10,20,23)))
S: * OK [CLOSED] The mailbox selected before is closed.
S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] Flags permitted.
S: * 27 EXISTS
S: * 0 RECENT
S: * OK [UNSEEN 2] First unseen.
S: * OK [UIDVALIDITY 67890007] UIDs valid
S: * OK [UIDNEXT 600] Predicted next UID
S~ \* OK \[MAILBOXID \(\w+\)\] Its id
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: * VANISHED (EARLIER) 30:31
S~ \* 1 FETCH \(UID 3 FLAGS \(\\Answered \\Seen\) MODSEQ \(\d+\)\)
S: B04 OK [READ-WRITE] SELECT completed.
--- 3.2.7, 3.2.10.2 EXPUNGE: numbers before ENABLE QRESYNC, VANISHED after; 3.2.9 UID EXPUNGE
setup: ./box Maildir 7 700 =1-2 T=405 T=407 =408-409 T=410 =411-413 T=425 T=504 =505 T=508 T=3000-3003
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A200 UID EXPUNGE 3000:3002
S: * 17 EXPUNGE
S: * 16 EXPUNGE
S: * 15 EXPUNGE
S: A200 OK UID EXPUNGE completed.
C: e ENABLE QRESYNC
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: * ENABLED QRESYNC
S: e OK ENABLE completed.
C: B202 UID EXPUNGE 405:425
S: * VANISHED 405,407,410,425
S~ B202 OK \[HIGHESTMODSEQ \d+\] UID EXPUNGE completed\.
C: B203 UID EXPUNGE 504,3003
S: * VANISHED 504,3003
S~ B203 OK \[HIGHESTMODSEQ \d+\] UID EXPUNGE completed\.
C: A210 EXPUNGE
S: * VANISHED 508
S~ A210 OK \[HIGHESTMODSEQ \d+\] EXPUNGE completed\.
--- 3.2.8 CLOSE: nothing is told, and it tells no HIGHESTMODSEQ of what it did not
setup: ./box Maildir 7 700 =1-2 T=405
S+ \* PREAUTH .*
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK ENABLE completed.
C: s SELECT INBOX
S+ s OK .*
C: A202 CLOSE
S: A202 OK CLOSE completed.
--- 6 VANISHED and a conditional STORE
setup: ./box Maildir 7 9 =6-8
S+ \* PREAUTH .*
C: e ENABLE QRESYNC
S: * ENABLED QRESYNC
S: e OK ENABLE completed.
C: s SELECT INBOX
S+ \* OK \[HIGHESTMODSEQ (?P<h>\d+)\].*
S+ s OK .*
sh: sh other INBOX 'a STORE 3 +FLAGS (\\Deleted)\r\nb EXPUNGE'
C: A150 STORE 1:3 (UNCHANGEDSINCE $h) +FLAGS.SILENT \Seen
S~ \* 1 FETCH \(UID 6 MODSEQ \(\d+\)\)
S~ \* 2 FETCH \(UID 7 MODSEQ \(\d+\)\)
S~ \* OK \[HIGHESTMODSEQ \d+\] Highest
S: A150 NO [EXPUNGEISSUED] STORE: some of the messages no longer exist.
C: A152 NOOP
S: * VANISHED 8
S~ A152 OK \[HIGHESTMODSEQ \d+\] NOOP completed\.
