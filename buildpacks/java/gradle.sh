# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Gradle: the wrapper's version, or one that a package of Aptfile brings, or a current one.
readonly GRADLE=8.14.3
readonly GRADLE_SUM=bd71102213493060956ec229d946beee57158dbd89d0e62b91bca0fa2c5f3531

provide_gradle() {
	local wrapper=gradle/wrapper/gradle-wrapper.properties url sum mirror mirror_variable=TWELVE_GRADLE_MIRROR named
	url=$(property "$wrapper" distributionUrl) sum=$(property "$wrapper" distributionSha256Sum) named=$wrapper
	if [[ -z $url ]] && command -v gradle >/dev/null; then
		gradle_home='' gradle_version=$(gradle --version 2>/dev/null | sed -n 's/^Gradle //p')
		return 0
	fi
	if [[ -z $url ]]; then
		warning "There is no $wrapper, so that Gradle $GRADLE is used: run \"gradle wrapper\" and commit what it makes."
		url=https://services.gradle.org/distributions/gradle-$GRADLE-bin.zip sum=$GRADLE_SUM named="The buildpack"
	fi
	mirror=${TWELVE_GRADLE_MIRROR:-}
	[[ -z $mirror || $url != https://services.gradle.org/distributions/* ]] || url=${mirror%/}/${url##*/}
	gradle_version=$(sed -E 's/.*gradle-(.*)-(bin|all)\..*/\1/' <<<"$url")
	fetch_tool gradle-dist "$url" "$sum" "$named"
	gradle_home=$tool_dir
}

build_files() { find . -maxdepth 3 \( -name 'build.gradle' -o -name 'build.gradle.kts' \) -not -path './node_modules/*' -not -path './.twelve/*' -not -path './buildSrc/*'; }
mentions() { build_files | xargs -r -d '\n' grep -Eqs "$1"; }

# As on Heroku: GRADLE_TASK, else the app's task "stage", else all but what checks. What is started by a script is laid out for it.
choose_tasks() {
	read -ra tasks <<<"$(config_var GRADLE_TASK)"
	((${#tasks[@]} == 0)) || return 0
	if mentions "task[ (]+[\"']?stage\b|(register|create)[( <A-Za-z>]*[\"']stage[\"']|val stage by"; then
		tasks=(stage)
		return 0
	fi
	tasks=(build -x check)
	if mentions "^[[:space:]]*(id[ (]+[\"'])?application([\"')]|[[:space:]]*$)|apply plugin: *[\"']application[\"']|io\.ktor\.plugin"; then
		tasks+=(installDist)
	fi
}

gradle_run() {
	if [[ -n $gradle_home ]]; then
		with_config "$gradle_home/bin/gradle" "$@"
	else
		with_config gradle "$@"
	fi
}

explain_gradle() {
	local log=$1 name
	! grep -q 'java.lang.OutOfMemoryError' "$log" || fail "Gradle could not build the app." "The memory of the build ran out (TWELVE_BUILD_MEMORY): let the build do less at a time, or ask the operator for more."
	! ran_out_of_memory "$log" || fail_with_log "$log" "Gradle could not build the app."
	name=$(unreachable "$log")
	[[ -z $name ]] || fail "$(shown "$name") cannot be reached from the build: look at the proxy and certificate settings of the platform, or name a mirror in the build's repositories."
	if grep -Eq 'Unsupported class file major version' "$log"; then
		fail "Gradle $gradle_version does not run on Java $java: raise it (gradle wrapper --gradle-version 8.14.3), or choose another stack (twelve stack:set)."
	fi
	name=$(first_error "$log")
	[[ -z $name ]] || fail "$name"
	name=$(sed -nE 's/^.*> Could not find ([^ ]+:[^ ]+:[^ ]+)\.$/\1/p' "$log" | sed -n 1p)
	[[ -z $name ]] || fail "The build asks for $name, which the repositories do not have: check the name and the version, and \"repositories\"."
	name=$(sed -nE "s/.*(Task '[^']+' not found in .*)/\1/p" "$log" | sed -n 1p)
	[[ -z $name ]] || fail "$name Set the config var GRADLE_TASK to the tasks that build the app."
	name=$(sed -nE "s/^(Build file '\/app\/([^']+)' line: ([0-9]+))/\2:\3/p; s/^Script compilation error.*//p" "$log" | sed -n 1p)
	[[ -z $name ]] || fail "$name: Gradle's words above (\"What went wrong\") say what it is."
	name=$(sed -nE "s/^.*(Execution failed for task '[^']+')\..*/\1/p" "$log" | sed -n 1p)
	[[ -z $name ]] || fail_with_log "$log" "$name: Gradle's words above say why."
	fail_with_log "$log" "Gradle could not build the app: its last lines above say why."
}

build_with_gradle() {
	local log=$SCRATCH/gradle.log
	provide_gradle
	choose_tasks
	impose "GRADLE_USER_HOME=$cache_dir/gradle"
	impose "GRADLE_OPTS=$(config_var GRADLE_OPTS) -Duser.home=$HOME"
	heading "Running Gradle $gradle_version: gradle ${tasks[*]}"
	gradle_run --no-daemon --console=plain --init-script "$pack_dir/init.gradle" "${trust[@]}" "${proxies[@]}" "-Dtwelve.java=$java" "${tasks[@]}" 2>&1 |
		tee "$log" | sed -u -E '/^$/d; /^Picked up /d; s/^./       &/' || explain_gradle "$log"
	rm -rf .gradle
	cache_limit "$cache_dir/gradle" 1536
}
