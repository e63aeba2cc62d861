/* The guard: for every address, nothing that is not public passes; every list is applied as written or
 * refused.
 *
 * An input is a line with networks, a line with ports, and up to 16 bytes of an address. */
#include "net/guard.h"

#include <netinet/in.h>

#include "fuzz.h"

/* The most dangerous ranges, independent of the guard's own table. `a` is in host order. */
static bool is_private(uint32_t a)
{
    return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 16 == (169 << 8 | 254) ||
           a >> 20 == (172 << 4 | 1) || a >> 16 == (192 << 8 | 168) || a >> 22 == (100 << 2 | 1) || a >> 28 >= 14;
}

static bool allows4(const struct guard *guard, const unsigned char bytes[static 4])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    memcpy(&address.sin_addr, bytes, 4);
    return guard_allows(guard, (struct sockaddr *)(void *)&address);
}

static bool allows6(const struct guard *guard, const unsigned char bytes[static 16])
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    memcpy(&address.sin6_addr, bytes, 16);
    return guard_allows(guard, (struct sockaddr *)(void *)&address);
}

/* Not allowed by any list. */
static bool is_open(const unsigned char bytes[static 4])
{
    struct error error;
    struct guard *guard = guard_new("", "", "any", &error);
    ENSURE(guard != NULL);
    bool open = allows4(guard, bytes);
    guard_free(&guard);
    return open;
}

static void check_closed(const unsigned char bytes[static 16])
{
    struct error error;
    struct guard *guard = guard_new("", "", "80,443", &error);
    unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff}, inside[16] = {0x20, 0x02}, nat64[16] = {0, 0x64, 0xff, 0x9b};
    uint32_t a = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    ENSURE(guard != NULL);
    ENSURE(!is_private(a) || !allows4(guard, bytes));
    ENSURE(!allows6(guard, bytes) || bytes[0] >> 5 == 1 || memcmp(bytes, mapped, 12) == 0);
    memcpy(mapped + 12, bytes, 4); /* ::ffff:a.b.c.d is a.b.c.d */
    ENSURE(allows6(guard, mapped) == allows4(guard, bytes));
    memcpy(inside + 2, bytes, 4); /* 6to4 and NAT64 contain IPv4 addresses */
    memcpy(nat64 + 12, bytes, 4);
    ENSURE(!allows6(guard, inside) && !allows6(guard, nat64));
    guard_free(&guard);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text input = {(const char *)data, size};
    char networks[300], ports[300];
    unsigned char bytes[16] = {0};
    struct error error = {""};
    struct text first = fuzz_take_line(&input), second = fuzz_take_line(&input);
    struct text address = fuzz_take(&input, sizeof bytes);
    snprintf(networks, sizeof networks, "%.*s", TEXT_ARGS(first));
    snprintf(ports, sizeof ports, "%.*s", TEXT_ARGS(second));
    memcpy(bytes, address.data, address.size);
    check_closed(bytes);
    struct guard *guard = guard_new(networks, "", ports, &error);
    ENSURE(guard != NULL || error.text[0] != '\0');
    if (guard != NULL) {
        bool any = strcmp(ports, "any") == 0;
        ENSURE(guard_allows_port(guard, 0) == any && guard_allows_port(guard, 65536) == any);
        (void)allows4(guard, bytes);
        (void)allows6(guard, bytes);
    }
    guard_free(&guard);
    /* the same networks denied: no address in them passes, whatever is allowed */
    if ((guard = guard_new("0.0.0.0/0,::/0", networks, "any", &error)) != NULL) {
        struct guard *open = guard_new(networks, "", "any", &error);
        ENSURE(open != NULL && (!allows4(guard, bytes) || !allows4(open, bytes) || is_open(bytes)));
        guard_free(&open);
    }
    guard_free(&guard);
    return 0;
}
