# Sourced by the administration scripts: what they share.
# POSIX sh, so "local" is avoided: variables of functions begin with an underscore.

prog=${0##*/}
export LC_ALL=C # tables are octets, whatever the locale
POSTERN_DEFAULT_DIR=/var/lib/postern

die() { # CODE WORDS...
	_code=$1
	shift
	echo "$prog: fatal: $*" >&2
	exit "$_code"
}

warn() { echo "$prog: warning: $*" >&2; }

# Sets dir to the instance: the argument of -i, else POSTERN_DIR, else the installed one.
instance() {
	dir=${1:-${POSTERN_DIR:-$POSTERN_DEFAULT_DIR}}
	[ -d "$dir/etc" ] || die 100 "$dir is not an instance (no etc/ in it): make one with postern-init or scripts/try"
	dir=$(cd "$dir" && pwd -P)
	export POSTERN_DIR="$dir"
	[ -x "$dir/bin/postern-tables" ] && PATH="$dir/bin:$PATH"
	export PATH
	command -v postern-tables >/dev/null || die 111 "unable to find the program postern-tables in PATH"
}

setting() { # NAME DEFAULT: first line of etc/NAME
	_line=
	if [ -f "$dir/etc/$1" ]; then
		read -r _line <"$dir/etc/$1" || [ -n "$_line" ] || :
	fi
	echo "${_line:-$2}"
}

owner_of() { stat -c %u:%g "$1"; }

# Runs a command as UID:GID when that is somebody else.
as_owner() {
	_who=$1
	shift
	if [ "${_who%%:*}" = "$(id -u)" ]; then
		"$@"
	else
		s6-applyuidgid -u "${_who%%:*}" -g "${_who#*:}" -G '' "$@"
	fi
}

# Replaces FILE by standard input: whole or not at all, with the old owner and mode (or MODE).
replace() { # FILE [MODE]
	_new=$(mktemp "$1.XXXXXX") || return 111
	if cat >"$_new" && chmod "$([ -e "$1" ] && stat -c %a "$1" || echo "${2:-644}")" "$_new"; then
		[ "$(id -u)" != 0 ] || chown "$(owner_of "$([ -e "$1" ] && echo "$1" || dirname "$1")")" "$_new"
		sync "$_new" 2>/dev/null || sync
		mv -f "$_new" "$1" && return 0
	fi
	rm -f "$_new"
	return 111
}

# One administration command at a time; the lock goes with the process.
lock() {
	exec 9>"$dir/etc/.lock" || die 111 "unable to open $dir/etc/.lock"
	timeout 30 flock 9 || die 111 "another administration command holds $dir/etc/.lock"
}

# Prints an address, or "@domain", as tables have it.
as_key() { postern-tables -a "$1" || exit; }

# ADDRESS, as as_key printed it, is what an account may be called.
check_address() {
	case $(printf %s "$1" | tr -d '\200-\377') in
	*[!a-z0-9._+=@-]* | -*) die 100 "not an address: $1" ;;
	esac
	case $1 in
	*@*@* | @* | *@ | .* | *..*) die 100 "not an address: $1" ;;
	*@*) ;;
	*) die 100 "not an address: $1 (local@domain)" ;;
	esac
}

# The table's entry with this key: 0 if there is one.
has_key() { # TABLE KEY
	[ -f "$dir/etc/$1" ] && awk -v k="$2" '{ i = index($0, ":"); s = i ? substr($0, 1, i - 1) : $0
		sub(/[ \t]+$/, "", s); if (tolower(s) == k) found = 1 } END { exit !found }' "$dir/etc/$1"
}

# Prints the table without the entry KEY (and its continuation lines).
without_key() { # TABLE KEY
	[ ! -f "$dir/etc/$1" ] || awk -v k="$2" '/^[ \t]/ && cut { next } { cut = 0
		i = index($0, ":"); s = i ? substr($0, 1, i - 1) : $0; sub(/[ \t]+$/, "", s)
		if (tolower(s) == k) { cut = 1; next } print }' "$dir/etc/$1"
}

random_password() {
	head -c 15 /dev/urandom | base64 | tr '+/' 'xy'
}

# Tries COMMAND until it succeeds, for at most 30 seconds: what it waits for comes by itself.
eventually() {
	_tries=0
	until "$@"; do
		_tries=$((_tries + 1))
		[ $_tries -lt 300 ] || return 1
		sleep 0.1
	done
}
