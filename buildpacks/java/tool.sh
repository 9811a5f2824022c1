# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A build tool's own distribution: what the app's wrapper names, fetched and checked as the wrapper would. The wrapper's script is not
# run, since it may have lost its mode or have the line ends of Windows, and brings a program of its own.

# property FILE NAME: of a Java properties file.
property() {
	[[ -f $1 ]] || return 0
	LC_ALL=C sed -nE -e $'1s/^\xef\xbb\xbf//' -e 's/\r$//' -e "s/^[[:space:]]*$2[[:space:]]*[=:][[:space:]]*//p" "$1" | sed -e 's/\\:/:/g' -e 's/\\=/=/g' | tail -n 1
}

# fetch_tool KIND URL SUM NAMED: sets tool_dir to where the archive at URL is unpacked. SUM is of sha256 or sha512, or empty; NAMED is where a person can change it.
fetch_tool() {
	local kind=$1 url=$2 sum=$3 named=$4 key entry file=$SCRATCH/tool.archive top
	key=$(digest "$kind" "$url" "$sum" </dev/null)
	entry=$cache_dir/$kind/$key
	if [[ -f $entry/list ]] && tree_list "$entry/tree" 2>/dev/null | cmp -s - "$entry/list"; then
		tool_dir=$entry/tree
		return 0
	fi
	detail "Fetching $url"
	curl -fsSL --retry 2 --connect-timeout 20 -o "$file" "$url" 2>"$SCRATCH/curl.log" ||
		fail "$named names $url, which cannot be fetched ($(sed -E 's/^curl: \([0-9]+\) //' "$SCRATCH/curl.log" | tail -n 1)): look at the proxy and certificate settings of the platform, or have its operator name a mirror ($mirror_variable)."
	check_sum "$file" "$sum" || fail "What $url gave is not what $named says (its checksum is another): it was changed there, or the checksum is wrong."
	rm -rf "$SCRATCH/unpacked"
	mkdir "$SCRATCH/unpacked"
	case $url in
	*.zip) unzip -q "$file" -d "$SCRATCH/unpacked" ;;
	*) tar -xzf "$file" -C "$SCRATCH/unpacked" --no-same-owner ;;
	esac || fail "What $url gave, which $named names, is no archive."
	rm -f "$file"
	top=$(find "$SCRATCH/unpacked" -mindepth 1 -maxdepth 1 -type d | sed -n 1p)
	cache_store "$cache_dir" "$kind" "$key" "${top:-$SCRATCH/unpacked}"
	tool_dir=$entry/tree
	[[ -d $tool_dir ]] || tool_dir=$top
}

check_sum() {
	case ${#2} in
	0) ;;
	64) sha256sum -c --status <<<"$2  $1" ;;
	128) sha512sum -c --status <<<"$2  $1" ;;
	*) return 1 ;;
	esac
}

# What curl trusts, for the JVM: Maven and Gradle reach what git and curl reach.
provide_trust() {
	local bundle=/etc/ssl/certs/ca-certificates.crt key store=$SCRATCH/trust
	trust=()
	[[ -s $bundle ]] || return 0
	key=$(digest trust "$VERSION" <"$bundle")
	if ! cache_restore "$cache_dir" trust "$key" "$store"; then
		mkdir -p "$store"
		"$JAVA_HOME/bin/java" "$pack_dir/TrustStore.java" "$bundle" "$store/trust.p12" >"$SCRATCH/trust.log" 2>&1 || {
			warning "The machine's certificates cannot be read by Java, and the stack's are used: $(tail -n 1 "$SCRATCH/trust.log")"
			return 0
		}
		cache_store "$cache_dir" trust "$key" "$store"
	fi
	trust=("-Djavax.net.ssl.trustStore=$store/trust.p12" -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit)
}

# proxy_of VARIABLE...: "HOST PORT USER PASSWORD" of the first that is set, one a line.
proxy_of() {
	local name value
	for name in "$@"; do
		value=$(printenv "$name" || true)
		[[ -n $value ]] || continue
		perl -e '
			my ($user, $password, $host, $port) = $ARGV[0] =~ m{^(?:\w+://)?(?:([^:/@]*)(?::([^/@]*))?@)?([^:/]+)(?::(\d+))?} or exit;
			s/%([0-9A-Fa-f]{2})/chr hex $1/ge for grep { defined } $user, $password;
			print join("\n", $host, $port || 80, $user // "", $password // ""), "\n"' "$value"
		return 0
	done
}

# The JVM does not read the variables of proxies: sets `proxies` to properties of it.
provide_proxies() {
	local scheme host port user password hosts
	proxies=()
	for scheme in http https; do
		{ read -r host && read -r port && read -r user && read -r password; } < <(proxy_of "${scheme}_proxy" "${scheme^^}_PROXY") || continue
		proxies+=("-D$scheme.proxyHost=$host" "-D$scheme.proxyPort=$port")
		[[ -z $user ]] || proxies+=("-D$scheme.proxyUser=$user" "-D$scheme.proxyPassword=$password" -Djdk.http.auth.tunneling.disabledSchemes=)
	done
	((${#proxies[@]})) || return 0
	hosts=$({ printenv no_proxy || printenv NO_PROXY || true; } | sed -E 's/ //g; s/(^|,)\./\1*./g; s/,/|/g')
	[[ -z $hosts ]] || proxies+=("-Dhttp.nonProxyHosts=$hosts")
}

# first_error LOG: of a compiler of Java or Kotlin, with the path in the app.
first_error() {
	sed -nE -e 's/^\[ERROR\] (file:\/\/)?\/app\/([^ :]+):\[?([0-9]+)[],:0-9]* *(error: )?(.*)/\2:\3: \5/p' -e 's/^(e: (file:\/\/)?)?\/app\/([^ :]+):([0-9]+)(:[0-9]+)?:? (error: )?(.*)/\3:\4: \7/p' "$1" | sed -n 1p
}

unreachable() {
	sed -nE -e "s/.*(Could not transfer artifact|Could not transfer metadata) .* from\/to [^ ]+ \(([^)]+)\): .*(Unknown ?[Hh]ost|Connect|timed out|PKIX|No route|Name or service|name resolution|SSL|handshake|[Ss]tatus code: (407|5)|Remote host terminated).*/\2/p" \
		-e "s/.*Could not (GET|HEAD|download) '([^']+)'.*/\2/p" "$1" | sed -n 1p
}

# A secret in an address is nobody's to read.
shown() { sed -E 's#://[^/@]*@#://#' <<<"$1"; }
