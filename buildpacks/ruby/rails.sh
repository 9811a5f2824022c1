# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What Rails needs besides its gems: a secret, compiled assets, and to be told what a platform keeps and what not.

is_rails() { has_gem railties; }

# Rails signs cookies with it and does not start without one. It is the app's own, made once and kept with its build cache.
provide_secret() {
	local file=$cache_dir/secret_key_base
	is_rails && [[ -z $(config_var SECRET_KEY_BASE) ]] || return 0
	# shellcheck disable=SC2016 # a text
	[[ ! -f config/credentials.yml.enc || -z $(config_var RAILS_MASTER_KEY) ]] || return 0
	if [[ $(cat "$file" 2>/dev/null) =~ ^[0-9a-f]{128}$ ]]; then :; else
		(umask 077 && od -An -v -tx1 -N64 /dev/urandom | tr -d ' \n' >"$file")
	fi
	detail "SECRET_KEY_BASE is not set: one that was made for this app is used, until its build cache is emptied."
	# shellcheck disable=SC2016 # for the person's shell
	detail 'To have one that stays: twelve config:set SECRET_KEY_BASE=$(openssl rand -hex 64)'
	# shellcheck disable=SC2016 # it is expanded where it is sourced
	printf 'export SECRET_KEY_BASE="${SECRET_KEY_BASE:-%s}"\n' "$(cat "$file")" | write_profile ruby-secret "$build_dir"
}

# A database that nobody asks, since assets need none; as Heroku's buildpack has it.
database_of_assets() {
	local scheme=nulldb
	! has_gem sqlite3 || scheme=sqlite3
	! has_gem mysql2 || scheme=mysql2
	! has_gem trilogy || scheme=trilogy
	! has_gem pg || scheme=postgres
	echo "$scheme://user:pass@127.0.0.1/dbname"
}

# The tasks of the Rakefile, or nothing when it has none.
rake_tasks() {
	[[ -f Rakefile || -f rakefile || -f Rakefile.rb || -f rakefile.rb ]] && has_gem '(rake|railties)' || return 0
	with_config bundle exec rake -P 2>"$SCRATCH/rake.log" | sed -n 's/^rake //p'
}

precompile_assets() {
	local tasks log=$SCRATCH/assets.log
	default SECRET_KEY_BASE=0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
	default SECRET_KEY_BASE_DUMMY=1
	default "DATABASE_URL=$(database_of_assets)"
	if ! tasks=$(rake_tasks); then
		indent <"$SCRATCH/rake.log"
		is_rails || return 0
		fail_with_log "$SCRATCH/rake.log" "The app's Rakefile cannot be loaded (bundle exec rake -P): repair what its words above name, or set the config vars that it reads."
	fi
	grep -qx 'assets:precompile' <<<"$tasks" || return 0
	if compgen -G 'public/assets/.sprockets-manifest-*.json' >/dev/null || compgen -G 'public/assets/manifest-*.json' >/dev/null || [[ -f public/assets/.manifest.json ]]; then
		detail "public/assets has a manifest: assets were compiled before the push, and are used"
		return 0
	fi
	heading "Compiling assets (rake assets:precompile)"
	with_config bundle exec rake assets:precompile 2>&1 | tee "$log" | indent ||
		fail_with_log "$log" "rake assets:precompile failed: its words above say why. What it reads at build time must be a config var (twelve config:set)."
	! grep -qx 'assets:clean' <<<"$tasks" || with_config bundle exec rake assets:clean 2>&1 | indent
	steady_manifest
}

# Sprockets gives its manifest a name by chance.
steady_manifest() {
	local manifest
	for manifest in public/assets/.sprockets-manifest-*.json; do
		[[ -f $manifest ]] || continue
		mv -f "$manifest" public/assets/.sprockets-manifest-00000000000000000000000000000000.json
	done
}

# What differs from build to build, or is nobody's.
sweep_rails() {
	is_rails || return 0
	rm -rf tmp/cache tmp/local_secret.txt node_modules/.cache log/production.log
}

tell_about_rails() {
	local types=''
	is_rails || return 0
	[[ ! -f Procfile ]] || types=$(grep -E '^release:' Procfile || true)
	if [[ -z $types ]] && compgen -G 'db/migrate/*.rb' >/dev/null; then
		detail "Migrations run when they are told to: \"twelve run bundle exec rails db:migrate\", or a line in the Procfile: \"release: bundle exec rails db:migrate\""
	fi
	if has_gem sqlite3 && ! has_gem '(pg|mysql2|trilogy)'; then
		warning "The database is a file (sqlite3), which is lost when a dyno restarts: \"twelve addons:create postgres\" and the gem \"pg\" keep it."
	fi
}
