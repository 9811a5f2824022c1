# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Which JDK of the stack: the oldest that is as new as what the app asks for, since a newer Java runs and compiles what was written for an
# older one; without a word the newest. A Gradle of the wrapper's may not run on the newest.

# The versions of Java in Debian VERSION_ID that are kept for long, in order.
javas_of_debian() {
	case $1 in
	12) echo 17 ;;
	13) echo 21 25 ;;
	esac
}

debian_version() { sed -nE 's/^VERSION_ID="?([0-9]+).*/\1/p' /etc/os-release; }

# of_java KIND FIELD: of the lines of version.pl in $asked. Of "code" it is the newest, of "set" the first.
of_java() {
	if [[ $1 == code ]]; then
		awk -F '\t' '$1 == "code" && $3 > most + 0 { most = $3; line = $0 } END { print line }' <<<"$asked" | cut -f"$2"
	else
		awk -F '\t' -v kind="$1" '$1 == kind' <<<"$asked" | sed -n 1p | cut -f"$2"
	fi
}

# choose_java: sets `java` to the major version; or `refusal` to a sentence. `java_where` and `java_asked` say what asked for it.
choose_java() {
	local asked version limit limit_where debian other
	asked=$(perl "$pack_dir/version.pl" .)
	debian=$(debian_version) refusal='' java=''
	java_where=$(of_java set 2) java_asked=$(of_java set 3)
	[[ -n $java_asked ]] || java_where=$(of_java code 2) java_asked=$(of_java code 3)
	limit=$(of_java gradle 3) limit_where=$(of_java gradle 2)
	[[ ! -f pom.xml ]] || limit=''
	for version in $(javas_of_debian "$debian"); do
		((version >= ${java_asked:-0} && version <= ${limit:-99})) || continue
		java=$version
		# With a word the oldest that fits, else the newest.
		[[ -z $java_asked ]] || break
	done
	[[ -z $java ]] || return 0
	for other in 13 12; do
		for version in $(javas_of_debian $other); do
			((version >= ${java_asked:-0} && version <= ${limit:-99})) && [[ $other != "$debian" ]] || continue
			refusal="the stack debian-$other has Java $version (twelve stack:set debian-$other)."
			break 2
		done
	done
	if ((${java_asked:-0} > $(javas_of_debian "$debian" | awk '{ print $NF }'))); then
		refusal="$java_where asks for Java $java_asked, and this stack (Debian $debian) has $(javas_of_debian "$debian" | sed 's/ / and /'): ${refusal:-"ask for one of these there."}"
	else
		refusal="$limit_where names a Gradle that runs on Java $limit at most, and this stack (Debian $debian) has $(javas_of_debian "$debian" | sed 's/ / and /'): raise it (gradle wrapper --gradle-version 8.14.3), or ${refusal:-"choose another stack (twelve stack:set)."}"
	fi
}

java_home() {
	local dir
	for dir in /usr/lib/jvm/java-"$1"-openjdk-*; do
		[[ -x $dir/bin/javac ]] && printf '%s' "$dir" && return 0
	done
	fail "Java $1 is not where its package has it (/usr/lib/jvm): the stack is broken, \"twelve stacks\" names it."
}
