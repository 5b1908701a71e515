#!tests/transcript
# ESEARCH over mailboxes (RFC 7377), UID FETCH (PARTIAL) (RFC 9394 3.3).
env: MAILDIR=$T/Maildir
run: imap
setup: for d in "" .folder1 .folder2 .folder2.banana .folder2.peach .folder2.peach.stone .other; do mkdir -p Maildir/$d/cur Maildir/$d/new Maildir/$d/tmp; printf '3 V77 N1 Gffffffffffffffffffffffffffffffff\n' >Maildir/$d/dovecot-uidlist; done
setup: printf 'Subject: chad\n\nx\n' | tee Maildir/cur/1.x:2, Maildir/cur/2.x:2,S Maildir/.folder1/cur/1.x:2, Maildir/.folder1/cur/2.x:2, Maildir/.folder2.banana/cur/1.x:2,S Maildir/.folder2.banana/cur/2.x:2, Maildir/.folder2.peach/cur/1.x:2, Maildir/.folder2.peach.stone/cur/1.x:2, >Maildir/.other/cur/1.x:2,S
setup: printf 'folder2.peach\nnosuch\n' >Maildir/subscriptions
--- mailboxes, subtree, subtree-one (RFC 7377 section 3)
S+ \* PREAUTH .*
C: tag1 ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen
S: * ESEARCH (TAG "tag1" MAILBOX folder1 UIDVALIDITY 77) UID ALL 1:2
S: * ESEARCH (TAG "tag1" MAILBOX folder2.banana UIDVALIDITY 77) UID ALL 2
S: * ESEARCH (TAG "tag1" MAILBOX folder2.peach UIDVALIDITY 77) UID ALL 1
S: * ESEARCH (TAG "tag1" MAILBOX folder2.peach.stone UIDVALIDITY 77) UID ALL 1
S: tag1 OK ESEARCH completed.
C: tag2 ESEARCH IN (mailboxes "folder1" subtree-one "folder2") subject "chad"
S: * ESEARCH (TAG "tag2" MAILBOX folder1 UIDVALIDITY 77) UID ALL 1:2
S: * ESEARCH (TAG "tag2" MAILBOX folder2.banana UIDVALIDITY 77) UID ALL 1:2
S: * ESEARCH (TAG "tag2" MAILBOX folder2.peach UIDVALIDITY 77) UID ALL 1
S: tag2 OK ESEARCH completed.
C: tag3 ESEARCH IN (mailboxes (other folder1 nosuch)) RETURN (MIN COUNT) SEEN
S: * ESEARCH (TAG "tag3" MAILBOX other UIDVALIDITY 77) UID MIN 1 COUNT 1
S: tag3 OK ESEARCH completed.
C: tag4 ESEARCH IN (subscribed) RETURN (COUNT) ALL
S: * ESEARCH (TAG "tag4" MAILBOX folder2.peach UIDVALIDITY 77) UID COUNT 1
S: tag4 OK ESEARCH completed.
C: tag5 ESEARCH IN (personal) RETURN (COUNT PARTIAL 1:1) SEEN
S: * ESEARCH (TAG "tag5" MAILBOX INBOX UIDVALIDITY 77) UID COUNT 1 PARTIAL (1:1 2)
S: * ESEARCH (TAG "tag5" MAILBOX folder2.banana UIDVALIDITY 77) UID COUNT 1 PARTIAL (1:1 1)
S: * ESEARCH (TAG "tag5" MAILBOX other UIDVALIDITY 77) UID COUNT 1 PARTIAL (1:1 1)
S: tag5 OK ESEARCH completed.
C: tag6 ESEARCH IN (inboxes) RETURN (CONTEXT MIN) 2:9 UNSEEN
S: * ESEARCH (TAG "tag6" MAILBOX folder1 UIDVALIDITY 77) UID MIN 2
S: * ESEARCH (TAG "tag6" MAILBOX folder2.banana UIDVALIDITY 77) UID MIN 2
S: tag6 OK ESEARCH completed.
C: tag7 ESEARCH IN (mailboxes folder1) ANSWERED
S: tag7 OK ESEARCH completed.
C: tag8 ESEARCH IN (mailboxes folder1) CHARSET X-NONE TEXT a
S~ tag8 NO \[BADCHARSET .*
--- the selected mailbox (2.2)
S+ \* PREAUTH .*
C: 1 ESEARCH UNSEEN
S: 1 BAD ESEARCH: No mailbox is selected.
C: 2 ESEARCH IN (mailboxes folder1) RETURN (UPDATE) ALL
S: 2 BAD ESEARCH: No mailbox is selected.
C: s SELECT INBOX
S+ s OK .*
C: 3 ESEARCH UNSEEN
S: * ESEARCH (TAG "3" MAILBOX INBOX UIDVALIDITY 77) UID ALL 1
S: 3 OK ESEARCH completed.
C: 4 ESEARCH IN (selected mailboxes (folder1 INBOX)) ALL
S: * ESEARCH (TAG "4" MAILBOX INBOX UIDVALIDITY 77) UID ALL 1:2
S: * ESEARCH (TAG "4" MAILBOX folder1 UIDVALIDITY 77) UID ALL 1:2
S: 4 OK ESEARCH completed.
C: 5 ESEARCH IN (selected) RETURN (SAVE) SEEN
S: 5 OK ESEARCH completed.
C: 6 FETCH $ UID
S: * 2 FETCH (UID 2)
S: 6 OK FETCH completed.
C: 7 ESEARCH IN (mailboxes folder1) $
S: 7 OK ESEARCH completed.
C: 8 ESEARCH IN (selected mailboxes folder1) RETURN (SAVE) ALL
S: 8 BAD ESEARCH: SAVE is of the selected mailbox.
C: 9 ESEARCH IN (personal) RETURN (UPDATE COUNT) DELETED
S: 9 OK ESEARCH completed.
C: 10 STORE 2 +FLAGS.SILENT (\Deleted)
S: * ESEARCH (TAG "9") UID ADDTO (0 2)
S: 10 OK STORE completed.
C: 11 ESEARCH IN (selected-delayed) ALL
S: 11 BAD ESEARCH: Unknown mailbox specifier.
C: 12 ESEARCH IN () ALL
S: 12 BAD ESEARCH: Unknown mailbox specifier.
C: 13 ESEARCH IN (mailboxes folder1 (x 1)) ALL
S~ 13 BAD .*
C: 17 ESEARCH IN (mailboxes (a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a)) ALL
S: 17 BAD ESEARCH: Too many mailboxes.
C: 14 ESEARCH IN (selected) RETURN (SAVE) CHARSET X-NONE TEXT a
S~ 14 NO \[BADCHARSET .*
C: 15 SEARCH $
S: * SEARCH
S: 15 OK SEARCH completed.
C: 16 ESEARCH IN (selected) MODSEQ 1
S+ \* ESEARCH \(TAG "16" MAILBOX INBOX UIDVALIDITY 77\) UID ALL 1:2 MODSEQ \d+
S: 16 OK ESEARCH completed.
--- UPDATE of the selected mailbox, while others are searched with the same keys (RFC 5267 4.3.1)
S+ \* PREAUTH .*
C: s SELECT INBOX
S+ s OK .*
C: 1 ESEARCH IN (selected) RETURN (UPDATE COUNT) DELETED
S: 1 OK ESEARCH completed.
C: 2 ESEARCH IN (selected) RETURN (UPDATE COUNT) DELETED
S: 2 OK ESEARCH completed.
C: 3 ESEARCH IN (personal) RETURN (UPDATE COUNT) 1 UNSEEN
S: * ESEARCH (TAG "3" MAILBOX INBOX UIDVALIDITY 77) UID COUNT 1
S: * ESEARCH (TAG "3" MAILBOX folder1 UIDVALIDITY 77) UID COUNT 1
S: * ESEARCH (TAG "3" MAILBOX folder2.peach UIDVALIDITY 77) UID COUNT 1
S: * ESEARCH (TAG "3" MAILBOX folder2.peach.stone UIDVALIDITY 77) UID COUNT 1
S: 3 OK ESEARCH completed.
C: 4 STORE 1 +FLAGS.SILENT (\Seen)
S: * ESEARCH (TAG "3") UID REMOVEFROM (0 1)
S: 4 OK STORE completed.
C: 5 ESEARCH IN (selected) RETURN (UPDATE COUNT) DELETED
S: 5 OK ESEARCH completed.
C: 6 ESEARCH IN (personal) RETURN (UPDATE COUNT) UNSEEN
S: * ESEARCH (TAG "6" MAILBOX folder1 UIDVALIDITY 77) UID COUNT 2
S: * ESEARCH (TAG "6" MAILBOX folder2.banana UIDVALIDITY 77) UID COUNT 1
S: * ESEARCH (TAG "6" MAILBOX folder2.peach UIDVALIDITY 77) UID COUNT 1
S: * ESEARCH (TAG "6" MAILBOX folder2.peach.stone UIDVALIDITY 77) UID COUNT 1
S: * NO [NOUPDATE "6"] No updates: too many contexts, or not all was searched.
S: 6 OK ESEARCH completed.
--- UID FETCH (PARTIAL) (RFC 9394 3.3)
S+ \* PREAUTH .*
C: s SELECT folder1
S+ s OK .*
C: 1 UID FETCH 1:* (UID) (PARTIAL 1:1)
S: * 1 FETCH (UID 1)
S: 1 OK UID FETCH completed.
C: 2 UID FETCH 1:* (UID) (PARTIAL -1:-1)
S: * 2 FETCH (UID 2)
S: 2 OK UID FETCH completed.
C: 3 UID FETCH 1:* (UID) (PARTIAL 9:2)
S: * 2 FETCH (UID 2)
S: 3 OK UID FETCH completed.
C: 4 UID FETCH 1:* (UID) (PARTIAL -3:-9)
S: 4 OK UID FETCH completed.
C: 5 UID FETCH 1:* (UID) (PARTIAL 3:9)
S: 5 OK UID FETCH completed.
C: 6 UID FETCH 1,2 (UID) (PARTIAL -2:-1)
S: * 1 FETCH (UID 1)
S: * 2 FETCH (UID 2)
S: 6 OK UID FETCH completed.
C: 7 FETCH 1:* (UID) (PARTIAL 1:1)
S: 7 BAD FETCH: PARTIAL is of UID FETCH.
C: 8 UID FETCH 1:* (UID) (PARTIAL 1)
S~ 8 BAD .*
C: 9 UID FETCH 1:* (UID) (PARTIAL 1:2 PARTIAL 1:2)
S~ 9 BAD .*
