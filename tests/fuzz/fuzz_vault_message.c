/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer on the vault's parser: make fuzz */
#include "vault_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	(void)fuzz_vault_message(p, len);
	return 0;
}
