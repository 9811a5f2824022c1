# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Packages into node_modules (or Plug'n'Play's files), as the lock says, by each manager's own words; the app's scripts;
# and the removal of development packages.
#
# node_modules is kept between builds, as installed and before any script of the
# app touched it, under a digest of what decides its content. Those that a manager runs
# with an installation (postinstall, prepare ...) run in each build after it, and
# with the development packages, which go when everything is built.

# Scripts of the app that npm runs with an installation, in its order.
readonly LIFECYCLE=(preinstall install postinstall prepublish preprepare prepare postprepare)
# What a lock names when one of its packages is compiled at its installation.
readonly NATIVE='(^|[^A-Za-z0-9-])(nan|node-addon-api|node-gyp|node-gyp-build|prebuild-install|node-pre-gyp|bindings|cmake-js)@|"hasInstallScript": true|requiresBuild: true'

# True when the manager leaves all packages in node_modules, and runs no scripts of other packages of the app.
is_plain() { [[ $has_workspaces == false && $manager != berry ]]; }

# What decides the content of node_modules; nothing when something else does as
# well: workspaces, linked directories, a native module of the app's own.
modules_key() {
	is_plain && [[ ! -f binding.gyp && $(config_var NODE_MODULES_CACHE) != false ]] || return 0
	! grep -Eq "\"link\": true|(^|[\"' (])(file|link|portal|workspace):|git\\+(file|ssh)" ${lock:+"$lock"} package.json || return 0
	{
		echo "$dependencies"
		cat ${lock:+"$lock"} .npmrc .yarnrc bunfig.toml .pnpmfile.cjs patches/* 2>/dev/null || true
		env | grep -i '^npm_config_' | grep -v '^npm_config_before=' | LC_ALL=C sort || true
		installation_vars
	} | digest node_modules "$VERSION" "$node_version" "$manager" "$manager_version" "$@"
}

# The config vars that an installation may depend on: the managers', or all when packages bring scripts.
installation_vars() {
	local file
	for file in "$env_dir"/*; do
		[[ -f $file ]] || continue
		if [[ -z $lock ]] || has_natives || [[ ${file##*/} =~ ^([Nn][Pp][Mm]_[Cc][Oo][Nn][Ff][Ii][Gg]_.*|YARN_.*|PNPM_.*|pnpm_config_.*|BUN_.*|NODE_ENV|NODE_OPTIONS)$ ]]; then
			printf '%s=' "${file##*/}" && sha256sum <"$file"
		fi
	done
}

# A lock of npm 7 or newer tells whether there are packages that bring scripts; the others, by those that are known for it.
has_natives() {
	[[ -z $lock || $lock == *.lockb ]] || grep -Eq "$NATIVE" "$lock" ||
		{ [[ $manager == npm ]] && ! grep -q '"packages": {' "$lock"; }
}

# Native modules need Node.js's headers, put where node-gyp would have downloaded them from elsewhere.
provide_headers() {
	local dir=$HOME/.cache/node-gyp/$node_version
	has_natives || return 0
	download_package "$(node_package)" "$node_version" "$SCRATCH/node.tgz"
	mkdir -p "$dir"
	tar -xzf "$SCRATCH/node.tgz" -C "$dir" --strip-components=1 --no-same-owner package/include
	# The layout's version; node-gyp takes any that is not older than its own.
	echo 99 >"$dir/installVersion"
	[[ $manager != npm ]] || return 0
	# The others would fetch a node-gyp of any version.
	npm --version >/dev/null
	mkdir -p "$SCRATCH/bin"
	printf '#!/bin/sh\nexec node "%s" "$@"\n' "$node_dir/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js" >"$SCRATCH/bin/node-gyp"
	chmod 755 "$SCRATCH/bin/node-gyp"
}

# Development packages are there while the app's own scripts build it, whatever NODE_ENV says.
choose_packages() {
	local name
	packages=all keeps_dev=''
	case $manager in
	npm) name=NPM_CONFIG_PRODUCTION ;;
	yarn) name=YARN_PRODUCTION ;;
	berry) name=YARN2_SKIP_PRUNING ;;
	pnpm) name=PNPM_SKIP_PRUNING ;;
	bun) name=BUN_SKIP_PRUNING ;;
	esac
	local value
	value=$(config_var "$name")
	if [[ $name == *_PRODUCTION && $value == true ]]; then
		packages=production
	elif [[ $name == *_PRODUCTION && -n $value ]] || [[ $name == *_SKIP_PRUNING && $value == true ]]; then
		keeps_dev="$name is $value"
	elif [[ $(config_var NODE_ENV) != production ]]; then
		keeps_dev="NODE_ENV is not production"
	fi
}

# --- each manager's installation

npm_flags() {
	if ((${manager_version%%.*} < 7)); then
		[[ $packages == all ]] && echo --production=false || echo --production
	else
		[[ $packages == all ]] && echo --include=dev || echo --omit=dev
	fi
}

# How to add nothing that is younger than some days, where there is no lock.
settled_date() { date -u -d "$SETTLED_DAYS days ago" +%Y-%m-%d; }

npm_command() {
	command=(npm)
	if [[ -z $lock ]]; then
		command+=(install --no-package-lock ${before:+"--before=$before"})
	elif [[ $(config_var USE_NPM_INSTALL) == true ]]; then
		command+=(install)
	else
		command+=(ci)
	fi
	command+=(--no-audit --no-fund "$(npm_flags)")
}

pnpm_command() {
	command=(pnpm install --reporter=append-only --store-dir "$cache_dir/pnpm" --config.package-import-method=copy --config.confirmModulesPurge=false)
	if [[ -n $lock ]]; then
		command+=(--frozen-lockfile)
	else
		command+=(--no-lockfile "--config.minimum-release-age=$((SETTLED_DAYS * 24 * 60))")
	fi
	[[ $packages == all ]] && command+=(--prod=false) || command+=(--prod)
}

yarn_command() {
	command=(yarn install --non-interactive --no-progress --cache-folder "$cache_dir/yarn" --production=false)
	[[ -n $lock ]] && command+=(--frozen-lockfile) || command+=(--no-lockfile)
	[[ $packages == all ]] || command+=(--production)
}

berry_command() {
	command=(yarn install)
	[[ -z $lock ]] || command+=(--immutable)
}

bun_command() {
	command=(bun install --no-progress --backend=copyfile)
	if [[ -n $lock ]]; then
		command+=(--frozen-lockfile)
	else
		command+=(--no-save "--minimum-release-age=$((SETTLED_DAYS * 86400))")
	fi
	[[ $packages == all ]] || command+=(--production)
}

# Where each keeps what it downloads.
set_manager_environment() {
	local setting
	for setting in "npm_config_cache=$cache_dir/npm" npm_config_update_notifier=false npm_config_progress=false npm_config_logs_max=0 \
		"YARN_GLOBAL_FOLDER=$cache_dir/berry" YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_PROGRESS_BARS=0 "BUN_INSTALL_CACHE_DIR=$cache_dir/bun" \
		COREPACK_ENABLE_DOWNLOAD_PROMPT=0 COREPACK_ENABLE_STRICT=0 DO_NOT_TRACK=1 NEXT_TELEMETRY_DISABLED=1 \
		ASTRO_TELEMETRY_DISABLED=1 GATSBY_TELEMETRY_DISABLED=1 NUXT_TELEMETRY_DISABLED=1 NG_CLI_ANALYTICS=false; do
		case $setting in
		*cache=* | *_FOLDER=* | *_DIR=* | npm_config*) impose "$setting" ;;
		*) default "$setting" ;;
		esac
	done
	# npm 6 stumbles over none.
	((${node_version%%.*} >= 14)) || impose npm_config_logs_max=10
	# It is the version that the app asks for, or one that fits its lock.
	if [[ $manager == pnpm ]]; then
		impose npm_config_manage_package_manager_versions=false
		impose pnpm_config_pm_on_fail=ignore
	fi
	[[ $manager != berry ]] || set_berry_environment
}

# Plug'n'Play runs from the archives, so they must be in the slug; node_modules needs none.
set_berry_environment() {
	local linker
	linker=$(config_var YARN_NODE_LINKER)
	[[ -n $linker ]] || linker=$([[ ! -f .yarnrc.yml ]] || plain_text .yarnrc.yml | sed -nE "s/^nodeLinker: *['\"]?([a-z-]+).*/\1/p" | sed -n 1p)
	linker=${linker:-pnp}
	if [[ $linker == pnp || -d .yarn/cache ]]; then
		impose YARN_ENABLE_GLOBAL_CACHE=false
	else
		impose YARN_ENABLE_GLOBAL_CACHE=true
	fi
	[[ -z $registry || $registry == https://registry.npmjs.org ]] || impose "YARN_NPM_REGISTRY_SERVER=$registry"
}

try_install() {
	local -a command
	"${manager}_command"
	with_config "${command[@]}" 2>&1 | tee "$log" | indent
}

# Runs the manager without what it would run of the app's own: run_lifecycle does that,
# so that what is kept for the next build is what the manager itself made.
install_with_manager() {
	local log=$SCRATCH/install.log
	cp -p package.json "$SCRATCH/package.json"
	! is_plain || without_lifecycle
	if ! try_install; then
		[[ -n $before ]] && grep -q 'with a date before' "$log" || explain_failure "$log"
		warning "A package is younger than $SETTLED_DAYS days, and asked for: the newest versions are installed."
		before=''
		try_install || explain_failure "$log"
	fi
	cp -p "$SCRATCH/package.json" package.json
	limit_caches
}

limit_caches() {
	local name
	for name in npm pnpm yarn berry bun; do
		[[ $name == "$manager" ]] || rm -rf "${cache_dir:?}/$name"
		cache_limit "$cache_dir/$name" 1024
	done
}

without_lifecycle() {
	jq '.scripts |= ((. // {}) | delpaths([$ARGS.positional[] | [.]]))' "$SCRATCH/package.json" --args "${LIFECYCLE[@]}" >package.json
}

# As npm does at the end of an installation.
run_lifecycle() {
	local name
	# The manager has run them all, in their order.
	is_plain || return 0
	if [[ $manager == npm ]]; then
		# "npm run install" runs those before and after it, too.
		run_around install
		run_script prepublish
		run_around prepare
	else
		for name in "${LIFECYCLE[@]}"; do
			run_script "$name"
		done
	fi
}

run_around() {
	if has_script "$1"; then
		run_script "$1"
	else
		run_script "pre$1"
		run_script "post$1"
	fi
}

tell_without_lock() {
	before=''
	[[ -z $lock ]] || return 0
	warning "There is no lock file of a package manager, so another day may bring other versions." \
		"Run \"$(mend_lock)\" and commit $(locks_of "$manager" | sed 's/.* //; s/bun.lockb/bun.lock/')."
	[[ $manager == npm ]] && ((${manager_version%%.*} >= 7)) || return 0
	before=$(remembered packages "$dependencies" settled_date)
	detail "Versions that were there on $before are installed, until package.json asks for others"
}

install_modules() {
	local key
	[[ ! -d node_modules ]] || warning "node_modules is in the commit and is replaced: add it to .gitignore."
	tell_without_lock
	key=$(modules_key "$packages" "$before")
	if [[ -n $key ]] && cache_restore "$cache_dir" node_modules "$key" node_modules; then
		detail "${lock:-package.json} has not changed: the installed packages are used again"
		return 0
	fi
	rm -rf node_modules
	provide_headers
	install_with_manager
	normalise_modules
	[[ -z $key || ! -d node_modules ]] || cache_store "$cache_dir" node_modules "$key" node_modules
}

# What managers leave for themselves: times, and places of this machine.
normalise_modules() {
	[[ -d node_modules ]] || return 0
	rm -rf node_modules/.pnpm-workspace-state.json node_modules/.pnpm-workspace-state-v1.json node_modules/.yarn-state.yml.tmp
	[[ ! -f node_modules/.modules.yaml ]] ||
		sed -i -E 's/^( *"?prunedAt"?: ).*[^,](,?)$/\1"Tue, 01 Jan 2019 00:00:00 GMT"\2/' node_modules/.modules.yaml
}

# --- the app's scripts

runner() {
	case $manager in
	berry) echo yarn ;;
	*) echo "$manager" ;;
	esac
}

run_script() {
	local log=$SCRATCH/script.log
	has_script "$1" || return 0
	heading "Running the $1 script"
	with_config "$(runner)" run "$1" 2>&1 | tee "$log" | indent || run_with_old_openssl "$1" || explain_script "$log" "$1"
}

# webpack 4 and its like ask for a digest that OpenSSL 3 has put aside; that they run with it is what nearly all apps of that time need.
run_with_old_openssl() {
	grep -Eq 'ERR_OSSL_EVP_UNSUPPORTED' "$log" && ((${node_version%%.*} >= 17)) || return 1
	warning "Its webpack is older than OpenSSL 3: it runs again with NODE_OPTIONS=--openssl-legacy-provider. Update the packages, or ask for Node.js 16 in engines.node."
	impose "NODE_OPTIONS=$(config_var NODE_OPTIONS) --openssl-legacy-provider"
	with_config "$(runner)" run "$1" 2>&1 | tee "$log" | indent
}

# --- development packages

# One that the start command runs has to stay: "nodemon", "ts-node", "vite" and the like.
needed_at_run_time() {
	local word target
	for word in $(start_words); do
		[[ -L node_modules/.bin/$word || -f node_modules/.bin/$word ]] || continue
		target=$(jq -r --arg word "$word" '
			(.devDependencies // {} | keys[]) as $name | $name
			| select(. == $word or (. | split("/") | last) == $word
				or ({"ts-node-dev": ["tsnd"], "typescript": ["tsc"], "@babel/node": ["babel-node"], "@nestjs/cli": ["nest"], "@angular/cli": ["ng"],
					"@vue/cli-service": ["vue-cli-service"], "webpack-cli": ["webpack"], "webpack-dev-server": ["webpack"], "@11ty/eleventy": ["eleventy"], "fastify-cli": ["fastify"],
					"@remix-run/serve": ["remix-serve"], "@react-router/serve": ["react-router-serve"], "npm-run-all": ["run-p", "run-s"], "@swc-node/register": [],
					"concurrently": ["conc"], "dotenv-cli": ["dotenv"], "prisma": ["prisma2"]}[.] // [] | index($word)))' package.json | sed -n 1p)
		[[ -z $target ]] || { echo "$target" && return 0; }
	done
}

prune_modules() {
	local needed
	[[ $packages == all ]] && { [[ $n_dev != 0 ]] || ! is_plain; } || return 0
	decide
	# They go with all the others.
	[[ $kind != static || -f Procfile ]] || return 0
	needed=$(needed_at_run_time)
	if [[ -n $keeps_dev ]]; then
		detail "Development packages stay, since $keeps_dev"
	elif [[ -n $needed ]]; then
		warning "The start command needs $needed, which is a development package: they all stay. Move it to dependencies, and the slug is smaller."
	elif [[ $manager == npm || $has_workspaces == false ]]; then
		heading "Removing development packages"
		"${manager}_prune" 2>&1 | tee "$SCRATCH/prune.log" | indent ||
			fail_with_log "$SCRATCH/prune.log" "Development packages could not be removed; the last lines above say why."
		normalise_modules
	else
		detail "Development packages stay, since the app has workspaces"
	fi
}

npm_prune() {
	local flag=--omit=dev
	((${manager_version%%.*} >= 7)) || flag=--production
	with_config npm prune "$flag" --no-audit --no-fund --ignore-scripts $([[ -n $lock ]] || echo --no-package-lock)
}

pnpm_prune() {
	with_config pnpm prune --prod --config.ignore-scripts=true "--config.store-dir=$cache_dir/pnpm" --config.package-import-method=copy --config.confirmModulesPurge=false
}

yarn_prune() {
	with_config yarn install --production --ignore-scripts --prefer-offline --non-interactive --no-progress --cache-folder "$cache_dir/yarn" $([[ -n $lock ]] && echo --frozen-lockfile || echo --no-lockfile)
}

berry_prune() {
	if with_config yarn workspaces focus --help 2>/dev/null | grep -q -- --production; then
		YARN_ENABLE_SCRIPTS=false with_config yarn workspaces focus --all --production || return 1
		drop_archives
	else
		echo "They stay, since this Yarn has no \"workspaces focus\": yarn plugin import workspace-tools"
	fi
}

# Archives of what went are no part of Plug'n'Play any more.
drop_archives() {
	local file
	[[ -f .pnp.cjs && $YARN_ENABLE_GLOBAL_CACHE == false ]] || return 0
	for file in .yarn/cache/*.zip; do
		[[ ! -f $file ]] || grep -qF "${file##*/}" .pnp.cjs .pnp.data.json 2>/dev/null || rm -f "$file"
	done
}

# It removes nothing that is there.
bun_prune() {
	rm -rf node_modules
	packages=production try_bun_again
}

try_bun_again() {
	local -a command
	bun_command
	with_config "${command[@]}"
}
