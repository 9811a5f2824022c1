/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of a release; see proof.h. */
#include "model/proof.h"

static void set_int(json_t *proof, const char *key, int64_t n)
{
	json_object_set_new(proof, key, json_integer((json_int_t)n));
}

json_t *proof_make(const struct proof_facts *f)
{
	json_t *proof = json_object();

	json_object_set_new(proof, "dynos", f->dynos ? json_incref(f->dynos) : json_array());
	json_object_set_new(proof, "complete", json_boolean(f->complete));
	set_int(proof, "rollout_ms", f->now_ms - f->began_ms);
	if (f->not_up[0])
		json_object_set_new(proof, "not_up", json_string(f->not_up));
	if (f->before.known && f->now.known) {
		set_int(proof, "requests", f->now.requests - f->before.requests);
		set_int(proof, "failed", f->now.failed - f->before.failed);
	}
	if (f->complete)
		set_int(proof, "drain_ms", f->drain_began_ms ? f->now_ms - f->drain_began_ms : 0);
	return proof;
}
