# SPDX-License-Identifier: Apache-2.0
# Made by: twelve completion bash
_twelve() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= i options=
	if declare -F _get_comp_words_by_ref >/dev/null; then
		local words cword
		_get_comp_words_by_ref -n : cur prev words cword
	else
		local words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	fi
	case $prev in
	-a|--app|--confirm)
		COMPREPLY=($(compgen -W "$(twelve complete apps 2>/dev/null)" -- "$cur"))
		return ;;
	esac
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		-a|--app|-r|--remote|--host) ((i++)) ;;
		-*) ;;
		*) cmd=${words[i]}; break ;;
		esac
	done
	case $cmd in
	'') options='apps create info open rename destroy apps:transfer transfers transfers:accept transfers:decline transfers:cancel import deploy builds builds:info builds:output builds:cancel releases releases:info releases:output rollback releases:sbom buildpacks buildpacks:set buildpacks:add buildpacks:remove buildpacks:clear buildpacks:key stacks stack:set stacks:update git:remote ps ps:scale ps:type ps:restart ps:stop ps:autoscale ps:autoscale:enable ps:autoscale:disable run run:detached run:inside logs drains drains:add drains:info drains:test drains:remove webhooks webhooks:add webhooks:info webhooks:update webhooks:remove webhooks:deliveries webhooks:deliveries:info webhooks:events webhooks:events:info config config:get config:set config:unset domains domains:add domains:remove maintenance maintenance:on maintenance:off certs certs:info certs:add certs:update certs:remove certs:use certs:auto certs:auto:enable certs:auto:disable certs:auto:refresh egress egress:close egress:open egress:allow egress:remove addons addons:info addons:create addons:wait addons:upgrade addons:rename addons:destroy addons:attach addons:detach addons:swap addons:credentials addons:credentials:rotate addons:services addons:plans addons:docs addons:services:add addons:services:remove psql redis-cli mariadb addons:client backups backups:info backups:capture backups:schedule backups:unschedule backups:schedules backups:restore backups:verify backups:download backups:delete pipelines pipelines:create pipelines:add pipelines:update pipelines:remove pipelines:info pipelines:rename pipelines:transfer pipelines:destroy pipelines:promote pipelines:diff login logout whoami auth:token heroku-env authorizations authorizations:create authorizations:info authorizations:revoke keys keys:add keys:remove users users:add users:update users:remove users:passwd users:limits access access:add access:update access:remove audit status gc version doctor backup restore ca help completion' ;;
	apps|apps:list|list) options='--json --host --no-color --help' ;;
	create|apps:create) options='--remote --no-remote --region --stack --path --json --host --no-color --help' ;;
	info|apps:info) options='--app --remote --json --host --no-color --help' ;;
	open|apps:open) options='--app --remote --host --no-color --help' ;;
	rename|apps:rename) options='--app --remote --host --no-color --help' ;;
	destroy|apps:destroy|apps:delete) options='--confirm --app --remote --host --no-color --help' ;;
	apps:transfer) options='--app --remote --json --host --no-color --help' ;;
	transfers) options='--json --host --no-color --help' ;;
	transfers:accept) options='--host --no-color --help' ;;
	transfers:decline) options='--host --no-color --help' ;;
	transfers:cancel) options='--host --no-color --help' ;;
	import) options='--all --dry-run --from --token-stdin --domains --no-scale --host --no-color --help' ;;
	deploy|builds:create) options='--source --app --remote --host --no-color --help' ;;
	builds) options='--num --app --remote --json --host --no-color --help' ;;
	builds:info) options='--app --remote --json --host --no-color --help' ;;
	builds:output) options='--app --remote --host --no-color --help' ;;
	builds:cancel) options='--app --remote --host --no-color --help' ;;
	releases) options='--num --app --remote --json --host --no-color --help' ;;
	releases:info) options='--app --remote --json --host --no-color --help' ;;
	releases:output) options='--app --remote --host --no-color --help' ;;
	rollback|releases:rollback) options='--app --remote --no-wait --host --no-color --help' ;;
	releases:sbom) options='--app --remote --host --no-color --help' ;;
	buildpacks) options='--app --remote --json --host --no-color --help' ;;
	buildpacks:set) options='--index --app --remote --host --no-color --help' ;;
	buildpacks:add) options='--index --app --remote --host --no-color --help' ;;
	buildpacks:remove) options='--index --app --remote --host --no-color --help' ;;
	buildpacks:clear) options='--app --remote --host --no-color --help' ;;
	buildpacks:key) options='--forget --app --remote --host --no-color --help' ;;
	stacks|stack|apps:stacks) options='--app --remote --json --host --no-color --help' ;;
	stack:set|stacks:set|apps:stacks:set) options='--app --remote --host --no-color --help' ;;
	stacks:update) options='--check --apply --stack --json --host --no-color --help' ;;
	git:remote) options='--app --remote --host --no-color --help' ;;
	ps|dynos) options='--app --remote --json --host --no-color --help' ;;
	ps:scale|scale) options='--app --remote --json --no-wait --host --no-color --help' ;;
	ps:type|ps:resize|resize) options='--app --remote --json --no-wait --host --no-color --help' ;;
	ps:restart|restart|dyno:restart) options='--app --remote --no-wait --host --no-color --help' ;;
	ps:stop|ps:kill|dyno:kill) options='--app --remote --host --no-color --help' ;;
	ps:autoscale) options='--app --remote --json --host --no-color --help' ;;
	ps:autoscale:enable) options='--min --max --p95 --app --remote --json --host --no-color --help' ;;
	ps:autoscale:disable) options='--app --remote --json --host --no-color --help' ;;
	run) options='--detached --attach --size --type --env --no-tty --exit-code --app --remote --host --no-color --help' ;;
	run:detached) options='--size --type --env --app --remote --host --no-color --help' ;;
	run:inside) options='--env --no-tty --exit-code --app --remote --host --no-color --help' ;;
	logs) options='--num --tail --dyno --type --source --release --since --app --remote --json --host --no-color --help' ;;
	drains) options='--app --remote --json --host --no-color --help' ;;
	drains:add) options='--format --on-full --ca --app --remote --json --host --no-color --help' ;;
	drains:info) options='--app --remote --json --host --no-color --help' ;;
	drains:test) options='--app --remote --json --host --no-color --help' ;;
	drains:remove) options='--app --remote --host --no-color --help' ;;
	webhooks) options='--app --remote --json --host --no-color --help' ;;
	webhooks:add) options='--include --url --level --secret --authorization --app --remote --json --host --no-color --help' ;;
	webhooks:info) options='--app --remote --json --host --no-color --help' ;;
	webhooks:update) options='--include --url --level --secret --authorization --app --remote --host --no-color --help' ;;
	webhooks:remove) options='--app --remote --host --no-color --help' ;;
	webhooks:deliveries) options='--status --app --remote --json --host --no-color --help' ;;
	webhooks:deliveries:info) options='--app --remote --json --host --no-color --help' ;;
	webhooks:events) options='--app --remote --json --host --no-color --help' ;;
	webhooks:events:info) options='--app --remote --json --host --no-color --help' ;;
	config) options='--shell --app --remote --json --host --no-color --help' ;;
	config:get) options='--shell --app --remote --host --no-color --help' ;;
	config:set|config:add) options='--app --remote --no-wait --host --no-color --help' ;;
	config:unset|config:remove) options='--app --remote --no-wait --host --no-color --help' ;;
	domains) options='--app --remote --json --host --no-color --help' ;;
	domains:add) options='--app --remote --host --no-color --help' ;;
	domains:remove) options='--app --remote --host --no-color --help' ;;
	maintenance) options='--app --remote --json --host --no-color --help' ;;
	maintenance:on) options='--app --remote --host --no-color --help' ;;
	maintenance:off) options='--app --remote --host --no-color --help' ;;
	certs) options='--app --remote --json --host --no-color --help' ;;
	certs:info) options='--name --app --remote --json --host --no-color --help' ;;
	certs:add) options='--app --remote --json --host --no-color --help' ;;
	certs:update) options='--name --app --remote --json --host --no-color --help' ;;
	certs:remove) options='--name --app --remote --host --no-color --help' ;;
	certs:use) options='--app --remote --host --no-color --help' ;;
	certs:auto) options='--app --remote --json --host --no-color --help' ;;
	certs:auto:enable) options='--app --remote --host --no-color --help' ;;
	certs:auto:disable) options='--app --remote --host --no-color --help' ;;
	certs:auto:refresh) options='--app --remote --host --no-color --help' ;;
	egress) options='--app --remote --json --host --no-color --help' ;;
	egress:close) options='--app --remote --host --no-color --help' ;;
	egress:open) options='--app --remote --host --no-color --help' ;;
	egress:allow) options='--app --remote --host --no-color --help' ;;
	egress:remove) options='--app --remote --host --no-color --help' ;;
	addons) options='--all --app --remote --json --host --no-color --help' ;;
	addons:info) options='--app --remote --json --host --no-color --help' ;;
	addons:create) options='--as --name --url --no-check --from-backup --tls --confirm --app --remote --no-wait --host --no-color --help' ;;
	addons:wait) options='--app --remote --host --no-color --help' ;;
	addons:upgrade|addons:downgrade) options='--app --remote --host --no-color --help' ;;
	addons:rename) options='--app --remote --host --no-color --help' ;;
	addons:destroy) options='--confirm --force --app --remote --no-wait --host --no-color --help' ;;
	addons:attach) options='--as --shared --app --remote --no-wait --host --no-color --help' ;;
	addons:detach) options='--app --remote --no-wait --host --no-color --help' ;;
	addons:swap|addons:promote) options='--app --remote --no-wait --host --no-color --help' ;;
	addons:credentials) options='--app --remote --json --host --no-color --help' ;;
	addons:credentials:rotate) options='--app --remote --no-wait --host --no-color --help' ;;
	addons:services) options='--json --host --no-color --help' ;;
	addons:plans) options='--json --host --no-color --help' ;;
	addons:docs) options='--app --remote --host --no-color --help' ;;
	addons:services:add) options='--host --no-color --help' ;;
	addons:services:remove) options='--host --no-color --help' ;;
	psql|pg:psql) options='--no-tty --app --remote --host --no-color --help' ;;
	redis-cli|redis:cli) options='--no-tty --app --remote --host --no-color --help' ;;
	mariadb|mysql) options='--no-tty --app --remote --host --no-color --help' ;;
	addons:client) options='--no-tty --app --remote --host --no-color --help' ;;
	backups|pg:backups) options='--destroyed --app --remote --json --host --no-color --help' ;;
	backups:info) options='--addon --app --remote --json --host --no-color --help' ;;
	backups:capture|pg:backups:capture) options='--app --remote --no-wait --host --no-color --help' ;;
	backups:schedule|pg:backups:schedule) options='--at --keep --app --remote --host --no-color --help' ;;
	backups:unschedule|pg:backups:unschedule) options='--app --remote --host --no-color --help' ;;
	backups:schedules|pg:backups:schedules) options='--app --remote --json --host --no-color --help' ;;
	backups:restore|pg:backups:restore) options='--file --confirm --addon --app --remote --no-wait --host --no-color --help' ;;
	backups:verify) options='--addon --app --remote --host --no-color --help' ;;
	backups:download|pg:backups:download) options='--output --addon --app --remote --host --no-color --help' ;;
	backups:delete|pg:backups:delete) options='--confirm --addon --app --remote --host --no-color --help' ;;
	pipelines) options='--json --host --no-color --help' ;;
	pipelines:create) options='--stage --app --remote --json --host --no-color --help' ;;
	pipelines:add) options='--stage --app --remote --json --host --no-color --help' ;;
	pipelines:update) options='--stage --app --remote --host --no-color --help' ;;
	pipelines:remove) options='--app --remote --host --no-color --help' ;;
	pipelines:info) options='--json --host --no-color --help' ;;
	pipelines:rename) options='--host --no-color --help' ;;
	pipelines:transfer) options='--pipeline --host --no-color --help' ;;
	pipelines:destroy) options='--host --no-color --help' ;;
	pipelines:promote) options='--to --app --remote --json --no-wait --host --no-color --help' ;;
	pipelines:diff) options='--to --app --remote --json --host --no-color --help' ;;
	login|auth:login) options='--interactive --email --password-stdin --ca --host --no-color --help' ;;
	logout|auth:logout) options='--host --no-color --help' ;;
	whoami|auth:whoami|account) options='--json --host --no-color --help' ;;
	auth:token) options='--host --no-color --help' ;;
	heroku-env) options='--shell --unset --json --host --no-color --help' ;;
	authorizations) options='--json --host --no-color --help' ;;
	authorizations:create) options='--description --scope --expires-in --user --json --host --no-color --help' ;;
	authorizations:info) options='--json --host --no-color --help' ;;
	authorizations:revoke|authorizations:destroy) options='--host --no-color --help' ;;
	keys) options='--all --json --host --no-color --help' ;;
	keys:add) options='--user --host --no-color --help' ;;
	keys:remove) options='--host --no-color --help' ;;
	users) options='--json --host --no-color --help' ;;
	users:add|users:create) options='--name --admin --password-stdin --json --host --no-color --help' ;;
	users:update) options='--name --email --admin --no-admin --json --host --no-color --help' ;;
	users:remove|users:destroy) options='--host --no-color --help' ;;
	users:passwd|users:password) options='--password-stdin --host --no-color --help' ;;
	users:limits) options='--json --host --no-color --help' ;;
	access|sharing) options='--app --remote --json --host --no-color --help' ;;
	access:add|sharing:add) options='--permissions --app --remote --json --host --no-color --help' ;;
	access:update|sharing:update) options='--permissions --app --remote --json --host --no-color --help' ;;
	access:remove|sharing:remove) options='--app --remote --host --no-color --help' ;;
	audit) options='--app --num --json --host --no-color --help' ;;
	status) options='--json --host --no-color --help' ;;
	gc) options='--json --host --no-color --help' ;;
	version) options='--host --no-color --help' ;;
	doctor) options='--json --host --no-color --help' ;;
	backup) options='--slugs --volumes --host --no-color --help' ;;
	restore) options='--host --no-color --help' ;;
	ca) options='--output --json --host --no-color --help' ;;
	help) options='--host --no-color --help' ;;
	completion) options='--host --no-color --help' ;;
	esac
	if [[ -z $cmd || $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$options" -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
	declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
	return 0
}
complete -F _twelve twelve
