#!tests/transcript
# QUOTA (RFC 9208).
env: MAILDIR=$T/Maildir
env: QUOTA_RULE=*:bytes=2048:messages=3
run: imap
setup: mkdir -p Maildir/cur Maildir/new Maildir/tmp
setup: printf 'Subject: x\n\ny\n' >Maildir/cur/1.M1.x:2,S
--- 4.1.1, 4.1.2: the root of every mailbox, there or not, and its use
S+ \* PREAUTH .*
C: G0002 GETQUOTAROOT INBOX
S: * QUOTAROOT INBOX "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 1 3)
S: G0002 OK GETQUOTAROOT completed.
C: G0001 GETQUOTA "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 1 3)
S: G0001 OK GETQUOTA completed.
C: a GETQUOTAROOT "not there"
S: * QUOTAROOT "not there" "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 1 3)
S: a OK GETQUOTAROOT completed.
C: b GETQUOTA ""
S: b NO [NONEXISTENT] No such quota root.
C: c GETQUOTA
S~ c BAD .*
C: d GETQUOTAROOT INBOX x
S~ d BAD .*
--- 4.1.3: SETQUOTA is the administrator's
S+ \* PREAUTH .*
C: S0001 SETQUOTA "User quota" (STORAGE 510)
S: S0001 NO [NOPERM] Quotas are set by the administrator.
C: S0002 SETQUOTA "" ()
S: S0002 NO [NOPERM] Quotas are set by the administrator.
C: S0003 SETQUOTA "" (STORAGE 9223372036854775808)
S: S0003 BAD SETQUOTA: Number too large.
C: S0004 SETQUOTA "" (STORAGE x)
S: S0004 BAD SETQUOTA: Number expected.
--- 4.3.1: OVERQUOTA of APPEND and COPY
S+ \* PREAUTH .*
C: a APPEND INBOX {3000}
S: a NO [OVERQUOTA] The mailbox is full.
C: b APPEND INBOX {3+}
C! abc\r\n
S~ b OK \[APPENDUID .*
C: c SELECT INBOX
S+ c OK .*
C: d COPY 1:2 INBOX
S: d NO [OVERQUOTA] The mailbox is full.
C: e GETQUOTA "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 2 3)
S: e OK GETQUOTA completed.
C: f COPY 1 INBOX
S+ f OK \[COPYUID .*
C: g GETQUOTA "User quota"
S: * QUOTA "User quota" (STORAGE 1 2 MESSAGE 3 3)
S: g OK GETQUOTA completed.
--- 4.2.1: no limit, an empty list
env: QUOTA_RULE=*:bytes=0
S+ \* PREAUTH .*
C: a GETQUOTAROOT INBOX
S: * QUOTAROOT INBOX "User quota"
S: * QUOTA "User quota" ()
S: a OK GETQUOTAROOT completed.
--- rules of folders, and a warning
env: QUOTA_RULE=*:messages=4
env: QUOTA_RULE2=Trash:ignore
env: QUOTA_RULE3=Big:messages=+5
env: POSTERN_DIR=$T
env: USER=alice@example.test
setup: mkdir -p etc Maildir/.Trash/cur Maildir/.Trash/new Maildir/.Trash/tmp Maildir/.Big/cur Maildir/.Big/new Maildir/.Big/tmp
setup: echo mx.example.test >etc/me; echo 75 >etc/quota-warnings
S+ \* PREAUTH .*
C: a GETQUOTAROOT Trash
S: * QUOTAROOT Trash "User quota"
S: * QUOTA "User quota" (MESSAGE 1 4)
S: a OK GETQUOTAROOT completed.
C: b APPEND Trash {3+}
C! abc\r\n
S~ b OK \[APPENDUID .*
C: c APPEND INBOX {3+}
C! abc\r\n
S~ c OK \[APPENDUID .*
C: d GETQUOTA "User quota"
S: * QUOTA "User quota" (MESSAGE 2 4)
S: d OK GETQUOTA completed.
C: e APPEND Big {3+}
C! abc\r\n
S~ e OK \[APPENDUID .*
C: f SELECT INBOX
S+ f OK .*
C: g FETCH 3 BODY[HEADER]
S+ Auto-Submitted: auto-generated
S+ g OK .*
C: h GETQUOTA "User quota"
S: * QUOTA "User quota" (MESSAGE 4 4)
S: h OK GETQUOTA completed.
C: i COPY 1 INBOX
S: i NO [OVERQUOTA] The mailbox is full.
C: j COPY 1 Trash
S~ j OK \[COPYUID .*
C: k COPY 1 Big
S~ k OK \[COPYUID .*
C: l MOVE 1 Trash
S+ l OK .*
C: m GETQUOTA "User quota"
S: * QUOTA "User quota" (MESSAGE 4 4)
S: m OK GETQUOTA completed.
C: n SELECT Trash
S+ n OK .*
C: o MOVE 1 INBOX
S: o NO [OVERQUOTA] The mailbox is full.
C: p MOVE 1 Big
S+ p OK .*
C: q STORE 1 +FLAGS.SILENT (\Deleted)
S+ q OK .*
C: r EXPUNGE
S+ r OK .*
C: s GETQUOTA "User quota"
S: * QUOTA "User quota" (MESSAGE 5 4)
S: s OK GETQUOTA completed.
C: t RENAME Trash Waste
S+ t OK .*
C: u GETQUOTA "User quota"
S: * QUOTA "User quota" (MESSAGE 6 4)
S: u OK GETQUOTA completed.
C: v DELETE Big
S+ v OK .*
C: w GETQUOTA "User quota"
S: * QUOTA "User quota" (MESSAGE 3 4)
S: w OK GETQUOTA completed.
