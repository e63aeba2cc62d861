/* What is accepted as a certificate, an authority and a key. The tests create the PEM texts with OpenSSL. */
#include "net/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct made {
    struct buffer certificate, key;
};

static void take(BIO *bio, struct buffer *out)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    buffer_init(out, 100000);
    buffer_append(out, data, (size_t)size);
    BIO_free(bio);
}

static struct made make(const char *name, EVP_PKEY *key, int days)
{
    struct made made;
    X509 *certificate = X509_new();
    BIO *text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                               -1, 0);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400L);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_X509(text, certificate), 1);
    assert_int_equal(PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL), 1);
    take(text, &made.certificate);
    take(key_text, &made.key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made;
}

static void unmake(struct made *made)
{
    buffer_fini(&made->certificate);
    buffer_fini(&made->key);
}

static bool read(struct text pem, struct buffer *clean, struct certificate *about, size_t *count, struct error *error)
{
    buffer_init(clean, CERTIFICATE_MAX);
    error->text[0] = '\0';
    return certificate_read(pem, clean, about, count, error);
}

static void test_facts(void **state)
{
    (void)state;
    struct certificate about[CERTIFICATES_MAX];
    struct made made = make("M\xc3\xbcller \"x\",\n", EVP_EC_gen("P-256"), 10);
    struct buffer clean;
    struct error error;
    size_t count;
    assert_true(read(buffer_text(&made.certificate), &clean, about, &count, &error));
    assert_int_equal(count, 1);
    assert_true(text_equal(buffer_text(&clean), buffer_text(&made.certificate)));
    assert_string_equal(about[0].subject, "CN=M\\C3\\BCller \\\"x\\\"\\,\\0A");
    assert_int_equal(strlen(about[0].fingerprint), 64);
    assert_int_equal(strlen(about[0].not_after), strlen("2026-01-31T12:00:00Z"));
    assert_true(certificate_check_key(buffer_text(&clean), buffer_text(&made.key), &error));
    buffer_fini(&clean);
    unmake(&made);
}

/* Text around the blocks is not kept. */
static void test_only_certificates_are_kept(void **state)
{
    (void)state;
    struct certificate about[CERTIFICATES_MAX];
    struct made made = make("a", EVP_EC_gen("P-256"), 10);
    struct buffer dressed, clean;
    struct error error;
    size_t count;
    buffer_init(&dressed, 100000);
    buffer_append_text(&dressed, TEXT("Bag Attributes: my password\r\n"));
    buffer_append_text(&dressed, buffer_text(&made.certificate));
    buffer_append_text(&dressed, TEXT("between\n"));
    buffer_append_text(&dressed, buffer_text(&made.certificate));
    buffer_append_text(&dressed, TEXT("after\n"));
    assert_true(read(buffer_text(&dressed), &clean, about, &count, &error));
    assert_int_equal(count, 2);
    assert_int_equal(clean.size, 2 * made.certificate.size);
    buffer_fini(&clean);
    buffer_append_text(&dressed, buffer_text(&made.key));
    assert_false(read(buffer_text(&dressed), &clean, about, &count, &error));
    assert_non_null(strstr(error.text, "the certificates include a private key"));
    buffer_fini(&clean);
    buffer_fini(&dressed);
    unmake(&made);
}

static void test_refused(void **state)
{
    (void)state;
    struct certificate about[CERTIFICATES_MAX];
    struct made old = make("old", EVP_EC_gen("P-256"), -1), weak = make("weak", EVP_RSA_gen(1024), 10);
    struct buffer clean;
    struct error error;
    size_t count;
    assert_false(read(buffer_text(&old.certificate), &clean, about, &count, &error));
    assert_non_null(strstr(error.text, "CN=old expired at "));
    buffer_fini(&clean);
    assert_false(read(buffer_text(&weak.certificate), &clean, about, &count, &error));
    assert_non_null(strstr(error.text, "too weak"));
    buffer_fini(&clean);
    assert_false(read(TEXT(""), &clean, about, &count, &error));
    buffer_fini(&clean);
    for (size_t cut = 1; cut < weak.certificate.size - 1; cut += 7) { /* an incomplete one is not accepted */
        assert_false(read((struct text){weak.certificate.data, cut}, &clean, about, &count, &error));
        assert_true(strlen(error.text) > 0);
        buffer_fini(&clean);
    }
    unmake(&old);
    unmake(&weak);
}

static void test_keys(void **state)
{
    (void)state;
    struct error error;
    struct made a = make("a", EVP_EC_gen("P-256"), 10), b = make("b", EVP_EC_gen("P-256"), 10);
    assert_false(certificate_check_key(buffer_text(&a.certificate), buffer_text(&b.key), &error));
    assert_non_null(strstr(error.text, "not the key"));
    assert_false(certificate_check_key(buffer_text(&a.certificate), buffer_text(&a.certificate), &error));
    assert_non_null(strstr(error.text, "no private key"));
    assert_false(
        certificate_check_key(buffer_text(&a.certificate), TEXT("-----BEGIN ENCRYPTED PRIVATE KEY-----"), &error));
    assert_non_null(strstr(error.text, "encrypted"));
    unmake(&a);
    unmake(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_facts), cmocka_unit_test(test_only_certificates_are_kept),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_keys)};
    return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
