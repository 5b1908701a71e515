#!tests/transcript
# imap-login: every row of its table, in clear from loopback, and what is no command.
run: imap-login $TESTS/checkpassword plain $TESTS/session
env: TESTS=$ROOT/tests/login
env: UID=12345
env: GID=12345
setup: echo 0 >etc/login-delay
--- greeting and CAPABILITY (RFC 3501 6.1.1)
S: * OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID AUTH=PLAIN AUTH=LOGIN] postern ready
C: a1 CAPABILITY
S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID AUTH=PLAIN AUTH=LOGIN
S: a1 OK CAPABILITY completed
C: a2 CAPABILITY now
S: a2 BAD This command takes no arguments
C: a3 capability
S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL- SASL-IR ID AUTH=PLAIN AUTH=LOGIN
S: a3 OK CAPABILITY completed
--- NOOP (RFC 3501 6.1.2)
S+ .*ready
C: x NOOP
S: x OK NOOP completed
C: x NOOP please
S: x BAD This command takes no arguments
--- LOGOUT (RFC 3501 6.1.3)
S+ .*ready
C: bye LOGOUT now
S: bye BAD This command takes no arguments
C: bye LOGOUT
S: * BYE Logging out
S: bye OK LOGOUT completed
EOF
EXIT 0
--- ID (RFC 2971)
S+ .*ready
C: a1 ID NIL
S: * ID ("name" "postern")
S: a1 OK ID completed
C: a2 ID ("name" "sodr" "version" NIL)
S: * ID ("name" "postern")
S: a2 OK ID completed
C: a3 ID ()
S: * ID ("name" "postern")
S: a3 OK ID completed
C! a4 ID ("name" {4+}\r\nsodr "x\\"y" "\\\\")\r\n
S: * ID ("name" "postern")
S: a4 OK ID completed
C: a5 ID
S: a5 BAD Syntax: ID NIL or ID (name value ...)
C: a6 ID ("name")
S: a6 BAD Syntax: ID NIL or ID (name value ...)
C: a7 ID (NIL "x")
S: a7 BAD Syntax: ID NIL or ID (name value ...)
C: a8 ID ("a" "b") x
S: a8 BAD Syntax: ID NIL or ID (name value ...)
C: a9 ID ("a" "\b")
S: a9 BAD Syntax: ID NIL or ID (name value ...)
--- ID with too many pairs
S+ .*ready
C! a1 ID ("a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1")\r\n
S: * ID ("name" "postern")
S: a1 OK ID completed
C! a2 ID ("a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1" "a" "1")\r\n
S: a2 BAD Syntax: ID NIL or ID (name value ...)
--- STARTTLS where there is none (RFC 3501 6.2.1)
S+ .*ready
C: a1 STARTTLS
S: a1 BAD TLS is not available here
C: a2 STARTTLS x
S: a2 BAD This command takes no arguments
--- STARTTLS under TLS
env: SSL_PROTOCOL=TLSv1.3
S+ .*ready
C: a1 STARTTLS
S: a1 BAD TLS is active already
--- LOGIN with atoms (RFC 3501 6.2.3)
S+ .*ready
C: a1 LOGIN alice secret
S~ a1 OK LOGIN USER=alice POSTERN_MECHANISM=LOGIN blocking=1 bad= fds=0,1,2 id=1
C: hello
S: echo hello
C: EXIT 3
S: echo EXIT 3
EOF
EXIT 3
--- LOGIN with quoted strings
S+ .*ready
C: a1 LOGIN "al ice" "sec\"ret"
S: a1 NO [AUTHENTICATIONFAILED] Login name or password is wrong
C: a2 LOGIN "al\\\"ice" "secret"
S~ a2 OK LOGIN USER=al\\"ice .*
--- LOGIN with synchronizing literals
S+ .*ready
C: a1 LOGIN {5}
S: + OK
C: alice {6}
S: + OK
C: secret
S~ a1 OK LOGIN USER=alice .*
--- LOGIN with LITERAL+ (RFC 7888), in one packet with what follows
S+ .*ready
C! a1 LOGIN {5+}\r\nalice {6+}\r\nsecret\r\nnext\r\n
S~ a1 OK LOGIN USER=alice .*
S: echo next
--- LOGIN and a pipelined command: the session gets it
S+ .*ready
C! a1 LOGIN alice secret\r\na2 SELECT INBOX\r\na3 half
S~ a1 OK LOGIN USER=alice .*
S: echo a2 SELECT INBOX
C: way
S: echo a3 halfway
--- LOGIN syntax
S+ .*ready
C: a1 LOGIN
S: a1 BAD Syntax: LOGIN userid password
C: a2 LOGIN alice
S: a2 BAD Syntax: LOGIN userid password
C: a3 LOGIN alice secret x
S: a3 BAD Syntax: LOGIN userid password
C: a4 LOGIN  alice secret
S: a4 BAD Syntax: LOGIN userid password
C: a5 LOGIN "alice secret
S: a5 BAD Syntax: LOGIN userid password
C: a6 LOGIN (alice) secret
S: a6 BAD Syntax: LOGIN userid password
C: a7 LOGIN {5}x alice
S: a7 BAD Syntax: LOGIN userid password
--- LOGIN with what no password program may be asked
S+ .*ready
C: a1 LOGIN "" secret
S: a1 NO [AUTHENTICATIONFAILED] Login name or password is wrong
C: a2 LOGIN alice ""
S: a2 NO [AUTHENTICATIONFAILED] Login name or password is wrong
C! a3 LOGIN {7+}\r\nali\x00ice secret\r\n
S: a3 NO [AUTHENTICATIONFAILED] Login name or password is wrong
C! a4 LOGIN {7+}\r\nali\r\nce secret\r\n
S: a4 NO [AUTHENTICATIONFAILED] Login name or password is wrong
--- LOGIN: the password program fails for a time, or dies
S+ .*ready
C: a1 LOGIN temp secret
S: a1 NO [UNAVAILABLE] Passwords cannot be checked now, try again later
C: a2 LOGIN kill secret
S: a2 NO [UNAVAILABLE] Passwords cannot be checked now, try again later
C: a3 LOGIN alice secret
S~ a3 OK LOGIN .*
--- LOGIN: the password program does not answer
setup: echo 1 >etc/login-check-timeout
S+ .*ready
C: a1 LOGIN slow secret
S: a1 NO [UNAVAILABLE] Passwords cannot be checked now, try again later
S: * BYE [UNAVAILABLE] Try again later
EOF
--- LOGIN: no such password program
run: imap-login $T/nothing $TESTS/session
S+ .*ready
C: a1 LOGIN alice secret
S: a1 NO [UNAVAILABLE] Passwords cannot be checked now, try again later
--- LOGIN: too many refusals
setup: echo 3 >etc/login-attempts
S+ .*ready
C: a1 LOGIN alice 1
S: a1 NO [AUTHENTICATIONFAILED] Login name or password is wrong
C: a2 LOGIN alice 2
S: a2 NO [AUTHENTICATIONFAILED] Login name or password is wrong
C: a3 LOGIN alice 3
S: a3 NO [AUTHENTICATIONFAILED] Login name or password is wrong
S: * BYE Too many refused logins
EOF
EXIT 0
--- AUTHENTICATE PLAIN (RFC 3501 6.2.2, RFC 4616)
S+ .*ready
C: a1 AUTHENTICATE PLAIN
S: + 
C: AGFsaWNlAHNlY3JldA==
S~ a1 OK AUTHENTICATE USER=alice POSTERN_MECHANISM=PLAIN .*
--- AUTHENTICATE PLAIN with an initial response (RFC 4959), pipelined
S+ .*ready
C! a1 AUTHENTICATE PLAIN YWxpY2UAYWxpY2UAc2VjcmV0\r\nmore\r\n
S~ a1 OK AUTHENTICATE USER=alice POSTERN_MECHANISM=PLAIN .*
S: echo more
--- AUTHENTICATE LOGIN
S+ .*ready
C: a1 AUTHENTICATE login
S: + VXNlcm5hbWU6
C: YWxpY2U=
S: + UGFzc3dvcmQ6
C: c2VjcmV0
S~ a1 OK AUTHENTICATE USER=alice POSTERN_MECHANISM=LOGIN .*
--- AUTHENTICATE LOGIN with an initial response
S+ .*ready
C: a1 AUTHENTICATE LOGIN YWxpY2U=
S: + UGFzc3dvcmQ6
C: c2VjcmV0
S~ a1 OK AUTHENTICATE USER=alice .*
--- AUTHENTICATE cancelled (RFC 3501 6.2.2)
S+ .*ready
C: a1 AUTHENTICATE PLAIN
S: + 
C: *
S: a1 BAD Authentication cancelled
C: a2 AUTHENTICATE LOGIN
S: + VXNlcm5hbWU6
C: YWxpY2U=
S: + UGFzc3dvcmQ6
C: *
S: a2 BAD Authentication cancelled
C: a3 NOOP
S: a3 OK NOOP completed
--- AUTHENTICATE: syntax, mechanism, identity, wrong password
S+ .*ready
C: a1 AUTHENTICATE
S: a1 BAD Syntax: AUTHENTICATE mechanism [initial-response]
C: a2 AUTHENTICATE "PLAIN"
S: a2 BAD Syntax: AUTHENTICATE mechanism [initial-response]
C: a3 AUTHENTICATE GSSAPI
S: a3 NO No such authentication mechanism
C: a4 AUTHENTICATE PLAIN =
S: a4 BAD That is not what the mechanism expects
C: a5 AUTHENTICATE PLAIN !!!!
S: a5 BAD That is not what the mechanism expects
C: a6 AUTHENTICATE PLAIN Ym9iAGFsaWNlAHNlY3JldA==
S: a6 NO [AUTHORIZATIONFAILED] Nobody may act for another user here
C: a7 AUTHENTICATE PLAIN AGFsaWNlAHdyb25n
S: a7 NO [AUTHENTICATIONFAILED] Login name or password is wrong
C: a8 AUTHENTICATE {5}
S: a8 BAD No literal belongs there
