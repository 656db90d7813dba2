/* SPDX-License-Identifier: MIT */
/*
 * TLS for MQTT: certificates, pre-shared keys, and the reasons for their failing.
 */
#include "mqtt-tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "base/util.h"

#define PSK_BYTES_MAX 64

struct mqtt_tls {
        SSL_CTX *ctx;
        SSL *ssl;          /* NULL: not connected yet */
        long verify_error; /* X509_V_…; X509_V_OK: none */
        int alert;         /* sent by the broker (RFC 8446 §6), 0: none */
        bool done;         /* the handshake was finished */
        uint8_t psk[PSK_BYTES_MAX];
        unsigned int psk_len;
        char psk_identity[128];
        char server_name[256]; /* "": Host= is no name */
};

DEFINE_OWNED(mqtt_tls, struct mqtt_tls *, mqtt_tls_free);

/* OpenSSL's own verification; only its result is remembered. */
static int on_verify(X509_STORE_CTX *store, void *userdata)
{
        struct mqtt_tls *tls = userdata;
        int good = X509_verify_cert(store);

        if (good <= 0)
                tls->verify_error = X509_STORE_CTX_get_error(store);
        return good;
}

static void on_info(const SSL *ssl, int where, int ret)
{
        struct mqtt_tls *tls = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);

        if (!tls)
                return;
        if (where == SSL_CB_READ_ALERT && (ret >> 8) == SSL3_AL_FATAL)
                tls->alert = ret & 0xff;
        if (where & SSL_CB_HANDSHAKE_DONE)
                tls->done = true;
}

static unsigned int on_psk(SSL *ssl, const char *hint, char *identity, unsigned int identity_max,
                           unsigned char *psk, unsigned int psk_max)
{
        const struct mqtt_tls *tls = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0);

        (void)hint;
        if (!tls || tls->psk_len > psk_max)
                return 0;
        (void)snprintf(identity, identity_max, "%s", tls->psk_identity);
        memcpy(psk, tls->psk, tls->psk_len);
        return tls->psk_len;
}

static int set_psk(struct mqtt_tls *tls, const struct mqtt_settings *settings, char *error,
                   size_t error_size)
{
        const char *hex = settings->psk;
        size_t len = strlen(hex);

        if (len == 0 || len % 2 != 0 || len / 2 > sizeof(tls->psk) || !settings->psk_identity) {
                (void)snprintf(
                        error, error_size,
                        "Psk= must be 2 to %u hexadecimal digits, an even number of them, and "
                        "PskIdentity= must be set",
                        2 * PSK_BYTES_MAX);
                return -EINVAL;
        }
        for (size_t i = 0; i < len / 2; i++) {
                int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

                if (high < 0 || low < 0) {
                        (void)snprintf(error, error_size, "Psk= is not hexadecimal");
                        return -EINVAL;
                }
                tls->psk[i] = (uint8_t)(high << 4 | low);
        }
        tls->psk_len = (unsigned int)(len / 2);
        (void)snprintf(tls->psk_identity, sizeof(tls->psk_identity), "%s", settings->psk_identity);
        SSL_CTX_set_psk_client_callback(tls->ctx, on_psk);
        /* The callback is that of TLS 1.2, which is what mosquitto speaks with PSK. */
        SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TLSv1_3);
        return SSL_CTX_set_cipher_list(tls->ctx, "PSK") == 1 ? 0 : -EINVAL;
}

static int load_authorities(struct mqtt_tls *tls, const struct mqtt_settings *settings, char *error,
                            size_t error_size)
{
        const char *dir = X509_get_default_cert_dir();
        struct stat st;

        if (settings->ca_file) {
                if (SSL_CTX_load_verify_file(tls->ctx, settings->ca_file) == 1)
                        return 0;
                (void)snprintf(
                        error, error_size,
                        "CaFile=%.120s cannot be used: is it there, readable for the service, "
                        "and a PEM certificate?",
                        settings->ca_file);
                return -EINVAL;
        }
        /* The folder is searched by hash when needed; the bundle would cost a megabyte at once. */
        if (stat(dir, &st) == 0 && SSL_CTX_load_verify_dir(tls->ctx, dir) == 1)
                return 0;
        return SSL_CTX_set_default_verify_paths(tls->ctx) == 1 ? 0 : -EINVAL;
}

static int load_certificate(struct mqtt_tls *tls, const struct mqtt_settings *settings, char *error,
                            size_t error_size)
{
        const char *key = settings->cert_key_file ? settings->cert_key_file : settings->cert_file;

        if (!settings->cert_file)
                return 0;
        if (SSL_CTX_use_certificate_chain_file(tls->ctx, settings->cert_file) != 1) {
                (void)snprintf(error, error_size,
                               "CertFile=%.120s cannot be used: is it there, readable for the "
                               "service, and a PEM certificate?",
                               settings->cert_file);
                return -EINVAL;
        }
        if (SSL_CTX_use_PrivateKey_file(tls->ctx, key, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(tls->ctx) != 1) {
                (void)snprintf(error, error_size,
                               "CertKeyFile=%.120s cannot be used: is it there, readable for the "
                               "service, without passphrase, and the key of CertFile=?",
                               key);
                return -EINVAL;
        }
        return 0;
}

static bool is_name(const char *host)
{
        struct in6_addr address;

        return host[0] != '/' && inet_pton(AF_INET, host, &address) != 1 &&
               inet_pton(AF_INET6, host, &address) != 1;
}

static int set_verify(struct mqtt_tls *tls, const struct mqtt_settings *settings)
{
        X509_VERIFY_PARAM *param = SSL_CTX_get0_param(tls->ctx);

        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(tls->ctx, on_verify, tls);
        if (!settings->verify_host || settings->host[0] == '/')
                return 0;
        if (!is_name(settings->host))
                return X509_VERIFY_PARAM_set1_ip_asc(param, settings->host) == 1 ? 0 : -EINVAL;
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        return X509_VERIFY_PARAM_set1_host(param, settings->host, 0) == 1 ? 0 : -EINVAL;
}

int mqtt_tls_new(const struct mqtt_settings *settings, char *error, size_t error_size,
                 struct mqtt_tls **ret)
{
        OWNED(mqtt_tls) struct mqtt_tls *tls = NULL;
        int r;

        tls = calloc(1, sizeof(*tls));
        if (!tls)
                return -ENOMEM;
        tls->ctx = SSL_CTX_new(TLS_client_method());
        if (!tls->ctx || SSL_CTX_set_ex_data(tls->ctx, 0, tls) != 1)
                return -ENOMEM;
        SSL_CTX_set_info_callback(tls->ctx, on_info);
        (void)SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
        /* Read and write buffers, 34 kB, are given back between messages. */
        (void)SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        (void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);

        SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION);
        if (is_name(settings->host))
                (void)snprintf(tls->server_name, sizeof(tls->server_name), "%s", settings->host);

        if (settings->psk) {
                r = set_psk(tls, settings, error, error_size);
        } else {
                r = load_authorities(tls, settings, error, error_size);
                if (r >= 0)
                        r = load_certificate(tls, settings, error, error_size);
                if (r >= 0)
                        r = set_verify(tls, settings);
        }
        ERR_clear_error(); /* the important part was reported */
        if (r < 0)
                return r;
        *ret = TAKE(tls);
        return 0;
}

struct mqtt_tls *mqtt_tls_free(struct mqtt_tls *tls)
{
        if (!tls)
                return NULL;
        SSL_free(tls->ssl);
        SSL_CTX_free(tls->ctx);
        explicit_bzero(tls->psk, sizeof(tls->psk));
        free(tls);
        return NULL;
}

int mqtt_tls_connect(struct mqtt_tls *tls, int fd)
{
        tls->ssl = SSL_new(tls->ctx);
        if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1)
                return -ENOMEM;
        SSL_set_connect_state(tls->ssl);
        /* RFC 6066 §3: not for addresses. Without it a broker of many names gives any of them. */
        if (*tls->server_name && SSL_set_tlsext_host_name(tls->ssl, tls->server_name) != 1)
                return -ENOMEM;
        return 0;
}

int mqtt_tls_handshake(struct mqtt_tls *tls)
{
        int r, why;

        ERR_clear_error();
        r = SSL_do_handshake(tls->ssl);
        if (r == 1)
                return 0;
        why = SSL_get_error(tls->ssl, r);
        ERR_clear_error(); /* the callbacks have noted the important part */
        if (why == SSL_ERROR_WANT_READ)
                return MQTT_TLS_WANT_READ;
        return why == SSL_ERROR_WANT_WRITE ? MQTT_TLS_WANT_WRITE : -EPROTO;
}

/* The result of SSL_read() and SSL_write() in the manner of read(2). A renegotiation, in which each
 * may want the other, is not allowed. */
static ssize_t result_of(struct mqtt_tls *tls, int r)
{
        int error_number = errno, why;

        if (r > 0)
                return r;
        why = SSL_get_error(tls->ssl, r);
        ERR_clear_error();
        switch (why) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
                return -EAGAIN;
        case SSL_ERROR_ZERO_RETURN:
                return 0;
        case SSL_ERROR_SYSCALL:
                return error_number ? -error_number : 0;
        default:
                return -ECONNRESET; /* an alert is kept; an end without goodbye is one as well */
        }
}

ssize_t mqtt_tls_read(struct mqtt_tls *tls, void *buf, size_t size)
{
        errno = 0;
        ERR_clear_error();
        return result_of(tls, SSL_read(tls->ssl, buf, (int)size));
}

ssize_t mqtt_tls_write(struct mqtt_tls *tls, const void *buf, size_t size)
{
        errno = 0;
        ERR_clear_error();
        return result_of(tls, SSL_write(tls->ssl, buf, (int)size));
}

bool mqtt_tls_has_pending(const struct mqtt_tls *tls)
{
        return tls->ssl && SSL_pending(tls->ssl) > 0;
}

static bool explain_verify(long code, const char *host, char *error, size_t size)
{
        switch (code) {
        case X509_V_OK:
                return false;
        case X509_V_ERR_CERT_HAS_EXPIRED:
                (void)snprintf(error, size,
                               "the certificate of %.80s has expired: renew it on the broker (and "
                               "look whether the clock here is right)",
                               host);
                return true;
        case X509_V_ERR_CERT_NOT_YET_VALID:
                (void)snprintf(error, size,
                               "the certificate of %.80s is not valid yet: look whether the clock "
                               "here is right",
                               host);
                return true;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                (void)snprintf(error, size,
                               "the certificate of the broker is not for the name %.80s: use the "
                               "name in the certificate as Host=, or set VerifyHost=no",
                               host);
                return true;
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
                (void)snprintf(error, size,
                               "the certificate of %.80s is signed by an authority unknown here: "
                               "set CaFile= to the certificate of that authority",
                               host);
                return true;
        default:
                (void)snprintf(error, size, "the certificate of %.80s is not accepted: %s", host,
                               X509_verify_cert_error_string(code));
                return true;
        }
}

static void explain_alert(int alert, const struct mqtt_settings *settings, char *error, size_t size)
{
        switch (alert) {
        case SSL_AD_CERTIFICATE_REQUIRED:
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_ACCESS_DENIED:
                (void)snprintf(
                        error, size,
                        settings->cert_file
                                ? "the broker does not accept the certificate in CertFile= "
                                  "(%s): have it signed by an authority the broker knows"
                                : "the broker wants a client certificate (%s): set CertFile= "
                                  "and CertKeyFile=",
                        SSL_alert_desc_string_long(alert));
                break;
        case SSL_AD_UNKNOWN_PSK_IDENTITY:
        case SSL_AD_DECRYPT_ERROR:
        case SSL_AD_BAD_RECORD_MAC:
                (void)snprintf(
                        error, size,
                        settings->psk ? "the broker does not accept the pre-shared key (%s): check "
                                        "Psk= and PskIdentity="
                                      : "the TLS connection failed (%s)",
                        SSL_alert_desc_string_long(alert));
                break;
        default:
                (void)snprintf(error, size,
                               "the broker refused the TLS connection (%s): do its TLS version, "
                               "certificate and cipher settings fit?",
                               SSL_alert_desc_string_long(alert));
                break;
        }
}

bool mqtt_tls_explain(const struct mqtt_tls *tls, const struct mqtt_settings *settings, char *error,
                      size_t error_size)
{
        if (explain_verify(tls->verify_error, settings->host, error, error_size))
                return true;
        if (tls->alert != 0) {
                explain_alert(tls->alert, settings, error, error_size);
                return true;
        }
        if (tls->done)
                return false;
        (void)snprintf(error, error_size,
                       "%.80s:%u does not answer as TLS: is Port= the one with TLS, or is Tls=no "
                       "meant?",
                       settings->host, settings->port);
        return true;
}
