/* migrate: brings the database to this program's schema. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "migrations.h"

#define LOCK_TIMEOUT "10min" /* maximum wait for another migrate */
#define CODE_NAME "code"     /* its row in public.posthorn_migration */

struct migrate_settings {
    struct globals globals;
    bool dry_run;
};

/* One transaction for all: other programs see the schema before or after, and a failure changes nothing. The lock
 * belongs to the transaction, so that this works behind a pooler. Of two programs, the second finds everything applied.
 */
static bool begin(struct context *context, struct error *error)
{
    if (!store_run(context->db, "begin", NO_VALUES, error) ||
        !store_run(context->db, "set local lock_timeout = '" LOCK_TIMEOUT "'", NO_VALUES, error) ||
        !store_run(context->db, "set local client_min_messages = warning", NO_VALUES, error))
        return false;
    if (!store_run(context->db, "select pg_advisory_xact_lock(hashtext('posthorn.migrate'))", NO_VALUES, error))
        return error_prefix(error, "another migration has been running for " LOCK_TIMEOUT);
    /* "create table if not exists" would require the privilege to create, even if the table exists. */
    return store_run(context->db,
                     "do $$ begin if to_regclass('public.posthorn_migration') is null then "
                     "create table public.posthorn_migration (version int primary key, name text not null, "
                     "sha256 text not null, applied_at timestamptz not null default now()); end if; end $$",
                     NO_VALUES, error) ||
           error_prefix(error, "the table public.posthorn_migration, which records migrations, cannot be created");
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

/* True if the applied checksum is the current one, or one from before the migration was edited, which it lists. */
static bool is_same(const struct migration *migration, const char *sha256)
{
    return strcmp(sha256, migration->sha256) == 0 ||
           (strlen(sha256) == strlen(migration->sha256) && strstr(migration->sql, sha256) != NULL);
}

/* Returns 1 if applied, 0 if not yet, -1 on an error. */
static int look_up(struct context *context, const struct migration *migration, struct error *error)
{
    PGresult *row =
        store_query(context->db, "select sha256, applied_at from public.posthorn_migration where version = $1",
                    VALUES(store_number(version_of(migration))), error);
    int found = row == NULL ? -1 : PQntuples(row) > 0;
    if (found == 1 && !is_same(migration, store_cell(row, 0, "sha256"))) {
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

static bool run_file(struct context *context, const struct migration *file, struct error *error)
{
    char name[128];
    snprintf(name, sizeof name, "schema/%s", file->name);
    return store_script(context->db, file->sql, name, error);
}

static bool record(struct context *context, int version, const char *name, const char *sha256, struct error *error)
{
    return store_run(context->db,
                     "insert into public.posthorn_migration (version, name, sha256) values ($1, $2, $3) on conflict "
                     "(version) do update set sha256 = excluded.sha256, applied_at = excluded.applied_at",
                     VALUES(store_number(version), store_text(name), store_text(sha256)), error);
}

static void add_result(struct context *context, int version, const char *name, bool was_there, bool dry_run)
{
    const char *state = was_there ? "was there" : dry_run ? "would be applied" : "applied";
    json_array_append_new(context->result,
                          json_pack("{s:i, s:s, s:s}", "version", version, "name", name, "state", state));
}

/* Adds the number of migrations that were not applied yet to `pending`. */
static bool apply_migrations(struct context *context, bool dry_run, int *pending, struct error *error)
{
    for (const struct migration *migration = migrations; migration->name != NULL; migration++) {
        int version = version_of(migration);
        int found = look_up(context, migration, error);
        if (found < 0 || (found == 0 && !dry_run &&
                          !(run_file(context, migration, error) &&
                            record(context, version, migration->name, migration->sha256, error))))
            return false;
        *pending += found == 0;
        add_result(context, version, migration->name, found == 1, dry_run);
    }
    return true;
}

/* A database migrated by a newer program still serves this one: migrations only add. But its functions are not
 * replaced. */
static int has_newer(struct context *context, struct error *error)
{
    const struct migration *last = migrations;
    while (last[1].name != NULL)
        last++;
    PGresult *row = store_query(
        context->db, "select name from public.posthorn_migration where version > $1 order by version desc limit 1",
        VALUES(store_number(version_of(last))), error);
    int found = row == NULL ? -1 : PQntuples(row) > 0;
    if (found == 1)
        fprintf(stderr,
                "posthorn-admin: note: the database has the migration %s, which this program does not know; functions "
                "and views are not changed\n",
                PQgetvalue(row, 0, 0));
    PQclear(row);
    return found;
}

/* Returns 1 if the code is that of this program, 0 if not, -1 on an error. */
static int code_is_applied(struct context *context, struct error *error)
{
    PGresult *row = store_query(context->db, "select from public.posthorn_migration where version = $1 and sha256 = $2",
                                VALUES(store_number(CODE_VERSION), store_text(code_sha256)), error);
    int found = row == NULL ? -1 : PQntuples(row) > 0;
    PQclear(row);
    return found;
}

/* Applies functions, views and triggers if they differ, and after each migration, which may have dropped some together
 * with what it changed. */
static bool apply_code(struct context *context, bool dry_run, int pending, struct error *error)
{
    int newer = has_newer(context, error);
    int found = newer == 0 && pending == 0 ? code_is_applied(context, error) : newer;
    if (found < 0)
        return false;
    if (found == 0 && !dry_run) {
        for (const struct migration *file = code_files; file->name != NULL; file++)
            if (!run_file(context, file, error))
                return false;
        if (!record(context, CODE_VERSION, CODE_NAME, code_sha256, error))
            return false;
    }
    add_result(context, CODE_VERSION, CODE_NAME, found == 1, dry_run);
    return true;
}

/* Warns of what an operator must do, because this program's user may not or must not do it. */
static bool warn_of_insecure(struct context *context, struct error *error)
{
    PGresult *rows = store_query(context->db, "select what, remedy from posthorn.insecure()", NO_VALUES, error);
    for (int row = 0; row < PQntuples(rows); row++)
        fprintf(stderr, "posthorn-admin: warning: %s; remedy: %s\n", PQgetvalue(rows, row, 0),
                PQgetvalue(rows, row, 1));
    PQclear(rows);
    return rows != NULL;
}

/* secure() runs even if nothing was applied, since a database restored from a dump lacks its effects. Partitions are
 * made in a later transaction: a dispatcher that also makes some holds their lock and may wait for a table. */
static bool migrate(struct context *context, const void *settings, struct error *error)
{
    bool dry_run = ((const struct migrate_settings *)settings)->dry_run;
    int pending = 0;
    context->result = json_array();
    bool ok = begin(context, error) && apply_migrations(context, dry_run, &pending, error) &&
              apply_code(context, dry_run, pending, error) &&
              (dry_run || store_run(context->db, "select posthorn.secure()", NO_VALUES, error));
    ok = end(context, ok, dry_run ? "rollback" : "commit", error);
    if (!ok || dry_run)
        return ok;
    return store_run(context->db, "select posthorn.make_partitions()", NO_VALUES, error) &&
           warn_of_insecure(context, error);
}

static const struct setting migrate_table[] = {
    OPTION_FLAG(migrate_settings, dry_run, "dry-run", "show what would be applied, and change nothing"), {0}};

const struct command migrate_commands[] = {
    {.noun = "migrate",
     .about = "migrate the database to this program's schema; safe to repeat, and to run twice at the same time",
     .details = "The database must exist, and its user must be able to create schemas in it. One transaction applies "
                "the migrations that are missing (schema/*.sql, recorded with their checksums in "
                "public.posthorn_migration), then the functions, views and triggers (schema/code/*.sql, version 0 in "
                "that table) unless they already match this program. It drops functions and views in the schemas "
                "posthorn and audit that this program does not have. Then it creates partitions, and revokes the "
                "rights that no program needs from all roles (docs/security.md): temporary tables in this database, "
                "objects in the schema public. A right that this user cannot revoke is shown as a warning.",
     .settings = migrate_table,
     .settings_size = sizeof(struct migrate_settings),
     .flags = COMMAND_OWN_TRANSACTIONS,
     .run = migrate},
    {0}};
