// SPDX-License-Identifier: Apache-2.0
// The release phase: where a real app would migrate its database. It runs once
// for each release, before any process of it starts. When it fails, the release
// is not used and the one before goes on; FAIL_RELEASE shows that.
'use strict';

const version = process.env.TWELVE_RELEASE_VERSION ?? 'none';
if (process.env.FAIL_RELEASE) {
  console.error(`release ${version} refused: FAIL_RELEASE is set`);
  process.exitCode = 1;
} else {
  console.log(`release ${version} checked: nothing to migrate`);
}
