# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the app runs after the build, when no Procfile says it: told, and made ready. See ../start.

# The build of another language may come after this one; it says what runs then.
says_what_runs() {
	[[ ${TWELVE_LAST_PACK:-nodejs} == nodejs ]] && ! grep -Eqs $'^(\xef\xbb\xbf)?web[[:space:]]*:' Procfile
}

# Sets kind (run, static or nothing) and command, folder, pages, why.
decide() {
	local third
	kind='' command='' folder='' pages='' why=''
	says_what_runs || return 0
	IFS=$'\t' read -r kind command third why < <(perl "$pack_dir/start" .) || true
	if [[ $kind == static ]]; then
		folder=$command pages=$third command=''
	elif [[ $kind == run ]]; then
		why=$third
	fi
}

# SvelteKit's adapter-auto knows some hosts by a variable; of one of them it takes the adapter for Node.js, and installs it.
prepare_build() {
	[[ " $all_dependencies " != *" @sveltejs/adapter-auto "* ]] || default GCP_BUILDPACKS=1
	# Nuxt and others make a server for the host that they find, or that their configuration names.
	default NITRO_PRESET=node-server
}

# heroku-postbuild takes the place of build, as it does on Heroku.
build_app() {
	if has_script heroku-postbuild; then
		run_script heroku-postbuild
	elif has_script build; then
		run_script build
	else
		build_without_script
	fi
}

# TypeScript that nobody has compiled, though the start command wants its outcome.
build_without_script() {
	local name file
	[[ -f tsconfig.json ]] || return 0
	file=$(start_files | sed -n 1p)
	[[ -n $file && ! -e $file && ! -e $file.js ]] || return 0
	for name in compile tsc build:prod build:production build:ts build:server transpile prepublishOnly prestart; do
		has_script "$name" || continue
		[[ $name != prestart ]] || return 0
		warning "package.json has no build script, and $file is made by one: the $name script is run. Name it build."
		run_script "$name"
		return 0
	done
	[[ -x node_modules/.bin/tsc ]] || return 0
	warning "package.json has no build script, and $file is made by one: tsc is run. Add { \"scripts\": { \"build\": \"tsc\" } }"
	heading "Running tsc"
	with_config tsc -p . 2>&1 | tee "$SCRATCH/script.log" | indent ||
		[[ -e $file || -e $file.js ]] || fail "tsc failed, and has not made $file, which the start command wants; its last lines above say why."
}

# The files that the start command names by "node FILE".
start_files() {
	{
		[[ ! -f Procfile ]] || sed -E 's/^[^:]*://' Procfile
		jq -r '.scripts.start // "" | strings' package.json
	} | sed -nE 's/.*\bnode( +-[^ ]+)* +(\.\/)?((dist|build|lib|out|bin|server)\/[A-Za-z0-9_.\/-]+).*/\3/p'
}

# The words of the commands that the app runs, and of the scripts that these run.
start_words() {
	local commands
	commands=$([[ -f Procfile ]] && sed -E 's/^[^:]*://' Procfile || echo "${command:-}")
	jq -r --arg text "$commands" '
		(.scripts // {}) as $scripts
		| def called: [scan("(?:npm|pnpm|yarn|bun)(?:\\s+run)?\\s+([A-Za-z0-9_:.-]+)")[0] | ., "pre" + . | $scripts[.]? | strings];
		[$text] | . + (map(called) | add) | . + (map(called) | add) | . + (map(called) | add) | .[]' package.json |
		tr -cs 'A-Za-z0-9_.@/-' '\n' | sed 's!.*/!!' | sort -u
}

# Next.js leaves out of its own server what it would rather have served by others.
complete_standalone() {
	[[ $command == *.next/standalone/server.js && -d .next/standalone ]] || return 0
	[[ ! -d public ]] || cp -a public .next/standalone/
	[[ ! -d .next/static ]] || { mkdir -p .next/standalone/.next && cp -a .next/static .next/standalone/.next/; }
}

tell_what_runs() {
	[[ -z $why ]] || detail "There is no Procfile, and $why: $1"
}

# A port that is a number in the source: nothing will answer at $PORT. Told with its place, as long as no file asks for PORT.
warn_of_port() {
	local place
	[[ ${command:-npm start} =~ ^(npm|node|bun|yarn)\  && $command != *.next/* && $command != *.output/* ]] || return 0
	place=$(find . -maxdepth 4 \( -name node_modules -o -name '.*' ! -name . -o -name dist -o -name build -o -name test -o -name tests -o -name '*.config.*' \) -prune -o \
		-type f -regex '.*\.\(js\|mjs\|cjs\|ts\|mts\)' -size -200k -print 2>/dev/null | LC_ALL=C sort | sed -n 1,400p |
		{ xargs -r -d '\n' grep -nE 'env(\.|\[.)PORT|\.listen\([[:space:]]*[0-9]{2,5}\b|^[^/]*\bport:[[:space:]]*[0-9]{2,5}\b' /dev/null 2>/dev/null || true; })
	[[ -n $place ]] && ! grep -Eq 'env(\.|\[.)PORT' <<<"$place" || return 0
	place=$(sed -n 1p <<<"$place" | cut -d: -f1-2)
	warning "${place#./}: the port is a number there, and \$PORT is meant: write process.env.PORT || that number, or nothing reaches the app."
}

finish() {
	decide
	complete_standalone
	case $kind in
	static)
		tell_what_runs "what it makes is served"
		"$pack_dir/../static/install" "$build_dir" "$folder" "$pages"
		leave_pages_alone
		;;
	run)
		tell_what_runs "\"$command\" is run"
		warn_of_port
		;;
	esac
}

# Pages need no packages to be sent; other process types may.
leave_pages_alone() {
	[[ ! -f Procfile ]] || return 0
	detail "Node.js and the packages are not in the slug, since pages need none of them"
	rm -rf "$node_dir" node_modules .yarn/cache .yarn/unplugged .pnp.cjs .pnp.loader.mjs
}
