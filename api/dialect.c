#include "dialect.h"

#define GIVEN (SHAPE_GIVEN | SHAPE_SHOWN)
#define NEEDED (SHAPE_NEEDED | SHAPE_GIVEN | SHAPE_SHOWN)

static const struct shape penny[] = {{"id", MEMBER_ID, SHAPE_SHOWN},
                                     {"url", MEMBER_URL, NEEDED},
                                     {"events", MEMBER_EVENTS, GIVEN},
                                     {"authorization_token", MEMBER_TOKEN, SHAPE_GIVEN},
                                     {"tls", MEMBER_TLS, GIVEN},
                                     {"status", MEMBER_STATUS, GIVEN},
                                     {"disabled_reason", MEMBER_DISABLED_REASON, SHAPE_SHOWN},
                                     {"created_at", MEMBER_CREATED_AT, SHAPE_SHOWN},
                                     {"updated_at", MEMBER_UPDATED_AT, SHAPE_SHOWN},
                                     {0}};

static const struct shape devengo[] = {{"id", MEMBER_ID, SHAPE_SHOWN},
                                       {"url", MEMBER_URL, NEEDED},
                                       {"status", MEMBER_STATUS, GIVEN},
                                       {"description", MEMBER_LABEL, GIVEN},
                                       {"listened_events", MEMBER_EVENTS, GIVEN | SHAPE_MANY},
                                       {"secret", MEMBER_SECRET, SHAPE_ONCE},
                                       {0}};

static const struct shape payconex[] = {
    {"url", MEMBER_URL, NEEDED}, {"event", MEMBER_EVENT, NEEDED}, {"id", MEMBER_ID, SHAPE_SHOWN}, {0}};

static const struct shape merchant[] = {{"id", MEMBER_ID, SHAPE_SHOWN},
                                        {"label", MEMBER_LABEL, NEEDED},
                                        {"url", MEMBER_URL, NEEDED},
                                        {"events", MEMBER_EVENTS, NEEDED | SHAPE_MANY},
                                        {"authentication", MEMBER_AUTHENTICATION, NEEDED},
                                        {"signature", MEMBER_SIGNATURE, NEEDED},
                                        {"tls", MEMBER_TLS, GIVEN},
                                        {"status", MEMBER_STATUS, GIVEN},
                                        {"disabled_reason", MEMBER_DISABLED_REASON, SHAPE_SHOWN},
                                        {"health", MEMBER_HEALTH, SHAPE_SHOWN},
                                        {"created_at", MEMBER_CREATED_AT, SHAPE_SHOWN},
                                        {"updated_at", MEMBER_UPDATED_AT, SHAPE_SHOWN},
                                        {0}};

const struct dialect_shapes dialect_shapes[DIALECT_COUNT] = {
    [DIALECT_PENNY] =
        {.webhook = penny, .list = "webhooks", .patterns = true, .signature = "standard", .long_secret = true},
    [DIALECT_DEVENGO] = {.webhook = devengo,
                         .wrapper = "webhook",
                         .list = "webhooks",
                         .all_events = true,
                         .patterns = true,
                         .signature = "standard"},
    [DIALECT_PAYCONEX] = {.webhook = payconex, .signature = "standard", .long_secret = true},
    [DIALECT_MERCHANT] = {
        .webhook = merchant, .list = "webhooks", .patterns = true, .signature = "none", .long_secret = true}};
