/* SPDX-License-Identifier: MIT */
/*
 * From an APDU to a telegram: blocks collected, ciphers opened, layouts read, the meter identified.
 * Here it is decided which key is wrong, and that no reading ever comes of a doubtful plaintext.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"
#include "decoder-private.h"
#include "lib/dlms/apdu.h"
#include "lib/dlms/gbt.h"
#include "lib/dlms/layout.h"
#include "lib/dlms/oms.h"
#include "lib/link/link.h"
#include "lib/value/axdr.h"

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

static void begin_telegram(struct decoder *d)
{
        telegram_reset(d->telegram, d->link->name);
        d->telegram->text_ids = d->link->text_ids;
        telegram_remind(d->telegram, &d->memo);
}

/* Not by snprintf(): it is done for every telegram, and cost a tenth of them. */
static void copy_text(char *to, size_t size, const char *from)
{
        size_t n = strnlen(from, size - 1);

        memcpy(to, from, n);
        to[n] = '\0';
}

static void settle_time(const struct telegram *t, struct datetime *time)
{
        /* After an incident the clock has a time, and says that it is not the right one. */
        if (time->denied)
                *time = (struct datetime){ 0 };
        /* The offset that such a clock sends means nothing. */
        if (t->profile && t->profile->clock != PROFILE_CLOCK_WIRE)
                time->has_offset = false;
}

/* The last steps of every readable telegram. */
static void complete(struct decoder *d)
{
        struct telegram *t = d->telegram;

        telegram_identify(t);
        set_manufacturer(t);
        t->profile = d->options.profile;
        if (!t->profile && d->options.profiles)
                t->profile = profile_set_match(d->options.profiles, t, &d->matched);
        if (t->profile) {
                copy_text(t->model, sizeof(t->model), t->profile->model);
                if (!t->manufacturer[0])
                        copy_text(t->manufacturer, sizeof(t->manufacturer),
                                  t->profile->manufacturer);
        }
        layout_scale(t, t->profile);
        settle_time(t, &t->time);
        for (size_t i = 0; i < t->n_readings; i++)
                settle_time(t, &t->readings[i].captured);
        if (!t->encrypted)
                (void)trust_plain(d);
}

static bool begins_another(struct slice s)
{
        uint8_t tag = slice_at(apdu_skip_llc(s), 0);

        return s.len > 0 && (tag == APDU_DATA_NOTIFICATION || tag == GBT_TAG || cipher_is_tag(tag));
}

/* Reads a data-notification. *ret_left: the bytes after it. 0, -EBADMSG, -ENOMSG (layout). */
static int read_notification(struct decoder *d, struct slice apdu, struct slice *ret_left,
                             const char **ret_fault)
{
        struct reader r = reader_over(apdu);
        struct apdu_notification notification;
        struct slice data;
        int result;

        apdu_notification_begin(&r, &notification);
        if (!reader_ok(&r)) {
                *ret_fault = r.fault;
                return -EBADMSG;
        }
        d->telegram->time = notification.time;
        d->telegram->hints.blocks = d->rest_blocks;
        data = r.left;
        result = layout_decode(&r, d->telegram,
                               &(struct layout_options){ d->options.profiles, d->options.profile },
                               &d->doubt);
        if (result == -EBADMSG)
                *ret_fault = r.fault;
        if (result == -ENOMSG)
                d->telegram->unknown = slice_first(data, data.len - r.left.len);
        *ret_left = r.left;
        return result;
}

/* The time stays: it stands in the header, which was checked with all the rest. */
static enum open_result fail_layout(struct decoder *d)
{
        const struct layout_doubt *doubt = &d->doubt;
        struct datetime time = d->telegram->time;

        d->statistics.unknown_layouts++;
        if (doubt->lists[0])
                telegram_fail(d->telegram, TELEGRAM_LAYOUT_UNKNOWN,
                              "could be %.31s (%.28s) or %.31s (%.28s): set Profile=",
                              doubt->profiles[0]->name, doubt->lists[0]->name,
                              doubt->profiles[1]->name, doubt->lists[1]->name);
        else
                telegram_fail(d->telegram, TELEGRAM_LAYOUT_UNKNOWN,
                              "the telegram is whole, but its list of values is not known; please "
                              "report it with a capture");
        d->telegram->time = time;
        return OPEN_TELEGRAM;
}

static enum open_result open_notification(struct decoder *d, struct slice apdu,
                                          const char **ret_fault)
{
        struct slice left = { 0 };
        int r;

        d->rest = (struct slice){ 0 };
        begin_telegram(d);
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

static enum open_result open_block(struct decoder *d, struct slice apdu, const char **ret_fault)
{
        struct link_piece block;
        size_t bytes;

        d->rest = (struct slice){ 0 };
        *ret_fault = "block transfer: a block in a block";
        if (d->rest_blocks)
                return OPEN_FAULT;
        if (gbt_parse(apdu, &block, &bytes, ret_fault) < 0) {
                assembly_drop(&d->blocks);
                return OPEN_FAULT;
        }
        block.sender = d->sender;
        switch (assembly_put(&d->blocks, &block, d->offset)) {
        case ASSEMBLY_COMPLETE:
                decoder_take_assembled(d, &d->blocks);
                d->rest_blocks = true;
                return OPEN_NOTHING;
        case ASSEMBLY_SINGLE:
                d->rest = block.bytes;
                d->rest_assembled = d->rest_blocks = true;
                return OPEN_NOTHING;
        case ASSEMBLY_MORE:
        case ASSEMBLY_REPEATED:
                d->rest = slice_from(apdu, bytes);
                return OPEN_NOTHING;
        case ASSEMBLY_ORPHAN:
                *ret_fault = "block transfer: a block is missing or out of order";
                return OPEN_FAULT;
        case ASSEMBLY_OVERFLOW:
                *ret_fault = "block transfer: longer than any telegram";
                return OPEN_FAULT;
        }
        return OPEN_NOTHING;
}

/* Explains why a ciphered telegram cannot be opened with the keys at hand. */
static enum open_result fail_open(struct decoder *d, const struct cipher_header *header, int error)
{
        char title[2 * CIPHER_TITLE_BYTES + 1];
        struct telegram *t = d->telegram;

        (void)hex_print_upper(header->title.data, header->title.len, title, sizeof(title));
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
        PLAIN_DAMAGED,   /* it begins as a telegram does: the key is right, the rest is not */
        PLAIN_NONSENSE,
};

/* The framing of the telegram that the deciphered bytes begin as; NULL: they are an APDU. */
static const struct link_ops *find_inside(struct slice plain)
{
        for (unsigned int i = 0; link_table[i]; i++)
                if (link_table[i]->plain_begins && link_table[i]->plain_begins(plain))
                        return link_table[i];
        return NULL;
}

/*
 * Enough that no wrong key gives it by chance: the tag, and a date-time that a clock can show; or
 * the tag, no date-time, and a list.
 */
static bool begins_as_notification(struct slice plain)
{
        struct reader r = reader_over(plain);
        struct apdu_notification notification;
        uint8_t list;

        apdu_notification_begin(&r, &notification);
        list = reader_peek(&r);
        return reader_ok(&r) &&
               (notification.time.valid || list == AXDR_STRUCTURE || list == AXDR_ARRAY);
}

static bool begins_as_telegram(struct slice plain)
{
        return find_inside(plain) || begins_as_notification(plain);
}

/* Reads the plaintext into the telegram. Only what parses to the last byte is good. */
static enum plain_result read_plaintext(struct decoder *d, struct slice plain)
{
        struct slice left = { 0 };
        const struct link_ops *inside;
        const char *fault;
        bool begun;
        int r;

        plain = apdu_skip_llc(plain);
        inside = find_inside(plain);
        begun = inside || begins_as_notification(plain);
        if (inside)
                r = inside->read_plain(plain, d->telegram);
        else
                r = read_notification(d, plain, &left, &fault);
        if (r == -EBADMSG || left.len > 0)
                return begun ? PLAIN_DAMAGED : PLAIN_NONSENSE;
        return r == 0 ? PLAIN_GOOD : PLAIN_NO_LAYOUT;
}

/* Whether the check of its frame bears out that the telegram came as it was sent. */
static bool is_intact(const struct decoder *d)
{
        return d->link->proves_itself && !d->link->sum_only && !d->rest_ciphered;
}

#define COUNTER_STEP_MAX (1U << 20) /* between two telegrams in a row: some count seconds */

/* A file has no room for another of this length, so that no second one can confirm it. */
static bool is_alone(const struct decoder *d)
{
        uint64_t end = d->scanner.offset + d->scanner.at;

        if (d->options.input == SCANNER_LINE || d->options.input_bytes == 0)
                return d->options.input != SCANNER_LINE && !d->link->unframed;
        return d->options.input_bytes < 2 * (end - d->offset);
}

/*
 * A telegram of this title did not open. True when it is the second in a row: of a damaged one the
 * middle may look like one again, even of the same title, but a second stands behind the first, and
 * its frame counter (0: it has none) has grown by no more than a meter counts meanwhile.
 */
static bool fails_again(struct decoder *d, const uint8_t *title, uint32_t counter)
{
        uint64_t end = d->scanner.offset + d->scanner.at;
        bool second = d->has_wrong_title && end - d->frame_bytes >= d->wrong_end &&
                      counter - d->wrong_counter < COUNTER_STEP_MAX &&
                      memcmp(d->wrong_title, title, sizeof(d->wrong_title)) == 0;

        d->has_wrong_title = true;
        d->wrong_counter = counter;
        d->wrong_end = end;
        memcpy(d->wrong_title, title, sizeof(d->wrong_title));
        return second;
}

/*
 * A key that has opened telegrams of this title is right: a 16-bit check too passes one damaged
 * frame in 65536, so that against such a key it takes two telegrams in a row. An 8-bit sum passes
 * one in 256, and an unframed APDU has no check at all: there, but for a file that holds nothing
 * else, it takes two telegrams of a title in a row to call any key wrong.
 */
static bool proves_wrong_key(struct decoder *d, const struct cipher_keys *keys)
{
        const struct telegram *t = d->telegram;
        bool again = fails_again(d, t->system_title, t->frame_counter);

        /* Without a title anything may have been taken for a ciphered service: once is no proof. */
        if (!t->has_system_title && !again)
                return false;
        if (is_intact(d))
                return again || !trust_keys(d, keys);
        return !trust_keys(d, keys) && (again || is_alone(d));
}

static enum open_result fail_damaged(struct decoder *d, const char *title)
{
        telegram_fail(d->telegram, TELEGRAM_DAMAGED,
                      "what system title %s sent cannot be deciphered: it was damaged on the way, "
                      "or the key is of another meter",
                      title);
        return OPEN_TELEGRAM;
}

/* The two come in one letter, and are easily typed in each other's place: the other way round the
 * telegram opens. A tag that fits is proof; without one it must begin as a telegram. */
static bool keys_are_exchanged(struct decoder *d, const struct cipher_header *header,
                               const struct cipher_keys *keys)
{
        enum cipher_tag_result tag = CIPHER_TAG_ABSENT;
        struct cipher_keys other = *keys;
        struct slice plain;
        bool opens;

        if (!keys->has_key || !keys->has_auth_key)
                return false;
        memcpy(other.key, keys->auth_key, sizeof(other.key));
        memcpy(other.auth_key, keys->key, sizeof(other.auth_key));
        opens = cipher_open(d->aead, header, &other, d->plain, &tag) >= 0;
        cipher_keys_wipe(&other);
        if (!opens || tag == CIPHER_TAG_WRONG)
                return false;
        plain = (struct slice){ d->plain, header->ciphertext.len };
        return tag == CIPHER_TAG_OK || begins_as_telegram(apdu_skip_llc(plain));
}

static enum open_result fail_key(struct decoder *d, const struct cipher_header *header,
                                 const struct cipher_keys *keys, enum plain_result plain,
                                 const char *title)
{
        if (!proves_wrong_key(d, keys))
                return fail_damaged(d, title);
        d->statistics.key_failures++;
        d->telegram->keys_exchanged =
                plain == PLAIN_NONSENSE && keys_are_exchanged(d, header, keys);
        if (d->telegram->keys_exchanged)
                telegram_fail(d->telegram, TELEGRAM_WRONG_ENCRYPTION_KEY,
                              "encryption key and authentication key of system title %s are "
                              "exchanged: each is the other",
                              title);
        else if (plain == PLAIN_NONSENSE)
                telegram_fail(d->telegram, TELEGRAM_WRONG_ENCRYPTION_KEY,
                              "wrong encryption key for system title %s: what it deciphers to is "
                              "no telegram",
                              title);
        else
                telegram_fail(d->telegram, TELEGRAM_WRONG_AUTHENTICATION_KEY,
                              "wrong authentication key for system title %s: the telegram "
                              "deciphers but its tag does not fit",
                              title);
        return OPEN_TELEGRAM;
}

static enum open_result assess(struct decoder *d, const struct cipher_header *header,
                               const struct cipher_keys *keys, enum cipher_tag_result tag,
                               enum plain_result plain)
{
        char title[2 * CIPHER_TITLE_BYTES + 1];

        (void)hex_print_upper(header->title.data, header->title.len, title, sizeof(title));
        /* It begins as a telegram, so the key is right; no check bears out the rest, so that the
         * tag says no more of its key. */
        if (tag == CIPHER_TAG_WRONG && plain == PLAIN_DAMAGED && !is_intact(d))
                return fail_damaged(d, title);
        if (tag == CIPHER_TAG_WRONG || (plain == PLAIN_NONSENSE && tag != CIPHER_TAG_OK))
                return fail_key(d, header, keys, plain, title);
        d->has_wrong_title = false;
        if (plain == PLAIN_DAMAGED && tag != CIPHER_TAG_OK && !is_intact(d))
                return fail_damaged(d, title);
        if (plain != PLAIN_GOOD)
                return fail_layout(d);
        d->telegram->authenticated = tag == CIPHER_TAG_OK;
        complete(d);
        (void)trust_ciphered(d, keys);
        return OPEN_TELEGRAM;
}

static void begin_ciphered(struct decoder *d, const struct cipher_header *header)
{
        struct telegram *t = d->telegram;

        begin_telegram(d);
        t->encrypted = true;
        t->has_frame_counter = true;
        t->frame_counter = header->frame_counter;
        if (header->title.len == CIPHER_TITLE_BYTES) {
                memcpy(t->system_title, header->title.data, CIPHER_TITLE_BYTES);
                t->has_system_title = true;
        }
}

/* A protection that the sender may decline is none. */
static enum open_result fail_unauthenticated(struct decoder *d)
{
        d->statistics.unauthenticated++;
        telegram_fail(d->telegram, TELEGRAM_UNAUTHENTICATED,
                      "unauthenticated: it has no tag, and an authentication key is configured");
        return OPEN_TELEGRAM;
}

static enum open_result open_with(struct decoder *d, const struct cipher_header *header,
                                  const struct cipher_keys *keys)
{
        enum cipher_tag_result tag = CIPHER_TAG_ABSENT;
        int r;

        /* Of a file it is not known whether this meter sends tags at all, until it has sent one. */
        if (keys->has_auth_key && header->tag_bytes.len == 0 &&
            (d->options.input == SCANNER_LINE || trust_authenticated(d, keys)))
                return fail_unauthenticated(d);
        r = cipher_open(d->aead, header, keys, d->plain, &tag);
        if (r < 0)
                return fail_open(d, header, r);
        return assess(d, header, keys, tag,
                      read_plaintext(d, (struct slice){ d->plain, header->ciphertext.len }));
}

/* The meter is not known: it is the one of the first candidate key that deciphers the telegram. */
static enum open_result open_by_trial(struct decoder *d, const struct cipher_header *header)
{
        uint64_t failures = d->statistics.key_failures;
        enum open_result result = OPEN_TELEGRAM;
        const struct cipher_keys *keys;
        size_t n = 0;

        while ((keys = d->options.keyring.try_next(d->options.keyring.userdata, n))) {
                n++;
                begin_ciphered(d, header);
                result = open_with(d, header, keys);
                if (d->telegram->status != TELEGRAM_WRONG_ENCRYPTION_KEY &&
                    d->telegram->status != TELEGRAM_DAMAGED)
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
        if (d->options.keyring.find)
                keys = d->options.keyring.find(d->options.keyring.userdata,
                                               t->has_system_title ? t->system_title : NULL);
        if (!keys && d->options.keyring.try_next)
                return open_by_trial(d, &header);
        return open_with(d, &header, keys ? keys : &(struct cipher_keys){ 0 });
}

static enum open_result fail_oms(struct decoder *d, const struct oms_header *header,
                                 const struct cipher_keys *keys)
{
        struct telegram *t = d->telegram;
        char title[2 * OMS_TITLE_BYTES + 1];

        (void)hex_print_upper(header->title, sizeof(header->title), title, sizeof(title));
        if (!keys) {
                d->statistics.key_failures++;
                telegram_fail(t, TELEGRAM_KEY_MISSING, "encrypted by meter %s: a key is needed",
                              title);
                oms_identify(header, t); /* it stands outside of the ciphertext */
                return OPEN_TELEGRAM;
        }
        /* An 8-bit sum is no proof that it came as it was sent: two in a row, where more come. */
        if (!fails_again(d, header->title, 0) && !is_alone(d))
                return fail_damaged(d, title);
        d->statistics.key_failures++;
        telegram_fail(t, TELEGRAM_WRONG_ENCRYPTION_KEY,
                      "wrong encryption key for meter %s: what it deciphers to does not begin with "
                      "2F 2F",
                      title);
        oms_identify(header, t);
        return OPEN_TELEGRAM;
}

/* The keys that open it; NULL: none of those there are, *ret_any says whether there are any. */
static const struct cipher_keys *find_oms_keys(struct decoder *d, const struct oms_header *header,
                                               bool *ret_any)
{
        const struct cipher_keys *keys = NULL;

        *ret_any = false;
        if (d->options.keyring.find)
                keys = d->options.keyring.find(d->options.keyring.userdata, header->title);
        for (size_t n = 0;; n++) {
                if (keys && keys->has_key) {
                        *ret_any = true;
                        if (oms_open(d->aead, header, keys->key, d->plain) == 0)
                                return keys;
                }
                if (n == 0 && *ret_any)
                        return NULL; /* this one's own */
                keys = d->options.keyring.try_next
                               ? d->options.keyring.try_next(d->options.keyring.userdata, n)
                               : NULL;
                if (!keys)
                        return NULL;
        }
}

static enum open_result open_oms(struct decoder *d, struct slice bytes, const char **ret_fault)
{
        struct telegram *t = d->telegram;
        struct oms_header header;
        bool any;

        d->rest = (struct slice){ 0 };
        begin_telegram(d);
        if (oms_parse(bytes, &header, ret_fault) < 0)
                return OPEN_FAULT;
        t->encrypted = true;
        oms_identify(&header, t);
        if (!find_oms_keys(d, &header, &any))
                return fail_oms(d, &header, any ? &(const struct cipher_keys){ 0 } : NULL);
        d->has_wrong_title = false;
        if (oms_read((struct slice){ d->plain, header.ciphertext.len }, t) < 0) {
                telegram_fail(t, TELEGRAM_DAMAGED,
                              "its records cannot be read: it was damaged on the way");
                return OPEN_TELEGRAM;
        }
        complete(d);
        return OPEN_TELEGRAM;
}

enum open_result decoder_open_apdu(struct decoder *d, const char **ret_fault)
{
        struct slice apdu = apdu_skip_llc(d->rest);
        uint8_t tag = slice_at(apdu, 0);

        d->apdu_bytes = apdu.len;
        if (tag == APDU_DATA_NOTIFICATION)
                return open_notification(d, apdu, ret_fault);
        if (tag == GBT_TAG)
                return open_block(d, apdu, ret_fault);
        if (slice_at(d->rest, 0) == OMS_CI && d->link->carries_oms)
                return open_oms(d, d->rest, ret_fault);
        if (cipher_is_tag(tag) || d->rest_ciphered)
                return open_ciphered(d, apdu, ret_fault);
        d->rest = (struct slice){ 0 };
        *ret_fault = "an APDU that is neither a notification nor a block nor ciphered";
        return OPEN_FAULT;
}

enum open_result decoder_read_text(struct decoder *d, const char **ret_fault)
{
        struct slice text = d->text;

        d->text = (struct slice){ 0 };
        d->sender = (struct slice){ 0 };
        d->apdu_bytes = text.len;
        begin_telegram(d);
        if (d->link->read(text, d->telegram) < 0) {
                *ret_fault = "a frame whose content cannot be read";
                return OPEN_FAULT;
        }
        complete(d);
        return OPEN_TELEGRAM;
}

/*
 * A 16-bit check passes one damaged frame in 65536, and of a million streams one was read so. A
 * telegram of the same length as another of this sender, but with another list, is held back once.
 */
static bool is_no_variant(struct decoder *d)
{
        return d->telegram->status != TELEGRAM_OK || trust_variant(d);
}

/*
 * An 8-bit sum passes one damaged frame in 256. Where no more than that bears a telegram out, the
 * service waits until another with the same list has come. A file may hold a list but once, and
 * texts vary: there only a variant of a telegram that the same meter sent before is held back.
 */
static bool is_borne_out(struct decoder *d)
{
        bool confirm = d->options.confirm && d->link->sum_only;
        bool known;

        if (d->telegram->status != TELEGRAM_OK)
                return !confirm || trust_kind(d);
        known = confirm ? trust_kind(d) : trust_variant(d);
        return known && doubt_is_none(&d->pasts, d->telegram, trust_sender(d));
}

/*
 * Telegrams without framing are believed on a line once they have come twice, and in a file of
 * nothing else; their values are compared with those before.
 */
static bool is_believed_unframed(struct decoder *d)
{
        if (d->options.input != SCANNER_LINE)
                return d->telegram->status != TELEGRAM_OK || is_borne_out(d);
        if (!trust_kind(d))
                return false;
        scanner_prove(&d->scanner, d->link);
        return d->telegram->status != TELEGRAM_OK ||
               doubt_is_none(&d->pasts, d->telegram, trust_sender(d));
}

/* A meter that sends a check sum always sends it: without one, the telegram has lost it. */
static bool has_lost_its_check(struct decoder *d)
{
        uint64_t checked = d->checked;

        d->checked = d->telegram->hints.weak ? 0 : trust_text(d);
        return d->telegram->hints.weak && checked && checked == trust_text(d);
}

static bool is_believed(struct decoder *d)
{
        if (d->link->unframed)
                return is_believed_unframed(d);
        if (d->link->read && has_lost_its_check(d))
                return false;
        if (trust_is_weak(d))
                return is_borne_out(d);
        return !d->link->proves_itself || is_no_variant(d);
}

void decoder_weigh(struct decoder *d, enum open_result *result)
{
        bool read = *result == OPEN_TELEGRAM && d->telegram->status != TELEGRAM_DAMAGED;

        if (*result != OPEN_NOTHING && d->link->unframed && !read)
                scanner_retract(&d->scanner, d->frame_bytes);
        if (!read)
                return;
        if (d->telegram->authenticated || is_believed(d)) {
                trust_note_id(d);
                return;
        }
        d->statistics.unconfirmed++;
        if (d->options.input == SCANNER_LINE && (d->link->unframed || d->options.confirm))
                *result = OPEN_NOTHING;
        else
                telegram_fail(d->telegram, TELEGRAM_DAMAGED,
                              "held back: it differs from what this meter sent before, and its "
                              "check sum alone does not bear it out");
}
