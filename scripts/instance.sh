# Sourced: makes an instance directory. What is there already is left as it is, so running it again
# changes nothing that an administrator changed.

# Writes standard input to etc/NAME unless it exists.
default_setting() { # NAME [MODE]
	if [ -e "$dir/etc/$1" ]; then
		cat >/dev/null
	else
		replace "$dir/etc/$1" "${2:-644}" || die 111 "unable to write $dir/etc/$1"
	fi
}

make_directories() { # DIR: sets dir
	umask 022
	mkdir -p "$1/etc/tls" "$1/etc/auth" "$1/mail" "$1/spool" "$1/state" "$1/run/tmp" "$1/log" || die 111 "unable to make $1"
	dir=$(cd "$1" && pwd -P)
	chmod 700 "$dir/etc/tls" "$dir/etc/auth" "$dir/state" "$dir/run/tmp" "$dir/spool"
	export POSTERN_DIR="$dir"
}

# A certificate that nobody has to trust, until the administrator has a better one.
self_signed() { # HOST [MORE-SAN...]
	[ ! -e "$dir/etc/tls/key.pem" ] || return 0
	san=DNS:$1
	shift
	for more in "$@"; do san=$san,$more; done
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
		-addext "subjectAltName=$san" -subj "/CN=$(echo "${san#DNS:}" | cut -d, -f1)" \
		-keyout "$dir/etc/tls/key.pem" -out "$dir/etc/tls/cert.pem") 2>/dev/null ||
		die 111 "unable to make a certificate with openssl"
	chmod 644 "$dir/etc/tls/cert.pem"
}

basic_settings() { # HOST DOMAIN...
	# Accounts of a new instance all get SCRAM keys; older ones may have none.
	[ -e "$dir/etc/users" ] || echo yes | default_setting sasl-scram
	echo "$1" | default_setting me
	shift
	for _domain in "$@"; do echo "$_domain:"; done | default_setting domains
	default_setting users 600 </dev/null
	default_setting aliases </dev/null
}

compile_tables() {
	postern-tables users domains aliases routes sender-routes tls-policy relay-domains relay-recipients senders certificates || exit
}
