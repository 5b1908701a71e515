#!tests/transcript
# SORT and THREAD (RFC 5256 section 3), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267 section 3), REFS
# (draft-ietf-morg-inthread). tests/imap/520-dovecot-sort.t compares thousands of them.
env: MAILDIR=$T/Maildir
env: TZ=UTC
run: imap
setup: mkdir -p Maildir/new Maildir/cur Maildir/tmp etc
setup: printf 'From: Zoe <zoe@x>\nTo: b@x\nCc: k@x\nSubject: pear\nDate: 5 Mar 2000 10:00 +0000\nMessage-ID: <"1"@x>\n\n1\n' >Maildir/cur/1.x:2,
setup: printf 'From: Adam <yan@x>\nTo: c@x\nSubject: Re: Apple\nDate: 5 Mar 2000 09:30 -0100\nMessage-ID: <2@x>\nReferences: <1@x> <gone@x>\n\n22\n' >Maildir/cur/2.x:2,
setup: printf 'From: mike@x\nTo: a@x\nCc: j@x\nSubject: apple\nDate: 4 Mar 2000 10:00 +0000\nMessage-ID: <3@x>\nReferences: <gone@x>\n\n333\n' >Maildir/cur/3.x:2,
setup: printf 'From: =?utf-8?q?=C3=84rne?= <bob@x>\nSubject: [x] PEAR (fwd)\nMessage-ID: <4@x>\nIn-Reply-To: <2@x> <1@x>\n\n4444\n' >Maildir/cur/4.x:2,
setup: touch -d '2000-03-07 UTC' Maildir/cur/1.*; touch -d '2000-03-06 UTC' Maildir/cur/2.*; touch -d '2000-03-08 UTC' Maildir/cur/3.*; touch -d '2000-03-03 UTC' Maildir/cur/4.*
--- every criterion (RFC 5256 BASE.6.4.SORT, RFC 5957 section 4)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A1 SORT (ARRIVAL) UTF-8 ALL
S: * SORT 4 2 1 3
S: A1 OK SORT completed.
C: A2 SORT (CC) US-ASCII ALL
S: * SORT 2 4 3 1
S: A2 OK SORT completed.
C: A3 SORT (DATE) UTF-8 ALL
S: * SORT 4 3 1 2
S: A3 OK SORT completed.
C: A4 SORT (FROM) UTF-8 ALL
S: * SORT 4 3 2 1
S: A4 OK SORT completed.
C: A5 SORT (SIZE) UTF-8 ALL
S: * SORT 1 4 3 2
S: A5 OK SORT completed.
C: A6 SORT (SUBJECT) UTF-8 ALL
S: * SORT 2 3 1 4
S: A6 OK SORT completed.
C: A7 SORT (TO) UTF-8 ALL
S: * SORT 4 3 1 2
S: A7 OK SORT completed.
C: A8 SORT (DISPLAYFROM) UTF-8 ALL
S: * SORT 2 4 3 1
S: A8 OK SORT completed.
C: A9 SORT (DISPLAYTO) UTF-8 ALL
S: * SORT 4 3 1 2
S: A9 OK SORT completed.
C: A10 SORT (SUBJECT REVERSE DATE) UTF-8 ALL
S: * SORT 2 3 1 4
S: A10 OK SORT completed.
C: A10a SORT (SUBJECT SUBJECT REVERSE DATE DATE REVERSE SUBJECT) UTF-8 ALL
S: * SORT 2 3 1 4
S: A10a OK SORT completed.
C: A11 UID SORT (REVERSE SUBJECT DATE) UTF-8 ALL
S: * SORT 4 1 3 2
S: A11 OK UID SORT completed.
C: A284 SORT (SUBJECT) US-ASCII TEXT "not in mailbox"
S: * SORT
S: A284 OK SORT completed.
--- ESORT, PARTIAL, SAVE (RFC 5267 section 3)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: E01 UID SORT RETURN () (REVERSE DATE) UTF-8 UNDELETED UNKEYWORD $Junk
S: * ESEARCH (TAG "E01") UID ALL 2,1,3:4
S: E01 OK UID SORT completed.
C: E02 SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 NOT 4
S: * ESEARCH (TAG "E02") MIN 3 MAX 2 COUNT 3
S: E02 OK SORT completed.
C: E03 SORT RETURN (PARTIAL 2:3 SAVE) (SUBJECT) UTF-8 ALL
S: * ESEARCH (TAG "E03") PARTIAL (2:3 3,1)
S: E03 OK SORT completed.
C: E04 SEARCH $
S: * SEARCH 1 3
S: E04 OK SEARCH completed.
C: E05 SORT RETURN (PARTIAL -1:-2) (SUBJECT) UTF-8 ALL
S: * ESEARCH (TAG "E05") PARTIAL (-1:-2 1,4)
S: E05 OK SORT completed.
C: E06 SORT RETURN (COUNT UPDATE CONTEXT) (DATE) UTF-8 ALL
S: * ESEARCH (TAG "E06") COUNT 4
S: * NO [NOUPDATE "E06"] No updates of what is sorted.
S: E06 OK SORT completed.
C: E07 SORT RETURN (SAVE) (DATE) X-NONE ALL
S~ E07 NO \[BADCHARSET .*
C: E08 SEARCH $
S: * SEARCH
S: E08 OK SEARCH completed.
--- THREAD
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: A1 THREAD ORDEREDSUBJECT UTF-8 ALL
S: * THREAD (4 1)(3 2)
S: A1 OK THREAD completed.
C: A2 THREAD REFERENCES UTF-8 ALL
S: * THREAD (1 (3)(2 4))
S: A2 OK THREAD completed.
C: A3 UID THREAD REFERENCES UTF-8 2:4
S: * THREAD ((3)(2 4))
S: A3 OK UID THREAD completed.
C: A4 THREAD REFS UTF-8 NOT 2
S: * THREAD (4)(1)(3)
S: A4 OK THREAD completed.
C: A5 THREAD REFERENCES UTF-8 NOT 2
S: * THREAD (3)(1 4)
S: A5 OK THREAD completed.
C: A6 THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"
S: * THREAD
S: A6 OK THREAD completed.
--- what is wrong
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SORT (WEIGHT) UTF-8 ALL
S: 1 BAD SORT: Unknown sort criterion.
C: 2 SORT () UTF-8 ALL
S: 2 BAD SORT: Unknown sort criterion.
C: 3 SORT (DATE) UTF-8
S: 3 BAD SORT: Missing argument.
C: 4 SORT (DATE) X-NONE ALL
S~ 4 NO \[BADCHARSET .*
C: 5 SORT (DATE REVERSE) UTF-8 ALL
S: 5 BAD SORT: Missing argument.
C: 6 THREAD JWZ UTF-8 ALL
S: 6 BAD THREAD: Unknown threading algorithm.
C: 7 THREAD REFERENCES X-NONE ALL
S~ 7 NO \[BADCHARSET .*
C: 8 THREAD REFERENCES UTF-8
S: 8 BAD THREAD: Missing argument.
C: 9 SORT (CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC CC) UTF-8 ALL
S: 9 BAD SORT: Too many sort criteria.
--- imap-search-memory (LIMIT_SEARCH_MEMORY)
setup: echo 48 >etc/imap-search-memory
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 SORT (DATE) UTF-8 1:3
S: * SORT 3 1 2
S: 1 OK SORT completed.
C: 2 SORT (DATE) UTF-8 ALL
S: 2 NO [LIMIT] More messages than this server sorts or threads at once.
C: 3 THREAD REFERENCES UTF-8 ALL
S: 3 NO [LIMIT] More messages than this server sorts or threads at once.
C: 4 THREAD REFERENCES UTF-8 1:3
S: 4 NO [LIMIT] More messages than this server sorts or threads at once.
