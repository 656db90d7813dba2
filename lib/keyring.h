/* SPDX-License-Identifier: MIT */
/*
 * The keys that a decoder may use, and its memory of the meters that used them. The owner of the
 * keys fills one in and hands it to decoder_new(), which asks it directly: the meters of the
 * service have one for each line, a program one for its files. All but `find` may be NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cipher_keys;

/* The facts remembered of a system title. */
struct decoder_title {
        uint32_t counter;   /* frame counter of its last telegram; 0: not known */
        bool authenticated; /* its tags were verified */
};

/* Zeroed: there are no keys. */
struct keyring {
        /*
         * The keys of a system title (8 bytes; NULL when the telegram has none): borrowed, good
         * until the next call into the decoder, or NULL.
         */
        const struct cipher_keys *(*find)(void *userdata, const uint8_t *title);
        /*
         * Asked after find() gave NULL, with attempt 0, 1, …: keys that may be of this meter, whose
         * id stands inside the ciphertext. NULL: no more. A key that deciphers is accepted; a
         * single candidate that does not is a wrong key; several leave it open.
         */
        const struct cipher_keys *(*try_next)(void *userdata, size_t attempt);
        /*
         * The facts kept of this title and these keys, for instance over a restart: asked when its
         * first telegram comes. False: nothing, or other keys.
         */
        bool (*recall)(void *userdata, const uint8_t *title, const struct cipher_keys *keys,
                       struct decoder_title *ret);
        /* Called after each telegram that was read: `what` is to be kept of the meter ("": the
         * telegram does not say which). */
        void (*remember)(void *userdata, const uint8_t *title, const struct cipher_keys *keys,
                         const char *meter_id, const struct decoder_title *what);
        /* Whether plain text of this meter ("": it does not say) is to be refused. */
        bool (*must_authenticate)(void *userdata, const char *meter_id);
        void *userdata;
};
