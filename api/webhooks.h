/* Webhooks: the resource webhooks, in all dialects. */
#pragma once
#include "request.h"

bool webhooks_create(struct request *request);
bool webhooks_list(struct request *request);
bool webhooks_get(struct request *request);
bool webhooks_update(struct request *request);
bool webhooks_delete(struct request *request);
bool webhooks_enable(struct request *request);
bool webhooks_disable(struct request *request);
bool webhooks_rotate_secret(struct request *request);
bool webhooks_show_secret(struct request *request);       /* the current secret; recorded in audit.changes */
bool webhooks_signature_options(struct request *request); /* the keys with which the account can sign */

/* The same below /api/v4/accounts/{accountId}, which must be the caller's account. */
bool webhooks_create_of_account(struct request *request);
bool webhooks_list_of_account(struct request *request);
bool webhooks_get_of_account(struct request *request);
bool webhooks_update_of_account(struct request *request);
bool webhooks_delete_of_account(struct request *request);
