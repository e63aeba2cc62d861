#include "auth/scope.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name; /* the payconex name; the other dialects omit "pcx:" */
    unsigned scopes;
} scopes_known[] = {{"pcx:webhooks:read", SCOPE_READ},
                    {"pcx:webhooks:create", SCOPE_CREATE},
                    {"pcx:webhooks:update", SCOPE_UPDATE},
                    {"pcx:webhooks:delete", SCOPE_DELETE},
                    {"pcx:webhooks:trigger", SCOPE_TRIGGER},
                    {"pcx:events:publish", SCOPE_PUBLISH},
                    {"pcx:webhooks:*", SCOPE_ALL & ~SCOPE_PUBLISH},
                    {"pcx:*", SCOPE_ALL}};

#define KNOWN (sizeof scopes_known / sizeof *scopes_known)
#define PREFIX 4 /* "pcx:" */

static unsigned scope_of(const char *name, size_t size)
{
    for (size_t i = 0; i < KNOWN; i++) {
        const char *known = scopes_known[i].name;
        if ((strlen(known) == size && memcmp(known, name, size) == 0) ||
            (strlen(known + PREFIX) == size && memcmp(known + PREFIX, name, size) == 0))
            return scopes_known[i].scopes;
    }
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
            return scopes_known[i].name + (payconex ? 0 : PREFIX);
    return "";
}
