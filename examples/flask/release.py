# SPDX-License-Identifier: Apache-2.0
"""The release phase: where a real app would migrate its database.

It runs once for each release, before any process of it starts. When it fails,
the release is not used and the one before goes on; FAIL_RELEASE shows that.
"""

import os
import sys

version = os.environ.get("TWELVE_RELEASE_VERSION", "none")
if os.environ.get("FAIL_RELEASE"):
    sys.exit(f"release {version} refused: FAIL_RELEASE is set")
print(f"release {version} checked: nothing to migrate")
