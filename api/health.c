#include "health.h"

#include "stats.h"

#define PAGE_MAX (1u << 20)

bool health_live(struct request *request)
{
    return answer_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

bool health_ready(struct request *request)
{
    struct error error;
    if (!request_take_database(request))
        return false;
    if (!store_run(request->db, "select from posthorn.api_rate limit 1", NO_VALUES, &error))
        return fail(request, PROBLEM_UNAVAILABLE, "the database does not answer, or is not migrated");
    return answer_json(request, 200, json_pack("{s:s}", "status", "ready"));
}

bool health_metrics(struct request *request)
{
    buffer_fini(&request->bytes); /* there is no body: its buffer takes the output, and is freed with the request */
    buffer_init(&request->bytes, PAGE_MAX);
    stats_print(request->api->stats, &request->bytes);
    request->page = buffer_text(&request->bytes);
    request->content_type = "text/plain; version=0.0.4; charset=utf-8";
    request->status = 200;
    return !request->bytes.failed || fail(request, PROBLEM_INTERNAL, "the metrics are too long");
}
