# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Maven: the wrapper's, or a current one of Maven Central; what Heroku's buildpack reads is read.
readonly MAVEN=3.9.11
readonly MAVEN_SUM=bcfe4fe305c962ace56ac7b5fc7a08b87d5abd8b7e89027ab251069faebee516b0ded8961445d6d91ec1985dfe30f8153268843c89aa392733d1a3ec956c9978
readonly RUNNER=9.0.89.0

provide_maven() {
	local wrapper=.mvn/wrapper/maven-wrapper.properties url sum mirror mirror_variable=MVNW_REPOURL named=$0
	url=$(property "$wrapper" distributionUrl) sum=$(property "$wrapper" distributionSha256Sum)
	if [[ $url == *apache-maven-*-bin.* ]]; then
		named=$wrapper
	else
		url=https://repo.maven.apache.org/maven2/org/apache/maven/apache-maven/$MAVEN/apache-maven-$MAVEN-bin.tar.gz sum=$MAVEN_SUM named="The buildpack"
	fi
	mirror=$(config_var MVNW_REPOURL)
	[[ -z $mirror || $url != */org/apache/maven/* ]] || url=${mirror%/}/org/apache/maven/${url#*/org/apache/maven/}
	maven_version=$(sed -E 's/.*apache-maven-(.*)-bin\..*/\1/' <<<"$url")
	fetch_tool maven "$url" "$sum" "$named"
	maven_home=$tool_dir
}

# Sets `settings` to the options that name a person's settings.
find_settings() {
	local url path
	settings=()
	url=$(config_var MAVEN_SETTINGS_URL) path=$(config_var MAVEN_SETTINGS_PATH)
	if [[ -n $path ]]; then
		[[ -f $path ]] || fail "MAVEN_SETTINGS_PATH is $path, which is not in the app."
		settings=(-s "$path")
	elif [[ -n $url ]]; then
		curl -fsSL --retry 2 --connect-timeout 20 -o "$SCRATCH/settings.xml" "$url" || fail "MAVEN_SETTINGS_URL could not be fetched: see above."
		settings=(-s "$SCRATCH/settings.xml")
	elif [[ -f settings.xml ]]; then
		settings=(-s settings.xml)
	fi
}

# Maven reads proxies in settings only; these are the lowest of its settings.
write_proxies() {
	local host port user password
	{ read -r host && read -r port && read -r user && read -r password; } < <(proxy_of https_proxy HTTPS_PROXY http_proxy HTTP_PROXY) || return 0
	(
		umask 077
		escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' <<<"$1"; }
		printf '<settings><proxies>'
		for scheme in http https; do
			printf '<proxy><id>%s</id><active>true</active><protocol>%s</protocol><host>%s</host><port>%s</port>' "$scheme" "$scheme" "$(escape "$host")" "$port"
			[[ -z $user ]] || printf '<username>%s</username><password>%s</password>' "$(escape "$user")" "$(escape "$password")"
			printf '<nonProxyHosts>%s</nonProxyHosts></proxy>' "$(escape "$({ printenv no_proxy || printenv NO_PROXY || true; } | sed -E 's/ //g; s/(^|,)\./\1*./g; s/,/|/g')")"
		done
		printf '</proxies></settings>'
	) >"$SCRATCH/proxies.xml"
	settings+=(-gs "$SCRATCH/proxies.xml")
}

maven() {
	local quiet=(-B -ntp)
	# That word is younger than some wrappers.
	[[ ! $maven_version =~ ^(3\.[0-5]\.|3\.6\.0) ]] || quiet=(-B)
	with_config "$maven_home/bin/mvn" "${quiet[@]}" "${settings[@]}" "-Dmaven.repo.local=$cache_dir/m2/repository" \
		"-Dproject.build.outputTimestamp=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%FT%TZ)" "$@"
}

explain_maven() {
	local log=$1 name
	! grep -q 'java.lang.OutOfMemoryError' "$log" || fail "Maven could not build the app." "The memory of the build ran out (TWELVE_BUILD_MEMORY): let the build do less at a time, or ask the operator for more."
	! ran_out_of_memory "$log" || fail_with_log "$log" "Maven could not build the app."
	name=$(unreachable "$log")
	[[ -z $name ]] || fail "$(shown "$name") cannot be reached from the build: look at the proxy and certificate settings of the platform, or name a mirror in a settings.xml (MAVEN_SETTINGS_URL)."
	name=$(sed -nE 's/.*\[(FATAL|ERROR)\] (Non-parseable POM|Malformed POM) \/app\/([^:]+): (.*)/\3: \4/p' "$log" | sed -n 1p)
	[[ -z $name ]] || fail "$name"
	name=$(sed -nE 's/.*(release version|invalid target release:|invalid source release:|target level should be in) *([0-9.]+).*/\2/p' "$log" | sed -n 1p)
	[[ -z $name ]] || fail "The pom asks for code of Java $name, which Java $java does not make: correct maven.compiler.release, or name a Java in system.properties (java.runtime.version=${name#1.})."
	name=$(first_error "$log")
	[[ -z $name ]] || fail "$name"
	name=$(sed -nE "s/.*Could not find artifact ([^ ]+) (in|\().*/\1/p" "$log" | sed -n 1p)
	[[ -z $name ]] || fail "pom.xml asks for $name, which the repositories do not have: check the name and the version, and <repositories>."
	name=$(sed -nE 's/.*Failed to execute goal ([^ ]+) .*/\1/p' "$log" | sed -n 1p)
	[[ -z $name ]] || fail_with_log "$log" "The goal $name failed: Maven's words above say why."
	fail_with_log "$log" "Maven could not build the app: its last lines above say why."
}

build_with_maven() {
	local log=$SCRATCH/maven.log goals options
	read -ra goals <<<"$(config_var MAVEN_CUSTOM_GOALS)"
	read -ra options <<<"$(config_var MAVEN_CUSTOM_OPTS)"
	((${#goals[@]})) || goals=(clean install)
	((${#options[@]})) || options=(-DskipTests)
	provide_maven
	find_settings
	write_proxies
	impose "MAVEN_OPTS=$(config_var MAVEN_OPTS) -Duser.home=$HOME ${trust[*]}"
	heading "Running Maven $maven_version: mvn ${options[*]} ${goals[*]}"
	maven "${options[@]}" "${goals[@]}" 2>&1 | tee "$log" | sed -u -E '/^\[INFO\] *(-+.*)?$/d; s/^./       &/' || explain_maven "$log"
	add_dependencies
	add_runner
	cache_limit "$cache_dir/m2" 1024
}

# A class that exec-maven-plugin would start needs the jars that Maven would have on its path.
add_dependencies() {
	[[ ! -f Procfile && -z $("$pack_dir/bin/web" . jar) && -n $("$pack_dir/bin/web" . class) ]] || return 0
	heading "Copying the jars that $("$pack_dir/bin/web" . class) needs into target/dependency"
	maven -q dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=target/dependency 2>&1 | tee "$SCRATCH/copy.log" | indent || explain_maven "$SCRATCH/copy.log"
}

# A war that brings no server along needs one: Heroku's webapp-runner, Tomcat in one jar, for the servlets of javax.
add_runner() {
	[[ ! -f Procfile && -z $("$pack_dir/bin/web" . jar) && -n $("$pack_dir/bin/web" . war) ]] || return 0
	if LC_ALL=C grep -Eqs '<groupId>jakarta\.|<artifactId>jakarta\.' pom.xml; then
		warning "A war of Jakarta EE needs a server that it brings along: make a jar of it with spring-boot-maven-plugin, Jetty or Tomcat embedded, and name it in a Procfile."
		return 0
	fi
	heading "Adding webapp-runner $RUNNER, which serves a war"
	maven -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy "-Dartifact=com.heroku:webapp-runner:$RUNNER" -DoutputDirectory=.twelve/java -Dmdep.stripVersion=true 2>&1 | tee "$SCRATCH/copy.log" | indent || explain_maven "$SCRATCH/copy.log"
}
