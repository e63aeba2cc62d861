/* migrate: brings the database to the schema that this program was built with. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "migrations.h"

#define LOCK_TIMEOUT "10min" /* how long to wait for another migrate */

struct migrate_settings {
    struct globals globals;
    bool dry_run;
};

/* Each migration has a transaction, and each transaction takes the lock anew, so that this works behind a pooler, and
 * two programs take turns: what the other has applied in between is seen and not applied again. */
static bool begin(struct context *context, struct error *error)
{
    if (!store_run(context->db, "begin", NO_VALUES, error) ||
        !store_run(context->db, "set local lock_timeout = '" LOCK_TIMEOUT "'", NO_VALUES, error) ||
        !store_run(context->db, "set local client_min_messages = warning", NO_VALUES, error))
        return false;
    if (!store_run(context->db, "select pg_advisory_xact_lock(hashtext('posthorn.migrate'))", NO_VALUES, error))
        return error_prefix(error, "another migration has been running for " LOCK_TIMEOUT);
    /* "create table if not exists" would need the right to create, also when the table is there. */
    return store_run(context->db,
                     "do $$ begin if to_regclass('public.posthorn_migration') is null then "
                     "create table public.posthorn_migration (version int primary key, name text not null, "
                     "sha256 text not null, applied_at timestamptz not null default now()); end if; end $$",
                     NO_VALUES, error) ||
           error_prefix(error, "the record of migrations, the table public.posthorn_migration, cannot be made");
}

static bool end(struct context *context, bool ok, const char *statement, struct error *error)
{
    if (!ok)
        store_rollback(context->db);
    return ok && store_run(context->db, statement, NO_VALUES, error);
}

static int version_of(const struct migration *migration)
{
    return (int)strtol(migration->name, NULL, 10);
}

/* 1 applied, 0 not yet, -1 error. */
static int look_up(struct context *context, const struct migration *migration, struct error *error)
{
    PGresult *row =
        store_query(context->db, "select sha256, applied_at from public.posthorn_migration where version = $1",
                    VALUES(store_number(version_of(migration))), error);
    int found = row == NULL ? -1 : PQntuples(row) > 0;
    if (found == 1 && strcmp(store_cell(row, 0, "sha256"), migration->sha256) != 0) {
        error_set(error,
                  "schema/%s was applied at %s with other content: the record has sha256 %.12s…, this program %.12s…. "
                  "A migration "
                  "that was applied is never changed: use the program that applied it, or put the change into a new "
                  "migration",
                  migration->name, store_cell(row, 0, "applied_at"), store_cell(row, 0, "sha256"), migration->sha256);
        found = -1;
    }
    PQclear(row);
    return found;
}

static bool apply(struct context *context, const struct migration *migration, struct error *error)
{
    char name[128];
    snprintf(name, sizeof name, "schema/%s", migration->name);
    return store_script(context->db, migration->sql, name, error) &&
           store_run(
               context->db, "insert into public.posthorn_migration (version, name, sha256) values ($1, $2, $3)",
               VALUES(store_number(version_of(migration)), store_text(migration->name), store_text(migration->sha256)),
               error);
}

static void add_result(struct context *context, const struct migration *migration, const char *state)
{
    json_array_append_new(context->result, json_pack("{s:i, s:s, s:s}", "version", version_of(migration), "name",
                                                     migration->name, "state", state));
}

static bool migrate_one(struct context *context, const struct migration *migration, bool dry_run, struct error *error)
{
    if (!begin(context, error))
        return end(context, false, NULL, error);
    int found = look_up(context, migration, error);
    bool ok = found >= 0 && (found == 1 || dry_run || apply(context, migration, error));
    if (!end(context, ok, dry_run ? "rollback" : "commit", error))
        return false;
    add_result(context, migration, found == 1 ? "was there" : dry_run ? "would be applied" : "applied");
    return true;
}

/* A database that a newer program has migrated still serves this one: migrations only add. But it is worth a word. */
static bool warn_of_newer(struct context *context, int newest, struct error *error)
{
    PGresult *row = store_query(
        context->db, "select name from public.posthorn_migration where version > $1 order by version desc limit 1",
        VALUES(store_number(newest)), error);
    if (row != NULL && PQntuples(row) > 0)
        fprintf(stderr, "posthorn-admin: note: the database has the migration %s, which this program does not know\n",
                PQgetvalue(row, 0, 0));
    PQclear(row);
    return row != NULL;
}

/* What an operator must do himself, because this program's user may not or must not. */
static bool warn_of_insecure(struct context *context, struct error *error)
{
    PGresult *rows = store_query(context->db, "select what, remedy from posthorn.insecure()", NO_VALUES, error);
    for (int row = 0; row < PQntuples(rows); row++)
        fprintf(stderr, "posthorn-admin: warning: %s; to end that: %s\n", PQgetvalue(rows, row, 0),
                PQgetvalue(rows, row, 1));
    PQclear(rows);
    return rows != NULL;
}

/* After the last migration, whether or not any was applied: no migration can forget it, and a database restored from a
 * dump gets back what the dump does not hold. */
static bool finish(struct context *context, struct error *error)
{
    bool ok = begin(context, error) && store_run(context->db, "select posthorn.secure()", NO_VALUES, error);
    return end(context, ok, "commit", error) &&
           store_run(context->db, "select posthorn.make_partitions()", NO_VALUES, error) &&
           warn_of_insecure(context, error);
}

static bool migrate(struct context *context, const void *settings, struct error *error)
{
    const struct migrate_settings *given = settings;
    int newest = 0;
    context->result = json_array();
    for (const struct migration *migration = migrations; migration->name != NULL; migration++) {
        if (!migrate_one(context, migration, given->dry_run, error))
            return false;
        newest = version_of(migration);
    }
    if (given->dry_run)
        return true;
    return warn_of_newer(context, newest, error) && finish(context, error);
}

static const struct setting migrate_table[] = {
    OPTION_FLAG(migrate_settings, dry_run, "dry-run", "say what would be applied, and change nothing"), {0}};

const struct command migrate_commands[] = {
    {.noun = "migrate",
     .about = "bring the database to this program's schema; harmless when it is there already, and from two programs "
              "at once",
     .details = "The database must exist, and its user must be able to create schemas in it. Each file of schema/ is "
                "applied in a transaction of its "
                "own and recorded with its checksum in public.posthorn_migration; afterwards partitions are made, and "
                "rights that "
                "no program needs are revoked from all roles (docs/security.md): temporary tables in this database, "
                "objects in the schema public. What this user may not revoke is shown as a warning.",
     .settings = migrate_table,
     .settings_size = sizeof(struct migrate_settings),
     .flags = COMMAND_OWN_TRANSACTIONS,
     .run = migrate},
    {0}};
