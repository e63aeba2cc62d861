/* Match: which webhooks of an account subscribed to an event type. */
#pragma once
#include "accounts.h"

/* "*", "prefix.*" (any type that begins with "prefix."), or the type itself. */
bool match_pattern(struct text pattern, struct text type);

/* All that match, each once. Valid until the account is loaded again; remembered by type. */
const struct match *match_event(struct account *account, struct text type);
