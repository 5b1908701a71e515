#!tests/transcript
# imap-login: what is no command, too much of it, and the end.
run: imap-login $ROOT/tests/login/checkpassword plain $ROOT/tests/login/session
env: UID=12345
env: GID=12345
setup: echo 0 >etc/login-delay
--- no tag, no verb, unknown verb, later states' verbs
S+ .*ready
C: 
S: * BAD A command begins with a tag
C: a1
S: * BAD A command begins with a tag
C: + NOOP
S: * BAD A command begins with a tag
C: a+b NOOP
S: * BAD A command begins with a tag
C: (a) NOOP
S: * BAD A command begins with a tag
C: a2  NOOP
S: a2 BAD A command begins with a tag
C: a3 XYZZY
S: a3 BAD No such command before login
C: a4 SELECT INBOX
S: a4 BAD No such command before login
C: a5 NOOPE
S: a5 BAD No such command before login
--- NULs
S+ .*ready
C! a1 NO\x00OP\r\n
S: * BAD A command must not contain NUL
C! a2 LOGIN {5+}\r\nalice se\x00ret\r\n
S: a2 BAD A command must not contain NUL
C! a3 NOOP\r\n
S: a3 OK NOOP completed
--- bare LF ends a line as well
S+ .*ready
C! a1 NOOP\na2 NOOP\r\n
S: a1 OK NOOP completed
S: a2 OK NOOP completed
--- literals that are too large
S+ .*ready
C: a1 LOGIN {1025}
S: a1 NO [TOOBIG] Literal too large
C: a2 LOGIN {99999999999999999999}
S: a2 NO [TOOBIG] Literal too large
C: a3 NOOP {3}
S: a3 BAD This command takes no arguments
C: a4 NOOP
S: a4 OK NOOP completed
C: a5 LOGIN {70000+}
S: * BYE [TOOBIG] Literal too large
EOF
EXIT 0
--- too many errors
S+ .*ready
C! 1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n
S+ \* BAD .*
C: 10
S+ \* BYE Too many errors
EOF
EXIT 0
--- the client leaves
S+ .*ready
END
EOF
EXIT 0
--- the client leaves in the middle of a literal
S+ .*ready
C: a1 LOGIN {5+}
C! al
END
EOF
EXIT 0
--- login-timeout
setup: echo 1 >etc/login-timeout
S+ .*ready
S: * BYE Login took too long
EOF
EXIT 0
--- login-timeout within a line, within a literal
setup: echo 1 >etc/login-timeout
S+ .*ready
C! a1 LOGIN {5+}\r\nali
S: * BYE Login took too long
EOF
--- shutdown
run: sh -c 'echo $$ >pid; exec imap-login $ROOT/tests/login/checkpassword plain $ROOT/tests/login/session'
S+ .*ready
sh: kill -TERM $(cat pid)
S: * BYE Server is shutting down
EOF
EXIT 0
--- shutdown passes to the session
run: sh -c 'echo $$ >pid; exec imap-login $ROOT/tests/login/checkpassword plain $ROOT/tests/login/session'
S+ .*ready
C: a1 LOGIN alice secret
S~ a1 OK LOGIN .*
sh: kill -TERM $(cat pid)
EOF
EXIT 7
--- a bad setting
setup: echo soon >etc/login-timeout
EOF
EXIT 100
