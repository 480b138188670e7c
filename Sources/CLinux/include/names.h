#pragma once
#include <stddef.h>
#include <stdint.h>

/// Asks the servers of resolv.conf(5) for records of `type` (RFC 1035 section 3.2.2) of a name, as written and nowhere else:
/// no search list. Blocks its thread. Returns the bytes of the answer, at most `size`, or one of the EAI_ codes of <netdb.h>,
/// all of which are negative.
int clinux_ask_name(const char *name, uint16_t type, void *answer, int size);
