#!tests/transcript
# managesieve: its limits, each with its own reply (RFC 5804 1.3 and 1.5), its deadlines, and its ends.
run: managesieve
env: HOME=$T/home
env: USER=alice@example.test
setup: mkdir $T/home
--- scripts (QUOTA/MAXSCRIPTS)
setup: echo 2 >etc/managesieve-max-scripts
S+ OK .*
C! PUTSCRIPT "a" "keep;"\r\nPUTSCRIPT "b" "keep;"\r\n
S: OK "Script stored"
S: OK "Script stored"
C: PUTSCRIPT "c" "keep;"
S: NO (QUOTA/MAXSCRIPTS) "Too many scripts"
C: HAVESPACE "c" 5
S: NO (QUOTA/MAXSCRIPTS) "Too many scripts"
C: HAVESPACE "b" 5
S: OK "There is room for it"
C: PUTSCRIPT "b" "stop;"
S: OK "Script stored"
C: RENAMESCRIPT "a" "c"
S: OK "Script renamed"
--- size of one (QUOTA/MAXSIZE): the connection goes on behind it
setup: echo 20 >etc/sieve-max-script-size
S+ OK .*
C! PUTSCRIPT "a" {20+}\r\nkeep;keep;keep;keep;\r\n
S: OK "Script stored"
C! PUTSCRIPT "a" {21+}\r\nkeep;keep;keep;keep;\n\r\n
S: NO (QUOTA/MAXSIZE) "Script too large"
C: HAVESPACE "a" 20
S: OK "There is room for it"
C: HAVESPACE "a" 21
S: NO (QUOTA/MAXSIZE) "Script too large"
C: GETSCRIPT "a"
S: {20}
S: keep;keep;keep;keep;
S: OK "GETSCRIPT completed"
--- a literal beyond all room is dropped, not taken for commands
run: sh -c '(printf "PUTSCRIPT \"x\" {40000+}\\r\\n"; yes LOGOUT | head -c 40000; printf "\\r\\nCHECKSCRIPT {50000+}\\r\\n"; yes LOGOUT | head -c 50000; printf "\\r\\nNOOP \"after\"\\r\\n"; cat) | managesieve'
setup: echo 20 >etc/sieve-max-script-size
S+ OK .*
S: NO (QUOTA/MAXSIZE) "Script too large"
S: NO (QUOTA/MAXSIZE) "Script too large"
S: OK (TAG "after") "Done"
--- one far beyond ends the connection
S+ OK .*
C: PUTSCRIPT "x" {67108865+}
S: BYE (QUOTA/MAXSIZE) "Literal far too large"
EOF
--- a size that no number holds
S+ OK .*
C: PUTSCRIPT "x" {99999999999999999999999+}
S: BYE (QUOTA/MAXSIZE) "Literal far too large"
EOF
--- all scripts together (QUOTA)
setup: echo 12 >etc/managesieve-max-storage
S+ OK .*
C! PUTSCRIPT "a" "keep;"\r\nPUTSCRIPT "b" "keep;"\r\n
S: OK "Script stored"
S: OK "Script stored"
C: PUTSCRIPT "c" "keep;"
S: NO (QUOTA) "Scripts take too much space together"
C: PUTSCRIPT "b" "keep;  "
S: OK "Script stored"
C: PUTSCRIPT "b" "keep;   "
S: NO (QUOTA) "Scripts take too much space together"
--- a line
run: sh -c '(printf "NOOP \""; head -c 9000 /dev/zero | tr "\\0" x; printf "\"\\r\\n"; cat) | managesieve'
S+ OK .*
S: BYE "Line too long"
--- a tag
run: sh -c '(printf "NOOP \""; head -c 1025 /dev/zero | tr "\\0" x; printf "\"\\r\\nNOOP \""; head -c 1024 /dev/zero | tr "\\0" x; printf "\"\\r\\n"; cat) | managesieve'
S+ OK .*
S: NO "Tag too long"
S~ OK \(TAG "x{1024}"\) "Done"
--- errors
run: sh -c '(yes | head -n 120; cat) | managesieve'
S+ OK .*
S: NO "No such command"
S+ BYE "Too many errors"
--- no command for too long (RFC 5804 1.1)
setup: echo 1 >etc/managesieve-timeout
S+ OK .*
S: BYE "No command for too long"
EOF
END
EXIT 0
--- a command that does not end
setup: echo 1 >etc/managesieve-read-timeout
S+ OK .*
C! NOO
S: BYE "No command for too long"
EOF
--- a literal that does not end
setup: echo 1 >etc/managesieve-read-timeout
S+ OK .*
C! PUTSCRIPT "x" {5+}\r\nke
S: BYE "No command for too long"
EOF
--- shutdown
run: sh -c 'echo $$ >pid; exec managesieve'
S+ OK .*
C: PUTSCRIPT "a" "keep;"
S: OK "Script stored"
sh: kill -TERM $(cat pid)
S: BYE (TRYLATER) "Server is shutting down"
EOF
END
EXIT 0
--- another session at work
run: sh -c 'mkdir -p home/sieve; flock home/sieve sh -c "echo >locked; cat gate >/dev/null" & while [ ! -e locked ]; do :; done; exec managesieve'
setup: mkfifo gate
S+ OK .*
C: PUTSCRIPT "a" "keep;"
sh: exec 3>gate
S: OK "Script stored"
--- another session that does not end
run: sh -c 'mkdir -p home/sieve; flock home/sieve sh -c "echo >locked; cat gate >/dev/null" & while [ ! -e locked ]; do :; done; exec managesieve'
setup: mkfifo gate; echo 1 >etc/managesieve-read-timeout
S+ OK .*
C: PUTSCRIPT "a" "keep;"
S: NO (TRYLATER) "Another session is at work on the scripts"
C: LISTSCRIPTS
S: OK "LISTSCRIPTS completed"
sh: exec 3>gate
C: PUTSCRIPT "a" "keep;"
S: OK "Script stored"
--- the login command's answer (RFC 5804 2.1), and what came behind it
env: POSTERN_SESSION_START=- AUTHENTICATE Tk9PUCAieCINCk5PT1A=
S: OK "Logged in"
S: OK (TAG "x") "Done"
C: 
S: OK "NOOP completed"
--- the same with the mechanism's last words
env: POSTERN_SESSION_START=dj1hYmM= AUTHENTICATE 
S: OK (SASL "dj1hYmM=") "Logged in"
C: NOOP
S: OK "NOOP completed"
--- referral of a user, a domain, and nobody (RFC 5804 1.3)
setup: printf 'alice@example.test: other.example.test:4190\n@example.org: sieve.example.org\n' >etc/managesieve-referrals
S: BYE (REFERRAL sieve://other.example.test:4190) "Scripts of this user are elsewhere"
EOF
END
EXIT 0
--- referral of a domain
setup: printf '@example.test: sieve.example.org\n' >etc/managesieve-referrals
S: BYE (REFERRAL sieve://sieve.example.org) "Scripts of this user are elsewhere"
EOF
--- referral of others
setup: printf 'bob@example.test: sieve.example.org\n' >etc/managesieve-referrals
S: "IMPLEMENTATION" "postern"
--- a bad setting
setup: echo none >etc/managesieve-max-scripts
EOF
EXIT 100
