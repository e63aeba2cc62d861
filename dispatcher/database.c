#include "database.h"

void database_refused(struct dispatcher *d, const char *who, const struct reply *reply)
{
    log_warning("database_refused", "who=%s sqlstate=%s error=\"%s\" detail=\"%s\"", who, reply->sqlstate,
                reply->message, reply->detail);
    if (strcmp(reply->sqlstate, "23514") == 0) /* no partition of relation … found for row */
        d->partition_missing = true;
}
