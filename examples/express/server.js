// SPDX-License-Identifier: Apache-2.0
// A small web app: everything it is told comes from the environment.
'use strict';

const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');
const express = require('express');
const { WebSocketServer } = require('ws');

const { env } = process;
const app = express();
app.disable('x-powered-by');

app.use((req, res, next) => {
  const start = Date.now();
  res.on('finish', () => {
    console.log(`method=${req.method} path=${req.path} status=${res.statusCode} ms=${Date.now() - start}`);
  });
  next();
});

// A number in the query, held between 0 and most.
const number = (value, otherwise, most) => Math.min(Math.max(Number(value ?? otherwise) || 0, 0), most);

app.get('/', (req, res) => {
  res.type('text').send(
    `${env.GREETING ?? 'Hello'} from ${env.TWELVE_APP_NAME ?? 'express'}, ` +
    `release ${env.TWELVE_RELEASE_VERSION ?? 'none'}, dyno ${env.DYNO ?? 'none'}\n`);
});

// Sleeps for s seconds: watch it finish while the app is restarted.
app.get('/slow', async (req, res) => {
  const seconds = number(req.query.s, 1, 60);
  await sleep(seconds * 1000);
  res.type('text').send(`slept ${seconds} s\n`);
});

// n lines, one every 100 ms, each sent when it is there.
app.get('/stream', async (req, res) => {
  res.type('text');
  for (let i = 1; i <= number(req.query.n, 5, 600) && !res.destroyed; i++) {
    res.write(`chunk ${i}\n`);
    await sleep(100);
  }
  res.end();
});

app.get('/healthz', (req, res) => res.type('text').send('ok\n'));

const server = http.createServer(app);
const sockets = new WebSocketServer({ server, path: '/ws' });
sockets.on('connection', (socket) => {
  socket.on('error', (error) => console.log(`websocket error: ${error.message}`));
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

server.listen(env.PORT ?? 5000, () => console.log(`listening on ${server.address().port}`));

// Requests in flight are finished; idle connections and WebSockets are told to
// go, and the process ends by itself when the last one is gone.
function stop() {
  console.log('stopping');
  server.close(() => console.log('stopped'));
  for (const socket of sockets.clients) socket.close(1001, 'restarting');
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
