#!tests/transcript
# The examples of the RFCs of mailboxes: 5464 (METADATA), 4314 (ACL), 9208 (QUOTA), 8474 (OBJECTID), 5465 (NOTIFY),
# 6154 (special uses), in mailboxes of the state they show; policy, numbers and
# wording are this server's.
env: MAILDIR=$T/Maildir
env: USER=fred@example.org
env: SHARING=1
run: env SHARED= imap
setup: ln -s $ROOT/tests/lib/box box; mkdir -p Maildir/cur Maildir/new Maildir/tmp
--- RFC 5464 4.3 SETMETADATA, 4.2 GETMETADATA, 4.2.1 MAXSIZE, 4.2.2 DEPTH
S+ \* PREAUTH .*
C: a SETMETADATA "" (/shared/comment "Shared comment")
S: a NO [NOPERM] Permission denied.
C! a SETMETADATA INBOX (/private/comment {33+}\r\nMy new comment across\r\ntwo lines.)\r\n
S: a OK SETMETADATA completed.
C! a GETMETADATA INBOX /private/comment\r\n
S: * METADATA INBOX (/private/comment {33}
S: My new comment across
S: two lines.)
S: a OK GETMETADATA completed.
C: a SETMETADATA INBOX (/private/comment NIL)
S: a OK SETMETADATA completed.
C: a GETMETADATA INBOX /private/comment
S: * METADATA INBOX (/private/comment NIL)
S: a OK GETMETADATA completed.
C: a SETMETADATA INBOX (/private/comment "My own comment" /shared/comment "This one is for you!")
S: a OK SETMETADATA completed.
C: a GETMETADATA "" /shared/comment
S: * METADATA "" (/shared/comment NIL)
S: a OK GETMETADATA completed.
C: a GETMETADATA "INBOX" (/shared/comment /private/comment)
S: * METADATA INBOX (/shared/comment "This one is for you!" /private/comment "My own comment")
S: a OK GETMETADATA completed.
C: a GETMETADATA "INBOX" (MAXSIZE 15) (/shared/comment /private/comment)
S: * METADATA INBOX (/private/comment "My own comment")
S: a OK [METADATA LONGENTRIES 20] GETMETADATA completed.
C: a GETMETADATA (MAXSIZE 15) "INBOX" (/shared/comment /private/comment)
S: * METADATA INBOX (/private/comment "My own comment")
S: a OK [METADATA LONGENTRIES 20] GETMETADATA completed.
C! a SETMETADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \\"boss@example.com\\"" /private/filters/values/deep/er "x")\r\n
S: a OK SETMETADATA completed.
C: a GETMETADATA (DEPTH 1) "INBOX" (/private/filters/values)
S: * METADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \"boss@example.com\"")
S: a OK GETMETADATA completed.
--- RFC 4314 3.1 SETACL, 3.2 DELETEACL, 3.3 GETACL, 3.4 LISTRIGHTS, 3.5 MYRIGHTS, 2.1.1 obsolete rights
setup: ./box Maildir 7 2 =1; ./box Maildir/.Drafts 7 2 =1
S+ \* PREAUTH .*
C: A001 SETACL Drafts David lrswidet
S: A001 OK SETACL completed.
C: A002 getacl Drafts
S: * ACL Drafts fred@example.org lrswipkxtecda david lrswited
S: A002 OK GETACL completed.
C: A001 SETACL Drafts Byron lrswid
S: A001 OK SETACL completed.
C: A002 getAcl Drafts
S: * ACL Drafts fred@example.org lrswipkxtecda david lrswited byron lrswited
S: A002 OK GETACL completed.
C: A003 SETACL Drafts Chris lrswi
S: A003 OK SETACL completed.
C: A002 SETACL Drafts Chris +d
S: A002 OK SETACL completed.
C: A003 GETACL Drafts
S: * ACL Drafts fred@example.org lrswipkxtecda david lrswited byron lrswited chris lrswited
S: A003 OK GETACL completed.
C: A034 SETACL Drafts Chris +ca
S: A034 NO [CANNOT] The rights k, x and a are the owner's alone.
C: A035 SETACL Drafts John lrQswicda
S: A035 BAD SETACL: Unknown right.
C: A036 SETACL Drafts John lrqswicda
S: A036 BAD SETACL: Unknown right.
C: B001 SETACL Drafts -David wetd
S: B001 OK SETACL completed.
C: B002 DeleteAcl Drafts David
S: B002 OK DELETEACL completed.
C: B003 GETACL Drafts
S: * ACL Drafts fred@example.org lrswipkxtecda byron lrswited chris lrswited -david wted
S: B003 OK GETACL completed.
C: a001 LISTRIGHTS Drafts smith
S: * LISTRIGHTS Drafts smith "" l r s w i p t e d
S: a001 OK LISTRIGHTS completed.
C: a005 LISTRIGHTS Drafts anyone
S: * LISTRIGHTS Drafts anyone "" l r s w i p t e d
S: a005 OK LISTRIGHTS completed.
C: A003 MYRIGHTS INBOX
S: * MYRIGHTS INBOX lrswipkxtecda
S: A003 OK MYRIGHTS completed.
--- RFC 9208 4.3.1 OVERQUOTA, 4.1.1 GETQUOTA, 4.1.2 GETQUOTAROOT, 4.1.3 SETQUOTA, 4.1.4 STATUS
setup: ./box Maildir 7 13 S=1-8 T=9-12
env: QUOTA_RULE=*:bytes=10240:messages=12
S+ \* PREAUTH .*
C: G0002 GETQUOTAROOT INBOX
S: * QUOTAROOT INBOX "User quota"
S: * QUOTA "User quota" (STORAGE 1 10 MESSAGE 12 12)
S: G0002 OK GETQUOTAROOT completed.
C: G0001 GETQUOTA "User quota"
S: * QUOTA "User quota" (STORAGE 1 10 MESSAGE 12 12)
S: G0001 OK GETQUOTA completed.
C: S0001 SETQUOTA "User quota" (STORAGE 510)
S: S0001 NO [NOPERM] Quotas are set by the administrator.
C: S0003 STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)
S: * STATUS INBOX (MESSAGES 12 DELETED 4 DELETED-STORAGE 71)
S: S0003 OK STATUS completed.
C! A003 APPEND INBOX (\\Seen) {4+}\r\na: b\r\n
S: A003 NO [OVERQUOTA] The mailbox is full.
--- RFC 8474 4.1 CREATE, 4.2 SELECT, 4.3 STATUS, RENAME keeps the id, LIST
S+ \* PREAUTH .*
C: 3 create foo
S~ 3 OK \[MAILBOXID \((?P<foo>\w+)\)\] .*
C: 4 create bar
S~ 4 OK \[MAILBOXID \((?P<bar>\w+)\)\] .*
C: 5 create foo
S: 5 NO [ALREADYEXISTS] The mailbox exists already.
C: 27 select "foo"
S+ \* OK \[MAILBOXID \($foo\)\] .*
S+ 27 OK .*
C: 6 status foo (mailboxid)
S: * STATUS foo (MAILBOXID ($foo))
S: 6 OK STATUS completed.
C: 7 status bar (mailboxid)
S: * STATUS bar (MAILBOXID ($bar))
S: 7 OK STATUS completed.
C: 8 rename foo renamed
S: 8 OK RENAME completed.
C: 9 status renamed (mailboxid)
S: * STATUS renamed (MAILBOXID ($foo))
S: 9 OK STATUS completed.
C: 11 list "" "*" return (status (mailboxid))
S: * LIST (\UnMarked) "." INBOX
S~ \* STATUS INBOX \(MAILBOXID \(\w+\)\)
S: * LIST (\UnMarked) "." bar
S~ \* STATUS bar \(MAILBOXID \(\w+\)\)
S: * LIST (\UnMarked) "." renamed
S~ \* STATUS renamed \(MAILBOXID \(\w+\)\)
S: 11 OK LIST completed.
--- RFC 8474 5.3 EMAILID and THREADID, MOVE keeps the first, 6 SEARCH
S+ \* PREAUTH .*
C! 5 append inbox "20-Mar-2018 03:07:37 +1100" {71+}\r\nSubject: Message A\r\nMessage-ID: <fake.1521475657.54797@example.com>\r\n\r\n\r\n
S~ 5 OK \[APPENDUID \d+ 1\] APPEND completed\.
C! 11 append inbox "20-Mar-2018 03:07:37 +1100" {124+}\r\nSubject: Re: Message A\r\nMessage-ID: <fake.1521475657.21213@example.org>\r\nReferences: <fake.1521475657.54797@example.com>\r\n\r\n\r\n
S~ 11 OK \[APPENDUID \d+ 2\] APPEND completed\.
C! 17 append inbox "20-Mar-2018 03:07:37 +1100" {71+}\r\nSubject: Message C\r\nMessage-ID: <fake.1521475657.60280@example.com>\r\n\r\n\r\n
S~ 17 OK \[APPENDUID \d+ 3\] APPEND completed\.
C: 3 create foo
S+ 3 OK .*
C: s SELECT INBOX
S+ s OK .*
C: 22 fetch 1:* (emailid threadid)
S~ \* 1 FETCH \(EMAILID \((?P<a>\w+)\) THREADID \((?P<t>\w+)\)\)
S~ \* 2 FETCH \(EMAILID \((?P<b>\w+)\) THREADID \($t\)\)
S~ \* 3 FETCH \(EMAILID \((?P<c>\w+)\) THREADID \((?P<u>\w+)\)\)
S: 22 OK FETCH completed.
C: 27 search emailid $a
S: * SEARCH 1
S: 27 OK SEARCH completed.
C: 28 search threadid $t
S: * SEARCH 1 2
S: 28 OK SEARCH completed.
C: 23 move 2 foo
S~ \* OK \[COPYUID \d+ 2 1\] Moved\.
S: * 2 EXPUNGE
S: * 2 RECENT
S: 23 OK MOVE completed.
C: 24 fetch 1:* (emailid threadid)
S: * 1 FETCH (EMAILID ($a) THREADID ($t))
S: * 2 FETCH (EMAILID ($c) THREADID ($u))
S: 24 OK FETCH completed.
C: 25 select "foo"
S+ 25 OK .*
C: 26 fetch 1:* (emailid threadid)
S: * 1 FETCH (EMAILID ($b) THREADID ($t))
S: 26 OK FETCH completed.
--- RFC 5465 3.1 NOTIFY: STATUS of those asked for, new mail elsewhere, new mail here with what was asked for
setup: ./box Maildir 7 127001 =1-2; ./box Maildir/.Lists.Lemonade 4 9999 =1-5; ./box Maildir/.Lists.Im2000 901 1; ./box Maildir/.misc 1 999
S+ \* PREAUTH .*
C: b notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))
S: * STATUS Lists.Im2000 (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 901)
S: * STATUS Lists.Lemonade (MESSAGES 5 UIDNEXT 9999 UIDVALIDITY 4)
S: b OK NOTIFY completed.
C: c select inbox
S+ c OK .*
sh: printf 'Subject: x\n\nbody\n' >Maildir/.Lists.Lemonade/new/x
S: * STATUS Lists.Lemonade (MESSAGES 6 UIDNEXT 10000)
sh: printf 'Subject: Re: good morning\nFrom: alice@example.org\nTo: bob@example.org\n\nbody\n' >Maildir/new/x
S: * 3 EXISTS
S: * 1 RECENT
S: * 3 FETCH (UID 127001 BODY[HEADER.FIELDS (FROM TO SUBJECT)] {75}
S: Subject: Re: good morning
S: From: alice@example.org
S: To: bob@example.org
S: 
S: )
C: d STATUS misc (UIDVALIDITY UIDNEXT MESSAGES)
S: * STATUS misc (MESSAGES 0 UIDNEXT 999 UIDVALIDITY 1)
S: d OK STATUS completed.
C: e notify set (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge)) (mailboxes misc (MessageNew MessageExpunge))
S: e OK NOTIFY completed.
sh: printf 'Subject: x\n\nbody\n' >Maildir/.misc/new/x
S: * STATUS misc (MESSAGES 1 UIDNEXT 1000)
C: f notify none
S: f OK NOTIFY completed.
--- RFC 5465 5.4 MailboxName, 5.5 SubscriptionChange, 6 personal
S+ \* PREAUTH .*
C: a notify set (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange MailboxName))
S: a OK NOTIFY completed.
sh: printf 'a CREATE NewMailbox\r\nb LOGOUT\r\n' | imap >/dev/null
S: * LIST (\HasNoChildren) "." NewMailbox
sh: printf 'a RENAME NewMailbox Newer\r\nb LOGOUT\r\n' | imap >/dev/null
S: * LIST (\HasNoChildren) "." Newer ("OLDNAME" (NewMailbox))
sh: printf 'a SUBSCRIBE Newer\r\nb LOGOUT\r\n' | imap >/dev/null
S: * LIST (\Subscribed \HasNoChildren) "." Newer
sh: printf 'a DELETE Newer\r\nb LOGOUT\r\n' | imap >/dev/null
S: * LIST (\NonExistent \Subscribed \HasNoChildren) "." Newer
--- RFC 6154 5.2 SETMETADATA of a special use, 5.3 LIST
setup: mkdir -p Maildir/.SavedDrafts/cur
S+ \* PREAUTH .*
C: t1 GETMETADATA "SavedDrafts" /private/specialuse
S: * METADATA SavedDrafts (/private/specialuse NIL)
S: t1 OK GETMETADATA completed.
C: t2 SETMETADATA "SavedDrafts" (/private/specialuse "\\Drafts")
S: t2 OK SETMETADATA completed.
C: t3 GETMETADATA "SavedDrafts" /private/specialuse
S: * METADATA SavedDrafts (/private/specialuse "\\Drafts")
S: t3 OK GETMETADATA completed.
C: t4 LIST (SPECIAL-USE) "" "*"
S: * LIST (\UnMarked \Drafts) "." SavedDrafts
S: t4 OK LIST completed.
C: t5 LIST "" "%" RETURN (SPECIAL-USE)
S: * LIST (\UnMarked) "." INBOX
S: * LIST (\UnMarked \Drafts) "." SavedDrafts
S: t5 OK LIST completed.
C: t6 CREATE Everything (USE (\All))
S~ t6 OK \[MAILBOXID \(\w+\)\] CREATE completed\.
