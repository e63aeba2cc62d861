#include "sink_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RECENT = 128, PATH_KEPT = 119, ID_KEPT = 127, JOURNAL_BUFFER = 1 << 20 };

struct recent {
    int64_t time;
    char path[PATH_KEPT + 1];
    char id[ID_KEPT + 1];
};

struct event {
    uint64_t hash; /* 0: free slot */
    int64_t first;
    int64_t last;
    uint64_t requests;
};

struct sink_record {
    size_t keep;
    size_t mask; /* both tables are open-addressed with mask + 1 >= 2 * keep slots */
    uint64_t *pairs;
    struct event *events;
    size_t pair_count;
    size_t event_count;
    uint64_t last_event; /* hash */
    uint64_t requests;
    uint64_t head_bytes;
    uint64_t body_bytes;
    uint64_t without_id;
    uint64_t duplicates;
    uint64_t not_remembered;
    int64_t first;
    int64_t last;
    struct recent recent[RECENT];
    FILE *journal;
    bool dirty;
};

/* FNV-1a and a final mix. 64 bits: among a million requests, the probability of a false duplicate is 1 in 37 million.
 */
static uint64_t hash_text(uint64_t hash, struct sink_text text)
{
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_end(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    return hash != 0 ? hash : 1;
}

static uint64_t hash_id(struct sink_text id)
{
    return hash_end(hash_text(UINT64_C(0xcbf29ce484222325), id));
}

struct sink_record *sink_record_new(size_t keep, const char *journal)
{
    struct sink_record *record = calloc(1, sizeof *record);
    if (record == NULL)
        return NULL;
    size_t slots = 2;
    while (slots < 2 * keep)
        slots *= 2;
    record->keep = keep;
    record->mask = slots - 1;
    record->pairs = calloc(slots, sizeof *record->pairs);
    record->events = calloc(slots, sizeof *record->events);
    if (record->pairs == NULL || record->events == NULL)
        goto failed;
    if (journal != NULL) {
        record->journal = fopen(journal, "ae");
        if (record->journal == NULL || setvbuf(record->journal, NULL, _IOFBF, JOURNAL_BUFFER) != 0)
            goto failed;
    }
    return record;
failed:
    sink_record_free(&record);
    return NULL;
}

void sink_record_free(struct sink_record **record)
{
    if (*record == NULL)
        return;
    if ((*record)->journal != NULL)
        fclose((*record)->journal);
    free((*record)->events);
    free((*record)->pairs);
    free(*record);
    *record = NULL;
}

static void note_pair(struct sink_record *record, uint64_t hash)
{
    size_t slot = hash & record->mask;
    while (record->pairs[slot] != 0 && record->pairs[slot] != hash)
        slot = (slot + 1) & record->mask;
    if (record->pairs[slot] == hash) {
        record->duplicates++;
    } else if (record->pair_count < record->keep) {
        record->pairs[slot] = hash;
        record->pair_count++;
    } else {
        record->not_remembered++;
    }
}

static struct event *find_event(const struct sink_record *record, uint64_t hash)
{
    size_t slot = hash & record->mask;
    while (record->events[slot].hash != 0 && record->events[slot].hash != hash)
        slot = (slot + 1) & record->mask;
    return &record->events[slot];
}

static void note_event(struct sink_record *record, uint64_t hash, int64_t now)
{
    struct event *event = find_event(record, hash);
    if (event->hash == 0) {
        if (record->event_count == record->keep)
            return;
        record->event_count++;
        *event = (struct event){.hash = hash, .first = now};
    }
    event->last = now;
    event->requests++;
    record->last_event = hash;
}

static void keep_text(char *kept, size_t bound, struct sink_text text)
{
    size_t length = text.length < bound ? text.length : bound;
    memcpy(kept, text.at, length);
    kept[length] = '\0';
}

void sink_record_add(struct sink_record *record, int64_t now, const struct sink_request *request)
{
    struct sink_text path = request->path;
    struct sink_text id = request->id;
    struct recent *recent = &record->recent[record->requests % RECENT];
    recent->time = now;
    keep_text(recent->path, PATH_KEPT, path);
    keep_text(recent->id, ID_KEPT, id);
    if (record->requests++ == 0)
        record->first = now;
    record->last = now;
    record->head_bytes += request->head_length;
    record->body_bytes += request->content_length;
    if (id.length > 0) {
        uint64_t hash = hash_id(id);
        note_event(record, hash, now);
        note_pair(record, hash_end(hash_text(hash, path)));
    } else {
        record->without_id++;
    }
    if (record->journal != NULL) {
        fprintf(record->journal, "%" PRId64 " %.*s %.*s\n", now, id.length > 0 ? (int)id.length : 1,
                id.length > 0 ? id.at : "-", (int)path.length, path.at);
        record->dirty = true;
    }
}

void sink_record_reset(struct sink_record *record)
{
    memset(record->pairs, 0, (record->mask + 1) * sizeof *record->pairs);
    memset(record->events, 0, (record->mask + 1) * sizeof *record->events);
    record->pair_count = record->event_count = 0;
    record->last_event = record->requests = record->without_id = record->duplicates = record->not_remembered = 0;
    record->head_bytes = record->body_bytes = 0;
    record->first = record->last = 0;
}

bool sink_record_dirty(const struct sink_record *record)
{
    return record->dirty;
}

bool sink_record_flush(struct sink_record *record)
{
    record->dirty = false;
    return record->journal == NULL || (fflush(record->journal) == 0 && !ferror(record->journal));
}

void sink_record_print_stats(const struct sink_record *record, FILE *out)
{
    fprintf(out,
            "{\"requests\":%" PRIu64 ",\"distinct\":%zu,\"duplicates\":%" PRIu64
            ",\"events\":%zu,\"without_id\":%" PRIu64 ",\"not_remembered\":%" PRIu64 ",\"head_bytes\":%" PRIu64
            ",\"body_bytes\":%" PRIu64 ",\"first_ns\":%" PRId64 ",\"last_ns\":%" PRId64 "}\n",
            record->requests, record->pair_count, record->duplicates, record->event_count, record->without_id,
            record->not_remembered, record->head_bytes, record->body_bytes, record->first, record->last);
}

void sink_record_print_spread(const struct sink_record *record, struct sink_text id, FILE *out)
{
    uint64_t hash = id.length > 0 ? hash_id(id) : record->last_event;
    const struct event *event = find_event(record, hash);
    if (hash == 0 || event->hash == 0) {
        fprintf(out, "{\"requests\":0}\n");
        return;
    }
    fprintf(out, "{\"requests\":%" PRIu64 ",\"first_ns\":%" PRId64 ",\"last_ns\":%" PRId64 ",\"spread_ms\":%.3f}\n",
            event->requests, event->first, event->last, (double)(event->last - event->first) / 1e6);
}

/* Only visible ASCII is written unchanged, so that the response is JSON for every input. */
static void print_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

void sink_record_print_requests(const struct sink_record *record, FILE *out)
{
    uint64_t from = record->requests > RECENT ? record->requests - RECENT : 0;
    fputc('[', out);
    for (uint64_t i = from; i < record->requests; i++) {
        const struct recent *recent = &record->recent[i % RECENT];
        fprintf(out, "%s{\"time_ns\":%" PRId64 ",\"webhook_id\":", i > from ? ",\n" : "", recent->time);
        print_text(recent->id, out);
        fprintf(out, ",\"path\":");
        print_text(recent->path, out);
        fputc('}', out);
    }
    fprintf(out, "]\n");
}
