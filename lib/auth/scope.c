#include "auth/scope.h"

#include <stddef.h>
#include <string.h>

/* Payconex writes "pcx:" before the name. */
#define NAMED(name, scopes)                                                                                            \
    {                                                                                                                  \
        name, "pcx:" name, scopes                                                                                      \
    }

static const struct {
    const char *name, *payconex;
    unsigned scopes;
} scopes_known[] = {NAMED("webhooks:read", SCOPE_READ),
                    NAMED("webhooks:create", SCOPE_CREATE),
                    NAMED("webhooks:update", SCOPE_UPDATE),
                    NAMED("webhooks:delete", SCOPE_DELETE),
                    NAMED("webhooks:trigger", SCOPE_TRIGGER),
                    NAMED("events:publish", SCOPE_PUBLISH),
                    NAMED("webhooks:*", SCOPE_ALL & ~SCOPE_PUBLISH),
                    NAMED("*", SCOPE_ALL)};

#define KNOWN (sizeof scopes_known / sizeof *scopes_known)

static bool equals(const char *known, const char *name, size_t size)
{
    return strlen(known) == size && memcmp(known, name, size) == 0;
}

static unsigned scope_of(const char *name, size_t size)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (equals(scopes_known[i].name, name, size) || equals(scopes_known[i].payconex, name, size))
            return scopes_known[i].scopes;
    return 0;
}

bool scope_parse(const char *list, unsigned *scopes, struct error *error)
{
    *scopes = 0;
    while (*list != '\0') {
        size_t size = strcspn(list, ", ");
        unsigned found = scope_of(list, size);
        if (size > 0 && found == 0)
            return error_set(error,
                             "'%.*s' is not a scope; the scopes are webhooks:read, :create, :update, :delete, "
                             ":trigger, :*, events:publish (each may have the prefix pcx:) and *",
                             (int)(size > 60 ? 60 : size), list);
        *scopes |= found;
        list += size;
        list += *list != '\0';
    }
    return *scopes != 0 || error_set(error, "no scope was given");
}

const char *scope_name(enum scope scope, bool payconex)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (scopes_known[i].scopes == scope)
            return payconex ? scopes_known[i].payconex : scopes_known[i].name;
    return "";
}
