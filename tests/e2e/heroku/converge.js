// SPDX-License-Identifier: Apache-2.0
// Infrastructure as code with the heroku-client package, as somebody would write it for Heroku: reads a
// declaration from standard input, changes what differs, and prints each change. See ../test_heroku_iac.py.
"use strict";
const Heroku = require("heroku-client");
const { readFileSync } = require("fs");

const heroku = new Heroku({ host: process.env.HEROKU_HOST, token: process.env.HEROKU_API_KEY });

async function found(path) {
	try {
		return await heroku.get(path);
	} catch (error) {
		if (error.statusCode === 404) return null;
		throw error;
	}
}

async function change(what, request) {
	await request();
	console.log(what);
}

// Makes what is declared and not there: `have` and `want` are lists, `key` what tells their items apart.
async function make(kind, path, want, have, body) {
	for (const item of want)
		if (!have.includes(item)) await change(`${kind} ${item}`, () => heroku.post(path, { body: body(item) }));
}

async function app(name, want) {
	const at = `/apps/${name}`;
	if (!(await found(at))) await change(`app ${name}`, () => heroku.post("/apps", { body: { name } }));
	const config = await heroku.get(`${at}/config-vars`);
	const differ = Object.entries(want.config || {}).filter(([k, v]) => config[k] !== v);
	if (differ.length)
		await change(`config ${differ.map(([k]) => k)}`, () => heroku.patch(`${at}/config-vars`, { body: Object.fromEntries(differ) }));
	const plans = (await heroku.get(`${at}/addons`)).map((a) => a.plan.name);
	await make("addon", `${at}/addons`, want.addons || [], plans, (plan) => ({ plan }));
	const drains = (await heroku.get(`${at}/log-drains`)).map((d) => d.url);
	await make("drain", `${at}/log-drains`, want.drains || [], drains, (url) => ({ url }));
	const domains = (await heroku.get(`${at}/domains`)).map((d) => d.hostname);
	await make("domain", `${at}/domains`, want.domains || [], domains, (hostname) => ({ hostname, sni_endpoint: null }));
	const formation = await heroku.get(`${at}/formation`);
	const updates = Object.entries(want.formation || {})
		.map(([type, f]) => ({ type, ...f }))
		.filter((u) => !formation.some((f) => f.type === u.type && f.quantity === u.quantity && f.size === u.size));
	if (updates.length)
		await change(`formation ${updates.map((u) => u.type)}`, () => heroku.patch(`${at}/formation`, { body: { updates } }));
}

async function pipeline(name, stages) {
	let pipe = await found(`/pipelines/${name}`);
	if (!pipe)
		await change(`pipeline ${name}`, async () => {
			const me = await heroku.get("/account");
			pipe = await heroku.post("/pipelines", { body: { name, owner: { id: me.id, type: "user" } } });
		});
	const couplings = await heroku.get(`/pipelines/${pipe.id}/pipeline-couplings`);
	for (const [app, stage] of Object.entries(stages)) {
		const { id } = await heroku.get(`/apps/${app}`);
		const there = couplings.find((c) => c.app.id === id);
		if (!there)
			await change(`coupling ${app}`, () => heroku.post("/pipeline-couplings", { body: { app: id, pipeline: pipe.id, stage } }));
		else if (there.stage !== stage)
			await change(`stage ${app}`, () => heroku.patch(`/pipeline-couplings/${there.id}`, { body: { stage } }));
	}
}

async function main() {
	const want = JSON.parse(readFileSync(0, "utf8"));
	for (const [name, declared] of Object.entries(want.apps || {})) await app(name, declared);
	for (const [name, stages] of Object.entries(want.pipelines || {})) await pipeline(name, stages);
}

main().catch((error) => {
	console.error(error.message, error.body || "");
	process.exit(1);
});
