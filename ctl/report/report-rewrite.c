/* SPDX-License-Identifier: MIT */
#include "report-rewrite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hex.h"
#include "base/util.h"
#include "lib/dlms/apdu.h"
#include "lib/dlms/cipher.h"
#include "lib/dlms/oms.h"
#include "lib/dlms/raw.h"
#include "lib/link/llc.h"
#include "lib/text/text-frame.h"
#include "lib/text/text-line.h"
#include "report-check.h"
#include "report-collect.h"
#include "report-sml.h"

/* The APDU of a run, and what is done with what it holds. */
struct opening {
        struct report_work *work;
        const struct report_run *run;
        uint8_t *bytes; /* of the run */
        size_t n;
        size_t ordinal; /* of the APDU that is opened among those of its frame */
        bool rewriting;
        uint8_t plain[DECODER_APDU_BYTES];
};

#define OMS_ID_BYTES 4

enum opened {
        OPENED,
        OPENED_TAG_WRONG, /* the key is right, the authentication key is not */
        CLOSED,           /* no key, or another */
};

/* The decoder's event for the APDU that is being opened. */
static enum opened ask_outcome(const struct opening *o)
{
        size_t ordinal = 0;

        for (size_t i = 0; i < o->work->before.n; i++) {
                const struct report_outcome *outcome = &o->work->before.items[i];

                if (outcome->offset != o->run->offset || ordinal++ != o->ordinal)
                        continue;
                if (outcome->status == TELEGRAM_OK || outcome->status == TELEGRAM_LAYOUT_UNKNOWN ||
                    outcome->status == TELEGRAM_REPLAYED)
                        return OPENED;
                return outcome->status == TELEGRAM_WRONG_AUTHENTICATION_KEY ? OPENED_TAG_WRONG
                                                                            : CLOSED;
        }
        return CLOSED;
}

static int fill_at_random(uint8_t *bytes, size_t n)
{
        while (n > 0) {
                ssize_t got = getrandom(bytes, MIN(n, 256U), 0);

                if (got <= 0)
                        return -EIO;
                bytes += got;
                n -= (size_t)got;
        }
        return 0;
}

/* Plain text as it goes into the report. */
static int replace(struct opening *o, uint8_t *bytes, size_t n)
{
        struct text_frame frame = { 0 };
        struct link_found frame_found = { 0 };
        struct slice text = { bytes, n };
        bool p1 = n > 0 && text_frame_starts(bytes[0]) &&
                  text_frame_find(text, true, &frame, &frame_found) == LINK_WHOLE &&
                  frame.kind == TEXT_P1;
        const char *found;
        int r = 0;

        report_names_replace(&o->work->names, bytes, n);
        if (p1)
                r = report_check_fix_p1(bytes, n);
        found = report_names_find(&o->work->names, text);
        if (found)
                o->work->found = found;
        return r < 0 ? r : found ? -EAGAIN : 0;
}

static int take_plain(struct opening *o, uint8_t *bytes, size_t n)
{
        struct slice plain = { bytes, n };

        if (o->rewriting)
                return replace(o, bytes, n);
        if (n > 0 && text_frame_starts(bytes[0]))
                return report_collect_text(&o->work->names, &link_p1, plain);
        return report_collect_apdu(&o->work->names, plain);
}

/* ---- ciphered APDUs ---- */

/* An APDU that cannot be decrypted becomes random: its key may become known one day. */
static int shut(struct opening *o, struct slice text, struct slice tag)
{
        int r = fill_at_random(o->bytes + (text.data - o->bytes), text.len);

        if (r == 0 && tag.len > 0)
                r = fill_at_random(o->bytes + (tag.data - o->bytes), tag.len);
        return r;
}

static int seal(struct opening *o, size_t at, const struct cipher_header *before,
                enum opened opened)
{
        size_t head = (size_t)(before->ciphertext.data - o->bytes) - at;
        struct cipher_header header;
        const char *fault;
        uint8_t *tag;

        report_names_replace(&o->work->names, o->bytes + at, head);
        if (cipher_parse((struct slice){ o->bytes + at, o->n - at }, &header, &fault) < 0 ||
            header.ciphertext.data != before->ciphertext.data)
                return -EAGAIN;
        if (opened == CLOSED)
                return shut(o, header.ciphertext, header.tag_bytes);
        tag = o->bytes + at + head + header.ciphertext.len;
        if (cipher_seal(o->work->aead, &header, &o->work->new_keys,
                        (struct slice){ o->plain, header.ciphertext.len }, o->bytes + at + head,
                        tag) < 0)
                return -EIO;
        /* It did not fit before, and does not now. */
        return opened == OPENED_TAG_WRONG ? fill_at_random(tag, header.tag_bytes.len) : 0;
}

static int open_ciphered(struct opening *o, size_t at, size_t *ret_n)
{
        enum opened opened = ask_outcome(o);
        enum cipher_tag_result tag;
        struct cipher_header header;
        const char *fault;
        int r = 0;

        *ret_n = o->n - at;
        if (cipher_parse((struct slice){ o->bytes + at, o->n - at }, &header, &fault) < 0 ||
            header.ciphertext.len > sizeof(o->plain))
                return -EBADMSG;
        *ret_n = header.apdu_bytes;
        if (opened != CLOSED &&
            cipher_open(o->work->aead, &header, o->work->options->keys, o->plain, &tag) < 0)
                opened = CLOSED;
        if (opened != CLOSED)
                r = take_plain(o, o->plain, header.ciphertext.len);
        return r < 0 || !o->rewriting ? r : seal(o, at, &header, opened);
}

/* Bytes with many zeros are in everything by chance, and replaced nowhere; here they are the id. */
static void replace_oms_id(const struct report_names *names, uint8_t id[static OMS_ID_BYTES])
{
        char digits[2 * OMS_ID_BYTES];
        uint8_t turned[OMS_ID_BYTES];
        const uint8_t *other;

        for (size_t i = 0; i < OMS_ID_BYTES; i++)
                turned[OMS_ID_BYTES - 1 - i] = id[i];
        hex_put(turned, sizeof(turned), digits);
        other = report_names_substitute(names,
                                        (struct slice){ (const uint8_t *)digits, sizeof(digits) });
        for (size_t i = 0; other && i < OMS_ID_BYTES; i++)
                id[OMS_ID_BYTES - 1 - i] =
                        (uint8_t)(hex_digit(other[2 * i]) << 4 | hex_digit(other[2 * i + 1]));
}

static int open_oms(struct opening *o)
{
        struct slice bytes = { o->bytes, o->n };
        enum opened opened = ask_outcome(o);
        struct oms_header header;
        const char *fault;
        size_t head;
        int r = 0;

        if (oms_parse(bytes, &header, &fault) < 0)
                return -EBADMSG;
        head = (size_t)(header.ciphertext.data - o->bytes);
        if (opened == OPENED &&
            oms_open(o->work->aead, &header, o->work->options->keys->key, o->plain) < 0)
                opened = CLOSED;
        if (opened == OPENED)
                r = take_plain(o, o->plain, header.ciphertext.len);
        if (r < 0 || !o->rewriting)
                return r;
        report_names_replace(&o->work->names, o->bytes, head);
        replace_oms_id(&o->work->names, o->bytes + 1); /* behind the CI */
        if (oms_parse(bytes, &header, &fault) < 0)
                return -EAGAIN;
        if (opened != OPENED)
                return shut(o, header.ciphertext, (struct slice){ 0 });
        return oms_seal(o->work->aead, &header, o->work->new_keys.key, o->plain, o->bytes + head);
}

/* ---- runs ---- */

/* All APDUs of the run, as decoder-apdu.c takes them off. */
static int open_apdus(struct opening *o)
{
        int r = 0;

        if (slice_at((struct slice){ o->bytes, o->n }, 0) == OMS_CI && o->run->link->carries_oms)
                return open_oms(o);
        for (size_t at = 0; at < o->n && r == 0; o->ordinal++) {
                struct slice left = { o->bytes + at, o->n - at };
                size_t llc = llc_length(left), n;
                uint8_t tag = slice_at(left, llc);
                struct link_found found = { 0 };

                if (cipher_is_tag(tag) || (o->run->ciphered && at == 0)) {
                        r = open_ciphered(o, at + llc, &n);
                        at += llc + n;
                        continue;
                }
                n = left.len;
                if (tag == APDU_DATA_NOTIFICATION &&
                    raw_find_notification(slice_from(left, llc), &found) == LINK_WHOLE)
                        n = llc + found.len;
                r = take_plain(o, o->bytes + at, n);
                at += n;
        }
        return r;
}

static int open_run(struct report_work *work, const struct report_run *run, const uint8_t *from,
                    bool rewriting)
{
        OWNED_FREE struct opening *o = calloc(1, sizeof(*o));
        size_t n = report_run_bytes(run);
        OWNED_FREE uint8_t *bytes = malloc(n + 1);
        int r;

        if (!o || !bytes)
                return -ENOMEM;
        *o = (struct opening){
                .work = work, .run = run, .bytes = bytes, .n = n, .rewriting = rewriting
        };
        report_run_get(run, from, bytes);
        r = open_apdus(o);
        explicit_bzero(o->plain, sizeof(o->plain));
        if (r == 0 && rewriting)
                report_run_put(run, bytes, work->out);
        return r;
}

int report_look_into(struct report_work *work, const struct report_run *run)
{
        struct slice frame =
                slice_first(slice_from(work->capture, run->frames[0].at), run->frames[0].n);
        int r = 0;

        if (run->text || run->link == &link_p1)
                r = report_collect_text(&work->names, run->link, frame);
        if (r == 0 && !run->text)
                r = open_run(work, run, work->capture.data, false);
        return r == -EBADMSG ? 0 : r;
}

/* Characters without their parity, and with it again. */
static int rewrite_text(struct report_work *work, const struct report_run *run, uint8_t *frame,
                        size_t n)
{
        bool parity = n > 0 && frame[0] > 0x7f;

        if (run->link == &link_sml)
                return report_sml_replace(&work->names, frame, n);
        for (size_t i = 0; parity && i < n; i++)
                frame[i] &= 0x7f;
        report_names_replace(&work->names, frame, n);
        for (size_t i = 0; parity && i < n; i++)
                frame[i] = text_on_wire(frame[i], true);
        return 0;
}

/* The identification line in front of a ciphered APDU. */
static void rewrite_head(struct report_work *work, const struct report_run *run)
{
        if (run->link == &link_p1)
                report_names_replace(&work->names, work->out + run->frames[0].at,
                                     run->parts[0].at - run->frames[0].at);
}

int report_rewrite(struct report_work *work, const struct report_run *run)
{
        int r;

        if (run->text) {
                r = rewrite_text(work, run, work->out + run->frames[0].at, run->frames[0].n);
        } else {
                r = open_run(work, run, work->capture.data, true);
                rewrite_head(work, run);
        }
        for (size_t i = 0; i < run->n_frames && r == 0; i++) {
                const struct report_range *frame = &run->frames[i];

                if (run->link == &link_hdlc)
                        report_check_move_addresses(work->out + frame->at, frame->n,
                                                    work->address_shift);
                if (run->text || run->link != &link_p1)
                        r = report_check_fix(run->link, work->capture.data + frame->at,
                                             work->out + frame->at, frame->n);
                for (size_t k = 0; k < frame->n; k++)
                        work->kept[frame->at + k] = true;
        }
        return r;
}
