/* SPDX-License-Identifier: MIT */
/*
 * How fast bytes become readings, as a table: per meter of sim/, and per family of captures when
 * captures are there. Every figure stands beside its floor, measured in the same run over
 * the same bytes: one CRC-16/X-25 pass, and one AES-GCM pass of libcrypto for what is ciphered.
 * "limit" is what docs/design.md §10 allows: 4 × CRC + 2 × AES-GCM.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/util.h"
#include "lib/decoder.h"
#include "lib/dlms/raw.h"
#include "lib/link/crc.h"
#include "sim/sim.h"
#include "tests/telegrams/captures.h"
#include "tests/unit/known-profiles.h"

/* Long enough to be above the clock's noise, short enough for a table in seconds. */
#define ROUND_NSEC 4000000
#define ROUNDS     9

#define PIECES_MAX 16

/* One row: some pieces of input, of one family. */
struct row {
        char name[80];
        struct slice pieces[PIECES_MAX];
        size_t n_pieces, bytes;
        struct cipher_keys keys;
        bool ciphered;
        size_t n_telegrams; /* per pass, counted in the warm-up */
};

static uint64_t n_allocations; /* by lib/, and by libcrypto for it */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* The linker sends the calls of everything linked statically, thus of lib/, through these. */
void *__wrap_malloc(size_t size)
{
        n_allocations++;
        return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
        n_allocations++;
        return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
        n_allocations++;
        return __real_realloc(p, size);
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
        return __wrap_malloc(size);
}

static void *crypto_realloc(void *p, size_t size, const char *file, int line)
{
        return __wrap_realloc(p, size);
}

static void crypto_free(void *p, const char *file, int line)
{
        free(p);
}

static int64_t now_nsec(void)
{
        struct timespec now;

        /* Of this thread: the load of others on the machine is not counted. Cannot fail. */
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct work {
        const struct row *row;
        struct decoder *decoder;
        EVP_CIPHER_CTX *gcm;
        size_t n_telegrams;
};

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        const struct row *row = userdata;

        return row->keys.has_key ? &row->keys : NULL;
}

static void decode_pass(struct work *w)
{
        struct decoder_event event;

        for (size_t i = 0; i < w->row->n_pieces; i++) {
                decoder_feed(w->decoder, w->row->pieces[i]);
                while (decoder_next(w->decoder, &event) > 0)
                        w->n_telegrams += event.type == DECODER_TELEGRAM;
        }
}

static void crc_pass(struct work *w)
{
        for (size_t i = 0; i < w->row->n_pieces; i++) {
                uint16_t crc = crc16_x25(w->row->pieces[i]);

                __asm__ volatile("" : : "r"(crc)); /* the compiler must keep the work */
        }
}

static void gcm_pass(struct work *w)
{
        static const uint8_t nonce[12];
        static uint8_t out[1 << 16];
        int n;

        for (size_t i = 0; i < w->row->n_pieces; i++) {
                struct slice s = w->row->pieces[i];

                if (EVP_DecryptInit_ex(w->gcm, EVP_aes_128_gcm(), NULL, w->row->keys.key, nonce) !=
                            1 ||
                    EVP_DecryptUpdate(w->gcm, out, &n, s.data, (int)MIN(s.len, sizeof(out))) != 1)
                        exit(1);
        }
}

/* One round of a pass, in nanoseconds each. */
static double measure(void (*pass)(struct work *w), struct work *w)
{
        int64_t start = now_nsec(), spent;
        uint64_t n = 0;

        do {
                pass(w);
                n++;
                spent = now_nsec() - start;
        } while (spent < ROUND_NSEC);
        return (double)spent / (double)n;
}

struct figures {
        double decode, crc, gcm;
};

/* The best of some rounds: noise only ever adds. In turns, so that it meets all alike. */
static struct figures measure_all(struct work *w)
{
        struct figures best = { 1e18, 1e18, w->row->ciphered ? 1e18 : 0 };

        for (int round = 0; round < ROUNDS; round++) {
                best.decode = MIN(best.decode, measure(decode_pass, w));
                best.crc = MIN(best.crc, measure(crc_pass, w));
                if (w->row->ciphered)
                        best.gcm = MIN(best.gcm, measure(gcm_pass, w));
        }
        return best;
}

static void print_row(struct row *row)
{
        struct decoder_options options = { .profiles = known_profiles(),
                                           .keyring = { .find = find_keys, .userdata = row },
                                           .input = raw_is_all(row->pieces[0]) ? SCANNER_UNFRAMED
                                                                               : SCANNER_FILE };
        struct work w = { .row = row, .gcm = EVP_CIPHER_CTX_new() };
        struct figures f;
        double limit;
        uint64_t before;
        size_t n;

        if (!w.gcm || decoder_new(&options, &w.decoder) < 0)
                exit(1);
        decode_pass(&w); /* keys and tables are set up once */
        w.n_telegrams = 0;
        before = n_allocations;
        decode_pass(&w);
        n = w.n_telegrams;
        before = n_allocations - before;
        f = measure_all(&w);
        limit = 4 * f.crc + 2 * f.gcm;
        if (n > 0)
                printf("| %-34s | %5zu | %9.0f | %6.1f | %7.2f | %7.2f | %7.2f | %5.2f | %4.1f |\n",
                       row->name, row->bytes / n, 1e9 * (double)n / f.decode,
                       (double)row->bytes * 1e3 / f.decode, f.decode / 1e3 / (double)n,
                       f.crc / 1e3 / (double)n, f.gcm / 1e3 / (double)n, f.decode / limit,
                       (double)before / (double)n);
        decoder_free(w.decoder);
        EVP_CIPHER_CTX_free(w.gcm);
}

static void bench_meter(const struct sim_profile *profile, bool encrypt)
{
        struct sim_options options = { .seed = 1, .encrypt = encrypt };
        static struct sim_telegram telegrams[4];
        struct sim_meter meter;
        struct row row = { .ciphered = encrypt };

        memcpy(options.key, sim_default_key, sizeof(options.key));
        if (sim_meter_init(&meter, profile, &options, sim_clock_at(1782813592, 120, true)) < 0)
                exit(1);
        (void)snprintf(row.name, sizeof(row.name), "%s%s", profile->name,
                       encrypt ? ", encrypted" : "");
        row.keys = (struct cipher_keys){ .has_key = encrypt,
                                         .has_auth_key = encrypt && meter.cipher.control & 0x10 };
        memcpy(row.keys.key, meter.cipher.key, sizeof(row.keys.key));
        memcpy(row.keys.auth_key, meter.cipher.auth_key, sizeof(row.keys.auth_key));
        for (size_t i = 0; i < ELEMENTSOF(telegrams); i++) {
                struct sim_out *out = &telegrams[i].wire.out;

                if (sim_meter_telegram(&meter,
                                       sim_clock_at(1782813592 + 3600 * (int64_t)i, 120, true),
                                       &telegrams[i]) < 0)
                        exit(1);
                row.pieces[row.n_pieces++] = (struct slice){ out->data, out->len };
                row.bytes += out->len;
        }
        print_row(&row);
}

/* "lg-e450-07" belongs to "lg-e450". */
static size_t family_len(const char *name)
{
        const char *dash = strrchr(name, '-');

        return dash ? (size_t)(dash - name) : strlen(name);
}

static bool same_family(const struct capture *a, const struct capture *b)
{
        size_t n = family_len(a->name);

        return n == family_len(b->name) && strncmp(a->name, b->name, n) == 0 &&
               a->keys.has_key == b->keys.has_key &&
               (!a->keys.has_key || memcmp(&a->keys, &b->keys, sizeof(a->keys)) == 0);
}

static void bench_family(const struct captures *captures, size_t first)
{
        const struct capture *head = &captures->list[first];
        struct row row = { .keys = head->keys, .ciphered = head->keys.has_key };

        (void)snprintf(row.name, sizeof(row.name), "captures of %.*s%s",
                       (int)family_len(head->name), head->name, row.ciphered ? ", encrypted" : "");
        for (size_t i = first; i < captures->n && row.n_pieces < PIECES_MAX; i++) {
                if (!captures->list[i].expect_decode || !same_family(head, &captures->list[i]))
                        continue;
                row.pieces[row.n_pieces++] = captures->list[i].bytes;
                row.bytes += captures->list[i].bytes.len;
        }
        print_row(&row);
}

static void bench_captures(const struct captures *captures)
{
        for (size_t i = 0; i < captures->n; i++) {
                bool seen = !captures->list[i].expect_decode;

                for (size_t j = 0; j < i && !seen; j++)
                        seen = captures->list[j].expect_decode &&
                               same_family(&captures->list[j], &captures->list[i]);
                if (!seen)
                        bench_family(captures, i);
        }
        if (captures->n == 0)
                printf("\nskipped: no captures (SMARTMETER_CAPTURES names their folder)\n");
}

/* usage: bench-decode [WORD]   only the virtual meters with it in their name */
int main(int argc, char **argv)
{
        const char *word = argc > 1 ? argv[1] : "";
        struct captures captures;

        if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
                return 1; /* libcrypto allocated already */
        captures = captures_load();
        printf("| telegrams | bytes | telegrams/s | MB/s | µs each | CRC µs | AES-GCM µs | "
               "of limit | allocations |\n|---|---|---|---|---|---|---|---|---|\n");
        for (size_t i = 0; sim_profiles[i]; i++) {
                if (!strstr(sim_profiles[i]->name, word))
                        continue;
                if (!sim_profiles[i]->always_ciphered)
                        bench_meter(sim_profiles[i], false);
                if (sim_profiles[i]->control)
                        bench_meter(sim_profiles[i], true);
        }
        if (argc == 1)
                bench_captures(&captures);
        captures_free(&captures);
        return 0;
}
