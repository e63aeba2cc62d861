/* Secrets as users may write them: an accepted secret has a key within its bounds, and signs. */
#include "event/signature.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text secret = {(const char *)data, size};
    struct buffer key;
    struct error error = {""};
    char one[SIGNATURE_STANDARD_SIZE], two[SIGNATURE_STANDARD_SIZE], hex[SIGNATURE_HEX_SIZE];
    buffer_init(&key, 4096);
    if (!signature_key(secret, &key, &error)) {
        ENSURE(error.text[0] != '\0' && text_is_utf8(text_of(error.text)));
        buffer_fini(&key);
        return 0;
    }
    bool encoded = text_starts(secret, TEXT("whsec_"));
    ENSURE(encoded ? key.size >= 24 && key.size <= 64 : text_equal(buffer_text(&key), secret));
    struct signer *signer = signer_new(buffer_text(&key));
    ENSURE(signer != NULL);
    ENSURE(signature_standard(signer, TEXT("id"), TEXT("1"), secret, one) && signature_hex(signer, secret, hex));
    ENSURE(signature_standard(signer, TEXT("id"), TEXT("1"), secret, two) && strcmp(one, two) == 0);
    ENSURE(strlen(one) == 47 && strlen(hex) == 64);
    signer_free(&signer);
    buffer_fini(&key);
    return 0;
}
