#include "framing.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

#define CHUNK_LINE_MAX 256 /* including extensions, which are not used in practice */
#define CHUNK_DIGITS_MAX 8
#define LENGTH_DIGITS_MAX 15
#define TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define HOST "-._~%!$&'()*+;=:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static struct framing_step refuse(unsigned status, const char *why)
{
    return (struct framing_step){.status = status, .why = why};
}

static const struct framing_step more = {0};

/* True if the text consists of these characters only. */
static bool is_of(struct text text, const char *set)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\0' || strchr(set, text.data[i]) == NULL)
            return false;
    return text.size > 0;
}

static bool is_word(struct text text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

/* True if a line contains only HTAB, visible ASCII, space, and bytes above 0x7f (obs-text). */
static bool is_clean(struct text line)
{
    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)line.data[i] < 0x20 ? line.data[i] != '\t' : line.data[i] == 0x7f)
            return false;
    return true;
}

enum line { LINE_GOOD, LINE_PART, LINE_BAD };

/* Reads the line at *at, without its CRLF, and moves *at past it. A bare CR or LF, NUL or another control character is
 * an error as soon as it is seen. */
static enum line next_line(struct text data, size_t *at, struct text *line)
{
    const char *start = data.data + *at;
    size_t left = data.size - *at;
    const char *feed = left == 0 ? NULL : memchr(start, '\n', left);
    size_t size = feed == NULL ? left : (size_t)(feed - start);
    bool returned = size > 0 && start[size - 1] == '\r';
    *line = (struct text){start, returned ? size - 1 : size};
    if (!is_clean(*line) || (feed != NULL && !returned))
        return LINE_BAD;
    if (feed == NULL)
        return LINE_PART;
    *at += size + 1;
    return LINE_GOOD;
}

struct head {
    int hosts, lengths, codings;
    bool old, chunked; /* old: HTTP/1.0 */
    uint64_t length;
};

/* Reads method SP target SP HTTP/1.x. */
static struct framing_step read_request_line(struct text line, struct head *head)
{
    const char *space = line.size == 0 ? NULL : memchr(line.data, ' ', line.size);
    if (space == NULL)
        return refuse(400, "the request line is not METHOD TARGET HTTP/1.1");
    struct text method = {line.data, (size_t)(space - line.data)};
    struct text rest = {space + 1, line.size - method.size - 1};
    const char *second = rest.size == 0 ? NULL : memchr(rest.data, ' ', rest.size);
    struct text target = {rest.data, second == NULL ? rest.size : (size_t)(second - rest.data)};
    struct text version = {second == NULL ? NULL : second + 1, second == NULL ? 0 : rest.size - target.size - 1};
    if (!is_of(method, TOKEN) || method.size > 32)
        return refuse(400, "the method is not a token");
    for (size_t i = 0; i < target.size; i++)
        if ((unsigned char)target.data[i] <= 0x20 || (unsigned char)target.data[i] >= 0x7f || target.data[i] == '#')
            return refuse(400, "the request's target has a character that must be percent-encoded");
    if (target.size == 0)
        return refuse(400, "the request has no target");
    if (version.size != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.' || version.data[5] < '0' ||
        version.data[5] > '9' || version.data[7] < '0' || version.data[7] > '9')
        return refuse(400, "the request line does not end with HTTP/1.1");
    if (version.data[5] != '1' || version.data[7] > '1')
        return refuse(505, "only HTTP/1.1 and HTTP/1.0 are supported");
    head->old = version.data[7] == '0';
    return more;
}

static struct framing_step read_length(struct text value, struct head *head)
{
    if (head->lengths++ > 0)
        return refuse(400, "there is more than one Content-Length");
    if (!is_of(value, "0123456789"))
        return refuse(400, "Content-Length is not a number");
    if (value.size > LENGTH_DIGITS_MAX)
        return refuse(413, "the body is too large");
    for (size_t i = 0; i < value.size; i++)
        head->length = head->length * 10 + (uint64_t)(value.data[i] - '0');
    return more;
}

/* Reads name, colon, value; rejects folded lines and a space before the colon. */
static struct framing_step read_field(struct text line, struct head *head)
{
    const char *colon = memchr(line.data, ':', line.size);
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return refuse(400, "a header is folded over several lines");
    if (colon == NULL)
        return refuse(400, "a header has no colon");
    struct text name = {line.data, (size_t)(colon - line.data)}, value = {colon + 1, line.size - name.size - 1};
    if (!is_of(name, TOKEN))
        return refuse(400,
                      "a header's name contains a character that is not allowed, such as a space before the colon");
    while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = (struct text){value.data + 1, value.size - 1};
    bool blanks_behind = value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t');
    while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t'))
        value.size--;
    if (is_word(name, "Content-Length"))
        return read_length(value, head);
    if (is_word(name, "Host")) {
        if (head->hosts++ > 0)
            return refuse(400, "there is more than one Host");
        return value.size > 0 && !is_of(value, HOST) ? refuse(400, "Host is not a host name and port") : more;
    }
    if (is_word(name, "Transfer-Encoding")) {
        /* libmicrohttpd keeps blanks after a value, and treats "chunked " as a body without end */
        head->chunked = is_word(value, "chunked") && !blanks_behind;
        if (head->codings++ > 0)
            return refuse(400, "there is more than one Transfer-Encoding");
        return head->chunked ? more : refuse(501, "the only supported Transfer-Encoding is chunked");
    }
    return more;
}

static struct framing_step check_head(const struct head *head)
{
    if (!head->old && head->hosts == 0)
        return refuse(400, "Host is missing");
    if (head->codings > 0 && head->lengths > 0)
        return refuse(400, "there are both Transfer-Encoding and Content-Length");
    if (head->codings > 0 && head->old)
        return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    return more;
}

/* Reads all lines up to the empty one that ends a head or trailers. `head` is NULL for trailers. */
static struct framing_step read_lines(struct text data, bool full, struct head *head)
{
    struct head trailers = {0}, *fields = head != NULL ? head : &trailers;
    struct text line;
    size_t at = 0;
    for (int lines = 0; lines <= FRAMING_LINES_MAX; lines++) {
        enum line found = next_line(data, &at, &line);
        if (found == LINE_BAD)
            return refuse(400, "a line contains a control character, or does not end with CR LF");
        if (found == LINE_PART)
            return !full                        ? more
                   : lines == 0 && head != NULL ? refuse(414, "the request's target is too long")
                                                : refuse(431, "the headers are too long");
        if (line.size == 0 && (lines > 0 || head == NULL))
            return (struct framing_step){.size = at};
        struct framing_step step =
            lines == 0 && head != NULL ? read_request_line(line, head) : read_field(line, fields);
        if (step.status != 0)
            return step;
        if (trailers.hosts + trailers.lengths + trailers.codings > 0)
            return refuse(400, "the trailers contain a header that determines how the request is read");
    }
    return refuse(431, "there are too many headers");
}

static struct framing_step read_head(struct framing *framing, struct text data, bool full)
{
    struct head head = {0};
    struct framing_step step = read_lines(data, full, &head);
    if (step.size == 0)
        return step;
    struct framing_step bad = check_head(&head);
    if (bad.status != 0)
        return bad;
    framing->left = head.length;
    framing->state = head.chunked ? FRAMING_CHUNK_SIZE : head.length > 0 ? FRAMING_BODY : FRAMING_HEAD;
    step.ends = framing->state == FRAMING_HEAD;
    return step;
}

/* Reads hexadecimal digits, of a whole line: optionally ";" and extensions, CR LF. */
static struct framing_step read_chunk_size(struct framing *framing, struct text data)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    struct text line;
    size_t at = 0, count = 0;
    enum line found = next_line(data, &at, &line);
    if (found == LINE_BAD || line.size > CHUNK_LINE_MAX)
        return refuse(400, "the line of a chunk contains a control character, is too long, or does not end with CR LF");
    framing->left = 0;
    for (; count < line.size && line.data[count] != ';'; count++) {
        const char *digit = line.data[count] == '\0' ? NULL : strchr(digits, line.data[count]);
        if (digit == NULL)
            return refuse(400, "the size of a chunk is not hexadecimal");
        if (count == CHUNK_DIGITS_MAX)
            return refuse(413, "a chunk is too large");
        framing->left = framing->left * 16 + (uint64_t)(digit - digits) % 16;
    }
    if (found == LINE_PART)
        return more;
    if (count == 0)
        return refuse(400, "the size of a chunk is missing");
    framing->state = FRAMING_CHUNK_REST;
    return (struct framing_step){.size = count};
}

/* Reads what follows the digits. The last chunk is passed on with its trailers, when these are found to be valid: until
 * then, the parser behind can still be made to reject the request. */
static struct framing_step read_chunk_rest(struct framing *framing, struct text data, bool full)
{
    struct text extensions;
    size_t at = 0;
    if (next_line(data, &at, &extensions) != LINE_GOOD)
        return more;
    struct framing_step step = {0};
    if (framing->left == 0) {
        step = read_lines((struct text){data.data + at, data.size - at}, full, NULL);
        if (step.size == 0)
            return step;
        step.ends = true;
    }
    framing->state = step.ends ? FRAMING_HEAD : FRAMING_CHUNK_DATA;
    step.skip = extensions.size;
    step.size += strlen("\r\n");
    return step;
}

static struct framing_step read_chunk_end(struct framing *framing, struct text data)
{
    if (data.data[0] != '\r' || (data.size > 1 && data.data[1] != '\n'))
        return refuse(400, "a chunk does not end with CR LF where its size says");
    if (data.size < 2)
        return more;
    framing->state = FRAMING_CHUNK_SIZE;
    return (struct framing_step){.size = 2};
}

static struct framing_step take_data(struct framing *framing, size_t size)
{
    size_t taken = size < framing->left ? size : (size_t)framing->left;
    bool whole = framing->state == FRAMING_BODY;
    framing->left -= taken;
    if (framing->left == 0)
        framing->state = whole ? FRAMING_HEAD : FRAMING_CHUNK_END;
    return (struct framing_step){.size = taken, .ends = whole && framing->left == 0};
}

struct framing_step framing_next(struct framing *framing, const char *data, size_t size, bool full)
{
    struct text text = {data, size};
    if (size == 0)
        return more;
    switch (framing->state) {
    case FRAMING_HEAD:
        return read_head(framing, text, full);
    case FRAMING_CHUNK_SIZE:
        return read_chunk_size(framing, text);
    case FRAMING_CHUNK_REST:
        return read_chunk_rest(framing, text, full);
    case FRAMING_CHUNK_END:
        return read_chunk_end(framing, text);
    default:
        return take_data(framing, size);
    }
}
