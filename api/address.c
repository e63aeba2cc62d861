#include "address.h"

#include <string.h>

#define ADDRESS_HOLDER (1ull << 63) /* never equal to an account's id, which is small */

static void write_text(struct address *address)
{
    bool four = address_is_ipv4(address->bytes);
    inet_ntop(four ? AF_INET : AF_INET6, address->bytes + (four ? 12 : 0), address->text, sizeof address->text);
}

bool address_set(struct address *address, const struct sockaddr *from)
{
    *address = (struct address){0};
    if (!address_of(from, address->bytes))
        return false;
    write_text(address);
    return true;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits >= 1 && digits <= 5 && text[digits] == '\0';
}

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711" */
static bool parse(const char *text, size_t size, unsigned char bytes[static ADDRESS_SIZE])
{
    char copy[INET6_ADDRSTRLEN + sizeof "[]:65535"], *host = copy, *after = NULL;
    struct network one;
    if (size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (*copy == '[') {
        host = copy + 1;
        if ((after = strchr(host, ']')) == NULL || memchr(host, ':', (size_t)(after - host)) == NULL)
            return false;
        *after++ = '\0';
        if (*after != '\0' && (*after != ':' || !is_port(after + 1)))
            return false;
    } else if ((after = strchr(copy, ':')) != NULL && strchr(after + 1, ':') == NULL) {
        *after = '\0';
        if (!is_port(after + 1))
            return false;
    }
    if (strchr(host, '/') != NULL || !network_parse(host, &one))
        return false;
    memcpy(bytes, one.bytes, ADDRESS_SIZE);
    return true;
}

/* Reads one line from its end. Returns false at the end of the chain. */
static bool walk(struct address *address, const struct networks *proxies, const char *line)
{
    const char *end = line + strlen(line);
    while (end > line) {
        const char *start = end;
        while (start > line && start[-1] != ',')
            start--;
        const char *first = start, *past = end;
        while (first < past && (*first == ' ' || *first == '\t'))
            first++;
        while (past > first && (past[-1] == ' ' || past[-1] == '\t'))
            past--;
        if (first < past &&
            (!networks_contain(proxies, address->bytes) || !parse(first, (size_t)(past - first), address->bytes)))
            return false;
        end = start > line ? start - 1 : line;
    }
    return true;
}

void address_forwarded(struct address *address, const struct networks *proxies, const char *const *lines, size_t count)
{
    while (count > 0 && walk(address, proxies, lines[count - 1]))
        count--;
    write_text(address);
}

uint64_t address_holder(const struct address *address)
{
    uint64_t holder = 0;
    size_t first = address_is_ipv4(address->bytes) ? 8 : 0; /* ::ffff:a.b.c.d: skip the first half */
    for (size_t i = 0; i < 8; i++)
        holder = holder << 8 | address->bytes[first + i];
    return holder | ADDRESS_HOLDER;
}
