/* rekey: seals values that are sealed with older master keys again with the first one, while the system runs.
 *
 * It works in batches with a transaction each, so that it can be stopped at any time and started again: the key id of a
 * value shows whether it is done. A batch first takes the subscription clock's lock, which every change of a webhook
 * takes last, and skips rows that others have locked. Thus it never waits for a transaction that waits for it. The next
 * pass finds the skipped rows. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "keep.h"
#include "store/sealed.h"

#define BATCH "100"
#define LETTERS_BATCH "10" /* a dead letter may have several MB */
#define PASSES_MAX 50
#define PASS_PAUSE_MS 100 /* between two passes: row locks are short */
#define COMPLAINTS_MAX 20
#define LETTER_MAX (16u << 20)

#define OLD(column) "substring(" column " from 2 for 4) <> "

struct rekey_settings {
    struct globals globals;
    bool dry_run;
};

struct work {
    struct context *context;
    struct secret_key *key;
    struct store_value id; /* id of the key that everything is to be sealed with */
    long long left, done;  /* of all columns, for the progress bar */
    long long resealed;    /* of the current column */
    long long failed;      /* of its current pass: no key opens them */
    long long complaints;
};

static void show_progress(const struct work *work, const char *name)
{
    char bar[21] = "....................";
    if (isatty(STDERR_FILENO) == 0)
        return;
    memset(bar, '#',
           (size_t)(work->left == 0 ? 20 : 20 * (work->done < work->left ? work->done : work->left) / work->left));
    fprintf(stderr, "\r[%s] %s: %lld of %lld sealed again\033[K", bar, name, work->done, work->left);
}

static void complain(struct work *work, struct text place, const struct error *error)
{
    work->failed++;
    if (work->complaints++ < COMPLAINTS_MAX)
        fprintf(stderr, "posthorn-admin: %.*s: %s\n", TEXT_ARGS(place), error->text);
}

/* Seals a cell again into an empty buffer. Leaves it empty if the cell is null, is sealed with the first key already,
 * or does not open. */
static bool reseal(struct work *work, const PGresult *rows, int row, const char *column, struct text place,
                   struct buffer *out, struct error *error)
{
    struct text sealed = store_cell_bytes(rows, row, column);
    struct text id = secret_key_id(work->key);
    struct buffer plain;
    bool ok = true;
    buffer_init(&plain, LETTER_MAX);
    if (sealed.data != NULL && sealed.size > id.size && memcmp(sealed.data + 1, id.data, id.size) != 0) {
        if (secret_open(work->key, place, sealed, &plain, error))
            ok = secret_seal(work->key, place, buffer_text(&plain), out, error);
        else
            complain(work, place, error);
    }
    secret_wipe(&plain);
    buffer_fini(&plain);
    PQfreemem((void *)sealed.data);
    return ok;
}

/* Selects and locks the rows of a batch. Returns NULL on an error. */
static PGresult *begin_batch(struct work *work, const char *sql, const struct store_value *values, size_t count,
                             struct error *error)
{
    PGconn *db = work->context->db;
    return context_begin(work->context, error) &&
                   store_run(db, "select from posthorn.subscription_clock for update", NO_VALUES, error)
               ? store_query(db, sql, values, count, error)
               : NULL;
}

static bool end_batch(struct work *work, bool ok, struct error *error)
{
    if (!ok)
        store_rollback(work->context->db);
    ok = ok && store_run(work->context->db, "commit", NO_VALUES, error);
    if (ok)
        fault_point("rekey-batch");
    return ok;
}

/* Seals one row of a column again. */
static bool rekey_row(struct work *work, const struct sealed_column *column, const PGresult *rows, int row,
                      struct error *error)
{
    char sql[160], name[80], text[SEALED_PLACE_SIZE];
    struct buffer sealed;
    const char *uuid = store_cell(rows, row, "uuid"), *bound_to = store_cell(rows, row, "bound_to");
    snprintf(name, sizeof name, "%s.%s", column->table, column->column);
    snprintf(sql, sizeof sql, "update posthorn.%s set %s = $1 where uuid = $2", column->table, column->column);
    buffer_init(&sealed, LETTER_MAX);
    bool ok = reseal(work, rows, row, "sealed",
                     sealed_place(column->place != NULL ? column->place : name, bound_to, text), &sealed, error);
    if (ok && sealed.size > 0) {
        ok = store_run(work->context->db, sql, VALUES(keep_value(&sealed), store_text(uuid)), error);
        work->resealed += ok;
    }
    buffer_fini(&sealed);
    return ok;
}

/* Processes the rows after `after`, which is set to the last of them. *full is true if there may be more. */
static bool column_batch(struct work *work, const struct sealed_column *column, char after[static 37], bool *full,
                         struct error *error)
{
    char sql[480];
    snprintf(sql, sizeof sql,
             "select t.uuid, %s as bound_to, t.%s as sealed from posthorn.%s t where t.uuid > $1 and " OLD(
                 "t.%s") "$2 "
                         "order by t.uuid limit " BATCH " for no key update of t skip locked",
             column->of != NULL ? column->of : "t.uuid", column->column, column->table, column->column);
    PGresult *rows = begin_batch(work, sql, VALUES(store_text(after), work->id), error);
    bool ok = rows != NULL;
    for (int row = 0; ok && row < PQntuples(rows); row++)
        ok = rekey_row(work, column, rows, row, error);
    *full = ok && PQntuples(rows) > 0;
    if (*full)
        snprintf(after, 37, "%s", store_cell(rows, PQntuples(rows) - 1, "uuid"));
    PQclear(rows);
    return end_batch(work, ok, error);
}

static bool pass_over_column(struct work *work, const void *what, const char *name, struct error *error)
{
    char after[37] = "00000000-0000-0000-0000-000000000000";
    bool full = true, ok = true;
    while (ok && full) {
        long long before = work->resealed;
        ok = column_batch(work, what, after, &full, error);
        work->done += work->resealed - before;
        show_progress(work, name);
    }
    return ok;
}

/* The place of a pass over the dead letters. */
struct letter_at {
    char recorded_at[64];
    long long position, offset;
};

static bool rekey_letter(struct work *work, const PGresult *rows, int row, struct error *error)
{
    char text[SEALED_PLACE_SIZE];
    struct buffer value, headers;
    struct text place =
        sealed_place_of_record(store_cell(rows, row, "topic"), store_cell_number(rows, row, "partition"),
                               store_cell_number(rows, row, "offset"), text);
    buffer_init(&value, LETTER_MAX);
    buffer_init(&headers, LETTER_MAX);
    bool ok = reseal(work, rows, row, "value", place, &value, error) &&
              reseal(work, rows, row, "headers", place, &headers, error);
    if (ok && value.size + headers.size > 0) {
        ok = store_run(work->context->db, "select posthorn.dead_letter_resealed($1, $2, $3, $4, $5, $6)",
                       VALUES(store_text(store_cell(rows, row, "recorded_at")),
                              store_number(store_cell_number(rows, row, "position_id")),
                              store_number(store_cell_number(rows, row, "offset")),
                              store_text(store_cell(rows, row, "ctid")), keep_value(&value), keep_value(&headers)),
                       error);
        work->resealed += ok;
    }
    buffer_fini(&value);
    buffer_fini(&headers);
    return ok;
}

static bool letter_batch(struct work *work, struct letter_at *after, bool *full, struct error *error)
{
    PGresult *rows = begin_batch(
        work,
        "select d.recorded_at, d.position_id, d.\"offset\", d.ctid, p.topic, p.partition, d.value, d.headers "
        "from posthorn.dead_letter d join posthorn.position p on p.id = d.position_id "
        "where d.erased_at is null and (d.recorded_at, d.position_id, d.\"offset\") > ($1, $2, $3) "
        "and (" OLD("d.value") "$4 or " OLD("d.headers") "$4) order by 1, 2, 3 limit " LETTERS_BATCH
                                                         " for no key update of d skip locked",
        VALUES(store_text(after->recorded_at), store_number(after->position), store_number(after->offset), work->id),
        error);
    bool ok = rows != NULL;
    for (int row = 0; ok && row < PQntuples(rows); row++)
        ok = rekey_letter(work, rows, row, error);
    *full = ok && PQntuples(rows) > 0;
    if (*full) {
        int last = PQntuples(rows) - 1;
        snprintf(after->recorded_at, sizeof after->recorded_at, "%s", store_cell(rows, last, "recorded_at"));
        after->position = store_cell_number(rows, last, "position_id");
        after->offset = store_cell_number(rows, last, "offset");
    }
    PQclear(rows);
    return end_batch(work, ok, error);
}

static bool pass_over_letters(struct work *work, const void *what, const char *name, struct error *error)
{
    struct letter_at after = {.recorded_at = "-infinity"};
    bool full = true, ok = true;
    (void)what;
    while (ok && full) {
        long long before = work->resealed;
        ok = letter_batch(work, &after, &full, error);
        work->done += work->resealed - before;
        show_progress(work, name);
    }
    return ok;
}

/* Counts the values of a column, and those that are sealed with older keys. */
static bool count_column(struct work *work, const struct sealed_column *column, long long *values, long long *left,
                         struct error *error)
{
    char sql[320];
    if (column->table == NULL)
        snprintf(sql, sizeof sql,
                 "select count(*) as values, count(*) filter (where " OLD("value") "$1 or " OLD(
                     "headers") "$1) as left "
                                "from posthorn.dead_letter where erased_at is null");
    else
        snprintf(sql, sizeof sql,
                 "select count(%s) as values, count(*) filter (where " OLD("%s") "$1) as left from posthorn.%s",
                 column->column, column->column, column->table);
    PGresult *row = store_query(work->context->db, sql, VALUES(work->id), error);
    if (row == NULL)
        return false;
    *values = store_cell_number(row, 0, "values");
    *left = store_cell_number(row, 0, "left");
    PQclear(row);
    return true;
}

static void pause_between_passes(void)
{
    const struct timespec pause = {.tv_nsec = PASS_PAUSE_MS * 1000000L};
    nanosleep(&pause, NULL);
}

/* Seals all values of a column again and adds its line of the result. A column without a table stands for the dead
 * letters. */
static bool rekey_column(struct work *work, const struct sealed_column *column, bool dry_run, struct error *error)
{
    char name[80] = "dead_letter";
    long long values, left;
    bool (*pass)(struct work *, const void *, const char *, struct error *) =
        column->table == NULL ? pass_over_letters : pass_over_column;
    if (column->table != NULL)
        snprintf(name, sizeof name, "%s.%s", column->table, column->column);
    bool ok = count_column(work, column, &values, &left, error);
    work->resealed = work->failed = 0;
    for (int passes = 0; ok && !dry_run && left > work->failed && passes < PASSES_MAX; passes++) {
        if (passes > 0)
            pause_between_passes();
        work->failed = 0;
        ok = pass(work, column, name, error) && count_column(work, column, &values, &left, error);
    }
    work->context->found_wrong |= !dry_run && left > 0;
    return ok && (json_array_append_new(work->context->result,
                                        json_pack("{s:s, s:I, s:I, s:I}", "column", name, "values", (json_int_t)values,
                                                  "sealed_anew", (json_int_t)work->resealed, "under_older_keys",
                                                  (json_int_t)left)) == 0 ||
                  error_set(error, "no memory"));
}

static bool for_all_columns(struct work *work, bool dry_run, struct error *error)
{
    static const struct sealed_column letters = {0};
    for (const struct sealed_column *column = sealed_columns; column->table != NULL; column++)
        if (!rekey_column(work, column, dry_run, error))
            return false;
    return rekey_column(work, &letters, dry_run, error);
}

static bool rekey(struct context *context, const void *settings, struct error *error)
{
    const struct rekey_settings *given = settings;
    struct work work = {.context = context, .key = context_master(context, error)};
    long long values, left;
    if (work.key == NULL)
        return false;
    work.id = store_bytes(secret_key_id(work.key));
    for (const struct sealed_column *column = sealed_columns;; column++) {
        if (!count_column(&work, column, &values, &left, error))
            return false;
        work.left += left;
        if (column->table == NULL)
            break;
    }
    context->result = json_array();
    bool ok = for_all_columns(&work, given->dry_run, error);
    if (isatty(STDERR_FILENO) != 0 && !given->dry_run)
        fputc('\n', stderr);
    return ok || error_prefix(error, "%lld values were sealed again; run the same command to continue", work.done);
}

static const struct setting rekey_table[] = {
    OPTION_FLAG(rekey_settings, dry_run, "dry-run", "show how many values are under older keys, and change nothing"),
    {0}};

const struct command rekey_commands[] = {
    {.noun = "rekey",
     .about = "seal all secrets again under the first master key, while all programs run",
     .details =
         "While the master key is being changed, it consists of several keys: the first seals, and all are used for "
         "decryption. The steps are: (1) restart every program with the new key after the old one; (2) restart every "
         "program with the new key before the old one; (3) run this command with both keys, the new one first; (4) "
         "when it shows 0 values under older keys, restart every program with the new key only. The command can be "
         "interrupted and run again at any time. Exit status 1: some values are still under older keys.",
     .settings = rekey_table,
     .settings_size = sizeof(struct rekey_settings),
     .flags = COMMAND_OWN_TRANSACTIONS,
     .run = rekey},
    {0}};
