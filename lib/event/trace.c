#include "event/trace.h"

static bool is_lower_hex(const char *digits, size_t size)
{
    bool zero = true;
    for (size_t i = 0; i < size; i++) {
        if (!(digits[i] >= '0' && digits[i] <= '9') && !(digits[i] >= 'a' && digits[i] <= 'f'))
            return false;
        zero = zero && digits[i] == '0';
    }
    return size == 2 || !zero; /* an id of zeros is invalid; flags of zeros are not */
}

bool trace_is_parent(struct text text)
{
    const char *p = text.data;
    return text.size == 55 && p[2] == '-' && p[35] == '-' && p[52] == '-' && is_lower_hex(p, 2) &&
           memcmp(p, "ff", 2) != 0 && is_lower_hex(p + 3, 32) && is_lower_hex(p + 36, 16) && is_lower_hex(p + 53, 2);
}

static bool is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("_-*/@", c) != NULL);
}

/* Checks a member of the list, without the spaces around it. */
static bool is_member(struct text member)
{
    size_t key = 0;
    while (key < member.size && is_key_character(member.data[key]))
        key++;
    return key > 0 && key + 1 < member.size && member.data[key] == '=' &&
           memchr(member.data + key + 1, '=', member.size - key - 1) == NULL;
}

bool trace_is_state(struct text text)
{
    struct text member = {text.data, 0};
    bool any = false;
    if (text.size == 0 || text.size > TRACE_STATE_MAX || text.data[0] == ' ' || text.data[text.size - 1] == ' ')
        return false;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && (text.data[i] < 0x20 || text.data[i] > 0x7e))
            return false;
        if (i < text.size && text.data[i] != ',') {
            member.size++;
            continue;
        }
        while (member.size > 0 && *member.data == ' ')
            member = (struct text){member.data + 1, member.size - 1};
        while (member.size > 0 && member.data[member.size - 1] == ' ')
            member.size--;
        if (member.size > 0 && !is_member(member))
            return false;
        any = any || member.size > 0;
        member = (struct text){text.data + i + 1, 0};
    }
    return any;
}
