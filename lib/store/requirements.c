#include "store/requirements.h"

/* The rest: isolation, because the commit protocol sees in each statement what was committed before it; replication
 * role, because triggers move the subscription clock. Nothing depends on other settings: names carry their schema, and
 * intervals, floating-point numbers and bytea are not read as text that they could change. */
const char requirements_sql[] =
    "set client_encoding = 'UTF8'; set datestyle = 'ISO, MDY'; set timezone = 'UTC'; "
    "set standard_conforming_strings = on; "
    "select r.name, current_setting(r.name) as found, r.wanted, format('alter role %I in database %I set %s = %L', "
    "  current_user, current_database(), r.name, r.wanted) as remedy "
    "from (values ('default_transaction_isolation', 'read committed'), ('default_transaction_read_only', 'off'), "
    "  ('session_replication_role', 'origin')) as r (name, wanted) where current_setting(r.name) <> r.wanted";

bool requirements_met(const PGresult *result, struct error *error)
{
    if (PQntuples(result) == 0)
        return true;
    return error_set(error, "the setting %s is '%s' for this login and must be '%s'; to set it: %s",
                     PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2),
                     PQgetvalue(result, 0, 3));
}
