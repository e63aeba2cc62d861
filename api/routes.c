/* All routes. Those that no dialect's own documentation defines are below /v1, for every dialect. */
#include "activity.h"
#include "deliveries.h"
#include "events.h"
#include "files.h"
#include "health.h"
#include "login.h"
#include "openapi.h"
#include "route.h"
#include "second_factor.h"
#include "session.h"
#include "webhooks.h"

#define PAYCONEX_LIST "/api/v4/accounts/{accountId}/webhooks"
#define PAYCONEX_ONE PAYCONEX_LIST "/{webhookID}"
#define PCX FOR(PAYCONEX)
#define TRANSACTION_BODY (ROUTE_TRANSACTION | ROUTE_BODY)
#define CHANGE (ROUTE_TRANSACTION | ROUTE_CHANGE)
#define CHANGE_BODY (CHANGE | ROUTE_BODY)
#define UNVERIFIED (ROUTE_CONSOLE | ROUTE_UNVERIFIED)

const struct route routes[] = {
    {"POST", "/v1/webhooks", FOR_V1, SCOPE_CREATE, CHANGE_BODY, webhooks_create},
    {"GET", "/v1/webhooks", FOR_V1, SCOPE_READ, 0, webhooks_list},
    {"GET", "/v1/webhooks/{id}", FOR_V1, SCOPE_READ, 0, webhooks_get},
    {"PATCH", "/v1/webhooks/{id}", FOR_V1, SCOPE_UPDATE, CHANGE_BODY, webhooks_update},
    {"PUT", "/v1/webhooks/{id}", FOR_V1, SCOPE_UPDATE, CHANGE_BODY, webhooks_update},
    {"DELETE", "/v1/webhooks/{id}", FOR_V1, SCOPE_DELETE, CHANGE, webhooks_delete},

    {"POST", PAYCONEX_LIST, PCX, SCOPE_CREATE, CHANGE_BODY, webhooks_create_of_account},
    {"GET", PAYCONEX_LIST, PCX, SCOPE_READ, 0, webhooks_list_of_account},
    {"GET", PAYCONEX_ONE, PCX, SCOPE_READ, 0, webhooks_get_of_account},
    {"PATCH", PAYCONEX_ONE, PCX, SCOPE_UPDATE, CHANGE_BODY, webhooks_update_of_account},
    {"DELETE", PAYCONEX_ONE, PCX, SCOPE_DELETE, CHANGE, webhooks_delete_of_account},
    {"POST", "/api/v4/webhooks/trigger", PCX, SCOPE_TRIGGER, ROUTE_BODY, events_trigger},

    {"POST", "/v1/webhooks/{id}/secret", FOR_ALL, SCOPE_UPDATE, CHANGE | ROUTE_MAYBE_BODY, webhooks_rotate_secret},
    {"POST", "/v1/webhooks/{id}/enable", FOR_ALL, SCOPE_UPDATE, CHANGE, webhooks_enable},
    {"POST", "/v1/webhooks/{id}/disable", FOR_ALL, SCOPE_UPDATE, CHANGE, webhooks_disable},
    {"POST", "/v1/webhooks/{id}/test", FOR_ALL, SCOPE_TRIGGER, CHANGE | ROUTE_MAYBE_BODY, deliveries_test},
    {"POST", "/v1/webhooks/{id}/redeliver", FOR_ALL, SCOPE_TRIGGER, TRANSACTION_BODY, deliveries_redeliver},
    {"POST", "/v1/webhooks/{id}/replay", FOR_ALL, SCOPE_TRIGGER, ROUTE_BODY, deliveries_replay},
    {"GET", "/v1/webhooks/{id}/attempts", FOR_ALL, SCOPE_READ, ROUTE_TRANSACTION, activity_attempts},

    {"GET", "/v1/webhooks/{id}/deliveries", FOR_ALL, SCOPE_READ, ROUTE_TRANSACTION, activity_deliveries},
    {"GET", "/v1/webhooks/{id}/deliveries/{event_id}", FOR_ALL, SCOPE_READ, ROUTE_TRANSACTION, activity_delivery},
    {"GET", "/v1/webhooks/{id}/statistics", FOR_ALL, SCOPE_READ, ROUTE_TRANSACTION, activity_statistics},
    {"GET", "/v1/webhooks/{id}/secret", FOR_ALL, SCOPE_UPDATE, ROUTE_CONSOLE | CHANGE, webhooks_show_secret},
    {"GET", "/v1/signature-options", FOR_ALL, SCOPE_READ, 0, webhooks_signature_options},

    {"POST", "/v1/events", FOR_ALL, SCOPE_PUBLISH, ROUTE_RAW, events_publish},
    {"GET", "/v1/events/{event_id}", FOR_ALL, SCOPE_READ, ROUTE_TRANSACTION, events_get},
    {"GET", "/v1/event-types", FOR_ALL, SCOPE_READ, 0, events_types},

    {"POST", "/v1/auth/tokens", 0, 0, ROUTE_PUBLIC | ROUTE_BODY, login_create},
    {"POST", "/v1/auth/tokens/refresh", 0, 0, ROUTE_PUBLIC | ROUTE_BODY, login_refresh},
    {"DELETE", "/v1/auth/tokens", FOR_ALL, 0, ROUTE_TRANSACTION, login_end},

    {"GET", "/v1/console/session", 0, 0, ROUTE_PUBLIC, session_get},
    {"POST", "/v1/console/session", 0, 0, ROUTE_PUBLIC | ROUTE_BODY, session_begin},
    {"DELETE", "/v1/console/session", FOR_ALL, 0, UNVERIFIED | ROUTE_TRANSACTION, session_end},
    {"POST", "/v1/console/session/verify", FOR_ALL, 0, UNVERIFIED | ROUTE_BODY, second_factor_verify},
    {"POST", "/v1/console/second-factor", FOR_ALL, 0, UNVERIFIED, second_factor_enrol},
    {"POST", "/v1/console/second-factor/confirm", FOR_ALL, 0, UNVERIFIED | ROUTE_BODY, second_factor_confirm},

    {"GET", "/", 0, 0, ROUTE_PUBLIC, files_home},
    {"GET", "/console", 0, 0, ROUTE_PUBLIC, files_home},
    {"GET", "/console/*", 0, 0, ROUTE_PUBLIC, files_get},
    {"GET", "/openapi.json", 0, 0, ROUTE_PUBLIC, openapi_get_json},
    {"GET", "/openapi.yaml", 0, 0, ROUTE_PUBLIC, openapi_get_yaml},
    {"GET", "/docs", 0, 0, ROUTE_PUBLIC, openapi_get_page},
    {"GET", "/healthz", 0, 0, ROUTE_PUBLIC, health_live},
    {"GET", "/readyz", 0, 0, ROUTE_PUBLIC, health_ready},
    {"GET", "/metrics", 0, 0, ROUTE_PUBLIC | ROUTE_MONITOR, health_metrics},
    {0}};
