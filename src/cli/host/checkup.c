/* SPDX-License-Identifier: Apache-2.0 */
/* What `twelve doctor` has found, and what its checks share; see doctor.h. */
#include <stdarg.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/host/doctor.h"

#define ASK_MS 5000

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

void doctor_put_list(struct buf *text, char *const *v)
{
	for (size_t i = 0; i < strv_len(v); i++)
		buf_printf(text, "%s%s", i ? ", " : "", v[i]);
}

char *doctor_ask(const char *const *argv)
{
	struct proc_options o = { .argv = argv, .timeout_ms = ASK_MS, .max_output = 1 << 20 };
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error ignored = ERROR_INIT;
	int status = 0;

	if (!fs_find_program(argv[0], NULL) || proc_run(&o, &out, &status, &ignored) < 0 ||
	    status != 0)
		return NULL;
	return buf_steal(&out);
}
