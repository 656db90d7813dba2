/* SPDX-License-Identifier: MIT */
/*
 * From an APDU to a telegram: blocks collected, ciphers opened, layouts read, the meter identified.
 * Here it is decided which key is wrong, and that no reading ever comes of a doubtful plaintext.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apdu.h"
#include "decoder-private.h"
#include "layout.h"
#include "link-iec62056-21.h"
#include "link-p1.h"
#include "link-sml.h"
#include "link-tic.h"
#include "sml.h"
#include "util.h"

static bool is_capital(char c)
{
        return c >= 'A' && c <= 'Z';
}

/* The FLAG id: of the logical device name, else of the system title. */
static void set_manufacturer(struct telegram *t)
{
        const struct text *name = telegram_find_text(t, (struct obis)OBIS_OF(0, 0, 42, 0, 0, 255));
        const uint8_t *from = NULL;

        if (t->manufacturer[0])
                return;
        if (name && name->value.len >= 3)
                from = name->value.data;
        else if (t->has_system_title)
                from = t->system_title;
        if (!from || !is_capital((char)from[0]) || !is_capital((char)from[1]) ||
            !is_capital((char)from[2]))
                return;
        memcpy(t->manufacturer, from, 3);
        t->manufacturer[3] = '\0';
}

/* The last steps of every readable telegram. */
static void complete(struct decoder *d)
{
        struct telegram *t = d->telegram;

        telegram_identify(t);
        set_manufacturer(t);
        t->profile = d->options.profile ? d->options.profile : profile_match(t);
        if (t->profile) {
                (void)snprintf(t->model, sizeof(t->model), "%s", t->profile->model);
                if (!t->manufacturer[0])
                        (void)snprintf(t->manufacturer, sizeof(t->manufacturer), "%s",
                                       t->profile->manufacturer);
        }
        layout_scale(t, t->profile);
}

static bool begins_another(struct slice s)
{
        uint8_t tag = slice_at(s, apdu_llc_length(s));

        return s.len > 0 && (tag == APDU_DATA_NOTIFICATION || tag == GBT_TAG || cipher_is_tag(tag));
}

/* Reads a data-notification. *ret_left: the bytes after it. 0, -EBADMSG, -ENOMSG (layout). */
static int read_notification(struct decoder *d, struct slice apdu, struct slice *ret_left,
                             const char **ret_fault)
{
        struct reader r = reader_over(apdu);
        struct apdu_notification notification;
        int result;

        apdu_notification_begin(&r, &notification);
        if (!reader_ok(&r)) {
                *ret_fault = r.fault;
                return -EBADMSG;
        }
        d->telegram->time = notification.time;
        d->telegram->hints.blocks = d->rest_blocks;
        result = layout_decode(&r, d->telegram);
        if (result == -EBADMSG)
                *ret_fault = r.fault;
        *ret_left = r.left;
        return result;
}

static enum open_result fail_layout(struct decoder *d)
{
        d->statistics.unknown_layouts++;
        telegram_fail(d->telegram, TELEGRAM_LAYOUT_UNKNOWN,
                      "the telegram is whole, but its list of values is not known; please report "
                      "it with a capture");
        return OPEN_TELEGRAM;
}

static enum open_result open_notification(struct decoder *d, struct slice apdu,
                                          const char **ret_fault)
{
        struct slice left = { 0 };
        int r;

        d->rest = (struct slice){ 0 };
        telegram_reset(d->telegram, d->framing);
        r = read_notification(d, apdu, &left, ret_fault);
        if (r == -EBADMSG)
                return OPEN_FAULT;
        if (begins_another(left)) {
                /* Thurgau E450: several notifications in one frame. */
                d->rest = left;
        } else if (left.len > 0 && d->rest_assembled) {
                *ret_fault = "the telegram was put together wrongly: bytes are left over";
                return OPEN_FAULT;
        }
        if (r == -ENOMSG)
                return fail_layout(d);
        complete(d);
        return OPEN_TELEGRAM;
}

/* Puts a block where it belongs. False with *ret_fault when it belongs nowhere. */
static bool collect_block(struct decoder *d, struct gbt_block *block, const char **ret_fault)
{
        struct assembly *a = &d->assembly;
        struct gbt transfer = a->gbt;

        *ret_fault = "block transfer: a block is missing or out of order";
        if (block->number != 1 && !assembly_goes_on(d, ASSEMBLY_BLOCKS))
                return false;
        switch (gbt_accept(&transfer, block, (struct slice){ a->bytes, a->len })) {
        case GBT_FIRST:
                assembly_begin(d, ASSEMBLY_BLOCKS);
                break;
        case GBT_NEXT:
                break;
        case GBT_REPEATED:
                block->last = false; /* what it ended, if anything, was ended */
                return true;
        case GBT_BROKEN:
                assembly_drop(d);
                return false;
        }
        a->gbt = transfer;
        *ret_fault = "block transfer: longer than any telegram";
        return assembly_append(d, block->data);
}

static enum open_result open_block(struct decoder *d, struct slice apdu, const char **ret_fault)
{
        struct gbt_block block;

        d->rest = (struct slice){ 0 };
        if (gbt_parse(apdu, &block, ret_fault) < 0) {
                assembly_drop(d);
                return OPEN_FAULT;
        }
        if (!collect_block(d, &block, ret_fault))
                return OPEN_FAULT;
        d->rest = slice_from(apdu, block.bytes);
        if (block.last)
                assembly_complete(d);
        return OPEN_NOTHING;
}

/* Notes the frame counter of a title. True when it did not grow. */
static bool is_replayed(struct decoder *d, const uint8_t *title, uint32_t counter)
{
        size_t i;

        for (i = 0; i < DECODER_COUNTERS; i++)
                if (d->counters[i].used &&
                    memcmp(d->counters[i].title, title, CIPHER_TITLE_BYTES) == 0)
                        break;
        if (i < DECODER_COUNTERS) {
                bool replayed = counter <= d->counters[i].counter;

                d->counters[i].counter = counter;
                return replayed;
        }
        i = d->next_counter++ % DECODER_COUNTERS;
        memcpy(d->counters[i].title, title, CIPHER_TITLE_BYTES);
        d->counters[i].counter = counter;
        d->counters[i].used = true;
        return false;
}

static void print_title(struct slice title, char buf[static 2 * CIPHER_TITLE_BYTES + 1])
{
        buf[0] = '\0';
        for (size_t i = 0; i < title.len; i++)
                (void)snprintf(buf + 2 * i, 3, "%02X", title.data[i]);
}

/* Explains why a ciphered telegram cannot be opened with what we have. */
static enum open_result fail_open(struct decoder *d, const struct cipher_header *header, int error)
{
        char title[2 * CIPHER_TITLE_BYTES + 1];
        struct telegram *t = d->telegram;

        print_title(header->title, title);
        d->statistics.key_failures++;
        if (error == -EOPNOTSUPP)
                telegram_fail(t, TELEGRAM_SUITE_UNSUPPORTED,
                              "security control 0x%02X asks for security suite %u%s, which is not "
                              "supported (suite 0, AES-128-GCM, is)",
                              header->security_control, header->security_control & 0x0fU,
                              header->security_control & 0x80 ? " and compression" : "");
        else if (error == -EDESTADDRREQ)
                telegram_fail(t, TELEGRAM_SYSTEM_TITLE_MISSING,
                              "encrypted, and it does not send its system title: a key and a "
                              "system title are needed");
        else if (error == -ENOKEY && header->title.len > 0)
                telegram_fail(t, TELEGRAM_KEY_MISSING,
                              "encrypted by system title %s: a key is needed", title);
        else if (error == -ENOKEY)
                telegram_fail(t, TELEGRAM_KEY_MISSING,
                              "encrypted, and it does not send its system title: a key is needed");
        else
                telegram_fail(t, TELEGRAM_KEY_MISSING, "the cipher library refused to work");
        return OPEN_TELEGRAM;
}

enum plain_result {
        PLAIN_GOOD,
        PLAIN_NO_LAYOUT, /* well formed to the last byte, but of no known layout */
        PLAIN_NONSENSE,
};

/* Reads the plaintext into the telegram. Only what parses to the last byte is good. */
static enum plain_result read_plaintext(struct decoder *d, struct slice plain)
{
        struct slice left = { 0 };
        const char *fault;
        int r;

        if (slice_at(plain, 0) == '/')
                return p1_decode(plain, d->telegram) == 0 ? PLAIN_GOOD : PLAIN_NONSENSE;
        plain = slice_from(plain, apdu_llc_length(plain));
        r = read_notification(d, plain, &left, &fault);
        if (r == -EBADMSG || left.len > 0)
                return PLAIN_NONSENSE;
        return r == 0 ? PLAIN_GOOD : PLAIN_NO_LAYOUT;
}

static enum open_result judge(struct decoder *d, const struct cipher_header *header,
                              enum cipher_tag_result tag, enum plain_result plain)
{
        struct telegram *t = d->telegram;
        char title[2 * CIPHER_TITLE_BYTES + 1];

        print_title(header->title, title);
        if (tag == CIPHER_TAG_WRONG && plain != PLAIN_NONSENSE) {
                d->statistics.key_failures++;
                telegram_fail(
                        t, TELEGRAM_WRONG_AUTHENTICATION_KEY,
                        "wrong authentication key for system title %s: the telegram deciphers "
                        "but its tag does not fit",
                        title);
        } else if (plain == PLAIN_NONSENSE && tag == CIPHER_TAG_OK) {
                return fail_layout(d);
        } else if (plain == PLAIN_NONSENSE) {
                d->statistics.key_failures++;
                telegram_fail(t, TELEGRAM_WRONG_ENCRYPTION_KEY,
                              "wrong encryption key for system title %s: what it deciphers to is "
                              "no telegram",
                              title);
        } else if (plain == PLAIN_NO_LAYOUT) {
                return fail_layout(d);
        } else {
                t->authenticated = tag == CIPHER_TAG_OK;
                t->replayed = header->title.len == CIPHER_TITLE_BYTES &&
                              is_replayed(d, header->title.data, header->frame_counter);
                d->statistics.replays += t->replayed;
                complete(d);
        }
        return OPEN_TELEGRAM;
}

static void begin_ciphered(struct decoder *d, const struct cipher_header *header)
{
        struct telegram *t = d->telegram;

        telegram_reset(t, d->framing);
        t->encrypted = true;
        t->has_frame_counter = true;
        t->frame_counter = header->frame_counter;
        if (header->title.len == CIPHER_TITLE_BYTES) {
                memcpy(t->system_title, header->title.data, CIPHER_TITLE_BYTES);
                t->has_system_title = true;
        }
}

static enum open_result open_with(struct decoder *d, const struct cipher_header *header,
                                  const struct cipher_keys *keys)
{
        enum cipher_tag_result tag = CIPHER_TAG_ABSENT;
        int r = cipher_open(d->aead, header, keys, d->plain, &tag);

        if (r < 0)
                return fail_open(d, header, r);
        return judge(d, header, tag,
                     read_plaintext(d, (struct slice){ d->plain, header->ciphertext.len }));
}

/* Nobody knows whose this is: the first of the candidates that deciphers it tells. */
static enum open_result open_by_trial(struct decoder *d, const struct cipher_header *header)
{
        uint64_t failures = d->statistics.key_failures;
        enum open_result result = OPEN_TELEGRAM;
        const struct cipher_keys *keys;
        size_t n = 0;

        while ((keys = d->options.try_keys(d->options.userdata, n))) {
                n++;
                begin_ciphered(d, header);
                result = open_with(d, header, keys);
                if (d->telegram->status != TELEGRAM_WRONG_ENCRYPTION_KEY)
                        return result;
                d->statistics.key_failures = failures; /* one telegram, one failure */
        }
        d->statistics.key_failures = failures + (n == 1);
        if (n == 1)
                return result;
        begin_ciphered(d, header);
        return fail_open(d, header, -ENOKEY);
}

static enum open_result open_ciphered(struct decoder *d, struct slice apdu, const char **ret_fault)
{
        const struct cipher_keys *keys = NULL;
        struct telegram *t = d->telegram;
        struct cipher_header header;
        struct slice left;

        d->rest = (struct slice){ 0 };
        if (cipher_parse(apdu, &header, ret_fault) < 0)
                return OPEN_FAULT;
        left = slice_from(apdu, header.apdu_bytes);
        if (begins_another(left))
                d->rest = left;
        if (header.ciphertext.len > DECODER_APDU_BYTES) {
                *ret_fault = "ciphering: longer than any telegram";
                return OPEN_FAULT;
        }
        begin_ciphered(d, &header);
        if (d->options.find_keys)
                keys = d->options.find_keys(d->options.userdata,
                                            t->has_system_title ? t->system_title : NULL);
        if (!keys && d->options.try_keys)
                return open_by_trial(d, &header);
        return open_with(d, &header, keys ? keys : &(struct cipher_keys){ 0 });
}

enum open_result decoder_open_apdu(struct decoder *d, const char **ret_fault)
{
        struct slice apdu = slice_from(d->rest, apdu_llc_length(d->rest));
        uint8_t tag = slice_at(apdu, 0);

        if (tag == APDU_DATA_NOTIFICATION)
                return open_notification(d, apdu, ret_fault);
        if (tag == GBT_TAG)
                return open_block(d, apdu, ret_fault);
        if (cipher_is_tag(tag))
                return open_ciphered(d, apdu, ret_fault);
        d->rest = (struct slice){ 0 };
        *ret_fault = "an APDU that is neither a notification nor a block nor ciphered";
        return OPEN_FAULT;
}

enum open_result decoder_open_text(struct decoder *d, const char **ret_fault)
{
        struct slice text = d->text, apdu;
        int r = -EBADMSG;

        d->text = (struct slice){ 0 };
        telegram_reset(d->telegram, d->framing);
        if (d->framing == LINK_P1) {
                r = p1_decode(text, d->telegram);
                if (r < 0 && p1_find_ciphered(text, &apdu))
                        return open_ciphered(d, apdu, ret_fault);
        } else if (d->framing == LINK_IEC62056_21) {
                r = iec62056_21_decode(text, d->telegram);
        } else if (d->framing == LINK_TIC) {
                r = tic_decode(text, d->telegram);
        } else if (d->framing == LINK_SML) {
                r = sml_decode(text, d->telegram);
        }
        if (r < 0) {
                *ret_fault = "a frame whose content cannot be read";
                return OPEN_FAULT;
        }
        complete(d);
        return OPEN_TELEGRAM;
}
