// SPDX-License-Identifier: Apache-2.0
// A forward server that writes each entry as a line of JSON:
//     node server.js MODULES OUT '{"port":N,"cert":F,"key":F,"sharedKey":S,"users":{...}}'
'use strict';
const fs = require('fs');
const [modules, out, text] = process.argv.slice(2);
const { FluentServer } = require(`${modules}/node_modules/@fluent-org/logger`);
const o = JSON.parse(text);
const file = fs.openSync(out, 'a');
const options = { listenOptions: { host: '127.0.0.1', port: o.port } };

if (o.cert)
	options.tlsOptions = { cert: fs.readFileSync(o.cert), key: fs.readFileSync(o.key) };
if (o.sharedKey)
	options.security = {
		serverHostname: 'receiver.example',
		sharedKey: o.sharedKey,
		authorize: Boolean(o.users),
		userDict: o.users || {},
	};
const server = new FluentServer(options);
server.on('entry', (tag, time, record) => {
	const stamp = typeof time === 'number' ? { sec: time, nano: 0 } : { sec: Math.floor(time.epoch), nano: time.nano };

	fs.writeSync(file, JSON.stringify({ tag, time: stamp, record }) + '\n');
});
server.listen();
process.on('SIGTERM', () => process.exit(0));
