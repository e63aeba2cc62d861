/*
 * Reads the head of one HTTP/1.1 request, as much of it as a benchmark's receiver needs.
 *
 * First step of the sink: bytes -> request -> record -> response. Nothing is copied: the parts of the result
 * point into the caller's bytes and live as long as they do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink_text {
    const char *at;
    size_t length;
};

struct sink_request {
    bool post;               /* POST; everything else is treated as GET */
    struct sink_text path;   /* without the query */
    struct sink_text query;  /* after the '?', may be empty */
    struct sink_text id;     /* value of webhook-id, empty when there is none */
    size_t head_length;      /* bytes up to and with the empty line */
    uint64_t content_length; /* 0 when not given; chunked bodies are not read */
};

enum sink_parse { SINK_PARSED, SINK_INCOMPLETE, SINK_BROKEN };

/* Whether the text begins with the words; if so, they are removed from it. */
bool sink_text_skip(struct sink_text *text, const char *words);

enum sink_parse sink_request_parse(const char *data, size_t length, struct sink_request *request);
