#include "sink_request.h"

#include <string.h>
#include <strings.h>

bool sink_text_skip(struct sink_text *text, const char *words)
{
    size_t length = strlen(words);
    if (text->length < length || memcmp(text->at, words, length) != 0)
        return false;
    text->at += length;
    text->length -= length;
    return true;
}

static bool request_line(const char *line, const char *end, struct sink_request *request)
{
    const char *space = memchr(line, ' ', (size_t)(end - line));
    if (space == NULL)
        return false;
    request->post = (size_t)(space - line) == 4 && memcmp(line, "POST", 4) == 0;
    const char *path = space + 1;
    const char *stop = memchr(path, ' ', (size_t)(end - path));
    if (stop == NULL || stop == path)
        return false;
    const char *mark = memchr(path, '?', (size_t)(stop - path));
    const char *path_end = mark != NULL ? mark : stop;
    request->path = (struct sink_text){path, (size_t)(path_end - path)};
    request->query =
        mark != NULL ? (struct sink_text){mark + 1, (size_t)(stop - mark - 1)} : (struct sink_text){stop, 0};
    return true;
}

static bool header_is(const char *line, const char *end, const char *name, struct sink_text *value)
{
    size_t length = strlen(name);
    if ((size_t)(end - line) <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
        return false;
    const char *at = line + length + 1;
    while (at < end && *at == ' ')
        at++;
    *value = (struct sink_text){at, (size_t)(end - at)};
    return true;
}

static bool number(struct sink_text text, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || *value > UINT64_MAX / 100)
            return false;
        *value = *value * 10 + (uint64_t)(text.at[i] - '0');
    }
    return text.length > 0;
}

enum sink_parse sink_request_parse(const char *data, size_t length, struct sink_request *request)
{
    const char *blank = memmem(data, length, "\r\n\r\n", 4);
    if (blank == NULL)
        return SINK_INCOMPLETE;
    *request = (struct sink_request){.id = {data, 0}, .head_length = (size_t)(blank - data) + 4};
    const char *end = memchr(data, '\r', request->head_length);
    if (!request_line(data, end, request))
        return SINK_BROKEN;
    while (end < blank) {
        const char *line = end + 2;
        end = memmem(line, (size_t)(blank + 2 - line), "\r\n", 2);
        if (end == NULL)
            return SINK_BROKEN;
        struct sink_text value;
        if (header_is(line, end, "webhook-id", &request->id))
            continue;
        if (header_is(line, end, "content-length", &value) && !number(value, &request->content_length))
            return SINK_BROKEN;
    }
    return SINK_PARSED;
}
