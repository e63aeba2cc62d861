#include "outcome.h"

#include <stdio.h>
#include <string.h>

#include "tls.h"

/* Returns the audit's text for a common failure; others use libcurl's text. */
static const char *words_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the host name could not be resolved";
    case CURLE_OPERATION_TIMEDOUT:
        return "timed out";
    case CURLE_GOT_NOTHING:
        return "the connection was closed without a response";
    case CURLE_RECV_ERROR:
        return "the connection was reset while the response was read";
    case CURLE_SEND_ERROR:
        return "the connection was reset while the request was sent";
    case CURLE_PARTIAL_FILE:
        return "the connection was closed in the middle of the response";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
        return "the response is not HTTP";
    case CURLE_URL_MALFORMAT:
        return "the URL cannot be used";
    case CURLE_OUT_OF_MEMORY: /* for a header line of more than 100 KiB before libcurl 8.6 */
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
        return "a line of the response's head is too long, or there is no memory for it";
    case CURLE_BAD_CONTENT_ENCODING:
        return "the encoding of the response is invalid";
    default:
        return NULL;
    }
}

/* True if the connection ended as it does when a server expects TLS and gets HTTP. */
static bool ends_early(CURLcode code)
{
    return code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_UNSUPPORTED_PROTOCOL;
}

static void describe_failure(const struct result *result, char *out, size_t size)
{
    const char *words = words_of(result->code), *detail = result->quiet ? "" : result->detail;
    if (result->refused_by_guard)
        snprintf(out, size, "the address is not allowed: it is not public");
    else if (result->excess == EXCESS_BODY)
        snprintf(out, size, "the response is too long (status %ld)", result->status);
    else if (result->excess == EXCESS_HEAD)
        snprintf(out, size, "the response's headers are too long or too many (status %ld)", result->status);
    else if (result->code != CURLE_OK && result->proxy_status >= 300)
        snprintf(out, size, "the proxy refused to connect: its response has the status %ld", result->proxy_status);
    else if (result->code == CURLE_RECV_ERROR && strstr(result->detail, "chunk") != NULL)
        snprintf(out, size, "the chunks of the response are invalid");
    else if (tls_describe(result, out, size))
        return;
    else if (result->plain && result->status == 0 && ends_early(result->code))
        snprintf(out, size, "%s; if the port speaks TLS, the URL must begin with https", words);
    else if (result->code == CURLE_COULDNT_CONNECT && result->os_errno != 0)
        snprintf(out, size, "cannot connect: %s", strerror((int)result->os_errno));
    else if (result->code == CURLE_OPERATION_TIMEDOUT && *detail != '\0')
        snprintf(out, size, "%s: %s", words, detail);
    else
        snprintf(out, size, "%s", words != NULL ? words : *detail != '\0' ? detail : curl_easy_strerror(result->code));
}

static void describe_status(long status, char *out, size_t size)
{
    if (status >= 300 && status < 400)
        snprintf(out, size, "answered %ld: redirects are not followed", status);
    else
        snprintf(out, size, "answered %ld", status);
}

struct verdict outcome_of(const struct result *result, struct span retry_after_max)
{
    struct verdict verdict = {0};
    if (result->code != CURLE_OK || result->refused_by_guard || result->excess != EXCESS_NONE) {
        describe_failure(result, verdict.error, sizeof verdict.error);
        return verdict;
    }
    verdict.delivered = result->status >= 200 && result->status < 300;
    if (verdict.delivered)
        return verdict;
    describe_status(result->status, verdict.error, sizeof verdict.error);
    verdict.gone = result->status == 410;
    verdict.pause = result->retry_after.ns > retry_after_max.ns ? retry_after_max : result->retry_after;
    verdict.slow_down = result->status == 429 || verdict.pause.ns > 0;
    return verdict;
}

bool outcome_pause(const struct span *schedule, size_t count, int made, double random, struct span *pause)
{
    if (made < 1 || (size_t)made > count)
        return false;
    pause->ns = (int64_t)((double)schedule[made - 1].ns * (0.8 + 0.4 * random));
    return true;
}
