#!tests/transcript
# managesieve-login: who may not send passwords in clear is offered no mechanism (RFC 5804 1.7 and 5).
run: managesieve-login $ROOT/tests/login/checkpassword plain $ROOT/tests/login/session
env: TCPREMOTEIP=192.0.2.7
env: UID=12345
env: GID=12345
setup: echo 0 >etc/login-delay
--- from elsewhere, in clear
S: "IMPLEMENTATION" "postern"
S~ "SIEVE" ".*"
S: "SASL" ""
S+ OK .*
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
S: NO (ENCRYPT-NEEDED) "Passwords in clear need TLS first"
C: AUTHENTICATE "PLAIN"
S: NO (ENCRYPT-NEEDED) "Passwords in clear need TLS first"
C! AUTHENTICATE "PLAIN" {20+}\r\nAGFsaWNlAHNlY3JldA==\r\n
S: NO (ENCRYPT-NEEDED) "Passwords in clear need TLS first"
--- from elsewhere, under TLS
env: SSL_PROTOCOL=TLSv1.3
S: "IMPLEMENTATION" "postern"
S~ "SIEVE" ".*"
S: "SASL" "PLAIN LOGIN"
S+ OK .*
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
S~ - OK AUTHENTICATE USER=alice POSTERN_MECHANISM=PLAIN SSL_PROTOCOL=TLSv1.3 .*
--- from a network that the setting names
setup: echo 192.0.2.0/29 >etc/cleartext-networks
S+ "SASL" "PLAIN LOGIN"
S+ OK .*
C: AUTHENTICATE "PLAIN" "AGFsaWNlAHNlY3JldA=="
S~ - OK .*
--- from beside that network
setup: echo 192.0.2.8/29 >etc/cleartext-networks
S+ "SASL" ""
S+ OK .*
