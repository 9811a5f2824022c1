// SPDX-License-Identifier: Apache-2.0
// A worker that shows it is alive, and leaves at once when it is asked to.
'use strict';

const dyno = process.env.DYNO ?? 'worker';
let beat = 0;

console.log(`${dyno} ready`);
const timer = setInterval(() => console.log(`${dyno} heartbeat ${++beat}`),
  Number(process.env.HEARTBEAT_SECONDS ?? 10) * 1000);

function stop() {
  clearInterval(timer);
  console.log(`${dyno} done after ${beat} heartbeats`);
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
