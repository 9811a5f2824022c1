/* SPDX-License-Identifier: Apache-2.0 */
/* What `twelve doctor` has found; see doctor.h. */
#include <stdarg.h>

#include "base/cleanup.h"
#include "cli/host/doctor.h"

void doctor_add(struct checkup *d, enum verdict v, const char *name, const char *fmt, ...)
{
	static const char *const words[] = {
		[VERDICT_OK] = "ok", [VERDICT_WARN] = "warn", [VERDICT_FAIL] = "fail"
	};
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	json_array_append_new(d->rows, json_pack("{s:s, s:s, s:s}", "result", words[v], "check",
						 name, "text", text.data));
	d->failed |= v == VERDICT_FAIL;
}
