# Sourced by scripts/try: mail is sent through the instance and read back, by curl and openssl.

# The first line from ADDRESS:PORT, in clear through STARTTLS of PROTOCOL, or behind TLS.
greeting() { # ADDRESS:PORT PROTOCOL
	if [ -n "$2" ]; then
		openssl s_client -connect "$1" -starttls "$2" </dev/null >/dev/null 2>&1
	else
		# Taking leave in both languages ends the connection at once.
		printf 'QUIT\r\nq LOGOUT\r\n' | timeout 10 openssl s_client -quiet -connect "$1" 2>/dev/null |
			grep -qE '^(220|\+OK|\* OK)'
	fi
}

password_of() { sed -n "s/^$1 //p" "$dir/passwords"; }

message() { # FROM TO SUBJECT
	printf 'From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nIt works.\r\n' "$1" "$2" "$3"
}

send() { # FROM TO SUBJECT: through submission with TLS
	message "$1" "$2" "$3" | curl -sS --max-time 30 -k --ssl-reqd --url "smtp://127.0.0.1:$((base + 587))/mail.example.test" \
		--user "$1:$(password_of "$1")" --mail-from "$1" --mail-rcpt "$2" --upload-file - ||
		die 111 "unable to send from $1 to $2 through port $((base + 587)): see $dir/log"
}

show() { # TITLE COMMAND...: the lines that matter, indented
	say "$1"
	shift
	"$@" | tr -d '\r' | grep -E '^(Return-Path|Delivered-To|Received|From|To|Subject|It works)' | sed 's/^/     | /'
}

curl_read() { curl -sS --max-time 30 -k --user "$1:$(password_of "$1")" "$2"; }

second_received() { grep -qs 'It works' "$dir"/second/mail/second.test/carol/Maildir/new/* 2>/dev/null; }

# A second mail host on 127.0.0.2: only SMTP and local delivery.
second_host() {
	_first=$dir
	make_instance "$dir/second" mail.second.test second.test
	echo 127.0.0.2 | default_setting listen
	echo "$base" | replace "$dir/etc/port-base"
	printf '%s\n' smtp lmtp spool relay mda-remote tls | default_setting services
	account carol@second.test
	compile_tables
	[ "$(id -u)" != 0 ] || chown "$owner" "$dir"/etc/* "$dir/passwords"
	start_instance
	dir=$_first
	export POSTERN_DIR="$dir"
}

demonstrate() {
	subject="first message"
	say "alice sends bob a message (submission, STARTTLS, port $((base + 587)))"
	send "alice@$domain" "bob@$domain" "$subject"
	show "bob reads it over POP3 with TLS (port $((base + 995)))" \
		curl_read "bob@$domain" "pop3s://127.0.0.1:$((base + 995))/1"
	show "bob reads it over IMAP with TLS (port $((base + 993)))" \
		curl_read "bob@$domain" "imaps://127.0.0.1:$((base + 993))/INBOX;MAILINDEX=1"
	say "starting a second mail host, second.test, on 127.0.0.2"
	second_host
	say "alice sends carol@second.test a message: it goes through the spool and mda-remote"
	send "alice@$domain" carol@second.test "to another server"
	eventually second_received || {
		echo "$prog: fatal: the message has not reached second.test; $dir/log/mda-remote/current says:" >&2
		tail -n 5 "$dir/log/mda-remote/current" >&2
		return 1
	}
	show "and lies in her Maildir there" cat "$dir"/second/mail/second.test/carol/Maildir/new/*
}

how_to_connect() {
	cat <<EOF

Point a mail client at it (accept the self-signed certificate):
  IMAP       127.0.0.1 port $((base + 993)) TLS, or port $((base + 143)) STARTTLS
  POP3       127.0.0.1 port $((base + 995)) TLS, or port $((base + 110)) STARTTLS
  SMTP       127.0.0.1 port $((base + 465)) TLS, or port $((base + 587)) STARTTLS
  Sieve      127.0.0.1 port $((base + 4190)) STARTTLS (ManageSieve: the rules for your mail)
  alice@$domain  $(password_of "alice@$domain")
  bob@$domain    $(password_of "bob@$domain")

More accounts: scripts/postern-user -i $dir add NAME@$domain
What happened to a message: scripts/postern-trace -i $dir bob@$domain
Logs: $dir/log   Interrupt (Ctrl-C) to stop.
EOF
}
