#include "store/requirements.h"

/* Also set: the isolation level, because in the commit protocol each statement must see what was committed before it;
 * and the replication role, because triggers move the subscription clock. No other settings matter: names include their
 * schema, and intervals, floating-point numbers and bytea are not read in a text form that settings change. */
const char requirements_sql[] =
    "set client_encoding = 'UTF8'; set datestyle = 'ISO, MDY'; set timezone = 'UTC'; "
    "set standard_conforming_strings = on; set jit = off; " /* JIT: seconds where the estimates are high */
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
