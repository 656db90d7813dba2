/* SPDX-License-Identifier: MIT */
/*
 * No framing at all: ciphered APDUs written straight on the line (Luxembourg, Styria), and
 * data-notifications whose framing a tool took off. There is no check sum, so structure must do:
 * the whole APDU is walked, and another must begin where it ends. Where that may be looked for at
 * all, the scanner decides.
 */
#include "raw.h"

#include <errno.h>

#include "apdu.h"
#include "cipher.h"
#include "layout.h"
#include "lib/link/link.h"
#include "lib/link/llc.h"
#include "lib/value/axdr.h"

#define GENERAL_GLO       0xdb
#define GENERAL_DED       0xdc
#define GENERAL_CIPHERING 0xdd
#define TRANSACTION_MAX   8
#define TITLE_BYTES       8
#define SECURITY_MIN      5 /* security control and frame counter */
#define SC_KNOWN          0x3f
#define NOTIFICATION_MIN  24
#define LLC_FIRST         0xe6
/* The short frames of M-Bus are five bytes: any noise may hold one. */
#define SHORT_FRAME_MAX 5

static bool raw_starts(uint8_t byte)
{
        return byte == GENERAL_GLO || byte == GENERAL_DED || byte == GENERAL_CIPHERING ||
               byte == APDU_DATA_NOTIFICATION || byte == LLC_FIRST;
}

static bool is_letter(uint8_t c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/*
 * Where the length of the system title stands: behind the tag, or, in general-ciphering, behind the
 * transaction id. 0: not there yet, or too far away to be one.
 */
static size_t title_at(struct slice s)
{
        if (s.data[0] != GENERAL_CIPHERING)
                return 1;
        return s.len > 1 && s.data[1] <= TRANSACTION_MAX ? 2U + s.data[1] : 0;
}

/* A title begins with the three letters of its manufacturer (FLAG id). */
static bool may_be_title(struct slice s, size_t at)
{
        for (size_t i = 0; i < 4 && at + i < s.len; i++)
                if (i == 0 ? s.data[at] != TITLE_BYTES : !is_letter(s.data[at + i]))
                        return false;
        return true;
}

/* A header that is not all there: could it become one? Asks for as many bytes as it announces. */
static enum link_result probe_begun(struct slice s, struct link_found *ret)
{
        struct reader start = reader_over(slice_from(s, 2 + TITLE_BYTES));
        size_t length;

        if (s.data[0] == GENERAL_CIPHERING)
                return LINK_MORE;
        length = axdr_length(&start);
        if (!reader_ok(&start))
                return start.ended ? LINK_MORE : LINK_NONE;
        if (length < SECURITY_MIN || length > LINK_FRAME_MAX ||
            (start.left.len > 0 && (start.left.data[0] & ~SC_KNOWN)))
                return LINK_NONE;
        ret->need = s.len - start.left.len + length;
        return LINK_MORE;
}

/* The title must look like one, and the security control has known bits only. */
static enum link_result probe_ciphered(struct slice s, struct link_found *ret)
{
        struct cipher_header header;
        const char *fault;
        size_t at = title_at(s);
        int r;

        if (at == 0)
                return s.len > 1 ? LINK_NONE : LINK_MORE;
        if (!may_be_title(s, at))
                return LINK_NONE;
        r = cipher_parse(s, &header, &fault);
        if (r == -EAGAIN)
                return probe_begun(s, ret);
        if (r < 0 || header.security_control & ~SC_KNOWN)
                return LINK_NONE;
        ret->len = header.apdu_bytes;
        return LINK_WHOLE;
}

enum link_result raw_find_notification(struct slice s, struct link_found *ret)
{
        struct reader r = reader_over(s), untagged;
        struct apdu_notification notification;
        uint8_t tag;

        apdu_notification_begin(&r, &notification);
        tag = reader_peek(&r);
        if (reader_ok(&r) && r.left.len > 0 && tag != AXDR_STRUCTURE && tag != AXDR_ARRAY)
                return LINK_NONE;
        untagged = r;
        if (layout_untagged_skip(&untagged) == 0) {
                ret->len = s.len - untagged.left.len;
                return LINK_WHOLE;
        }
        axdr_skip(&r);
        if (!reader_ok(&r))
                return r.ended || untagged.ended ? LINK_MORE : LINK_NONE;
        ret->len = s.len - r.left.len;
        ret->unsure = untagged.ended;
        return LINK_WHOLE;
}

/*
 * There is no check sum, so the known facts about the first bytes must hold: the reserved bits of
 * long-invoke-id-and-priority are 0, and the shortest telegram of the field has 24 bytes.
 */
static enum link_result probe_notification(struct slice s, struct link_found *ret)
{
        enum link_result result;

        if (slice_at(s, 1) & 0x0f)
                return LINK_NONE;
        result = raw_find_notification(s, ret);
        return result == LINK_WHOLE && ret->len < NOTIFICATION_MIN ? LINK_NONE : result;
}

static enum link_result probe_apdu(struct slice s, struct link_found *ret)
{
        if (s.len == 0)
                return LINK_MORE;
        if (!raw_starts(s.data[0]) || s.data[0] == LLC_FIRST)
                return LINK_NONE;
        return s.data[0] == APDU_DATA_NOTIFICATION ? probe_notification(s, ret)
                                                   : probe_ciphered(s, ret);
}

static bool is_fill(uint8_t byte)
{
        return byte == 0 || byte == '\r' || byte == '\n';
}

/* The length is proved only by the bytes behind it: the next APDU, or fill to the end. */
static bool ends_well(struct slice behind)
{
        size_t at = 0;

        while (at < behind.len && is_fill(behind.data[at]))
                at++;
        return at == behind.len || raw_starts(behind.data[at]);
}

static enum link_result raw_probe(struct slice s, struct slice before, struct link_found *ret)
{
        size_t llc = llc_length(s);
        enum link_result result;

        if (llc == 0 && s.data[0] == LLC_FIRST)
                return s.len < LLC_BYTES ? LINK_MORE : LINK_NONE;
        result = probe_apdu(slice_from(s, llc), ret);
        ret->need += ret->need > 0 ? llc : 0;
        ret->len += llc;
        if (result != LINK_WHOLE || ends_well(slice_from(s, ret->len)))
                return result;
        *ret = (struct link_found){
                .fault = "an APDU whose length does not end where another begins"
        };
        return LINK_DAMAGED;
}

static bool is_whole(struct slice s)
{
        struct link_found found = { 0 };

        return raw_probe(s, (struct slice){ 0 }, &found) == LINK_WHOLE;
}

/* A framing of APDUs with marks and check sums. (An APDU may well hold a P1 telegram.) */
static bool is_of_other_framing(struct slice s)
{
        for (unsigned int i = 0; link_table[i]; i++) {
                struct link_found found = { 0 };

                if (link_table[i]->proves_itself && !link_table[i]->read &&
                    link_table[i]->starts(s.data[0]) &&
                    link_table[i]->probe(s, (struct slice){ 0 }, &found) == LINK_WHOLE &&
                    found.len > SHORT_FRAME_MAX)
                        return true;
        }
        return false;
}

/* The next whole APDU behind a damaged one. */
static size_t find_next(struct slice s, size_t at)
{
        for (; at < s.len; at++)
                if (raw_starts(s.data[at]) && is_whole(slice_from(s, at)))
                        break;
        return at;
}

bool raw_is_all(struct slice whole)
{
        size_t good = 0, bad = 0;

        for (size_t at = 0; at < whole.len;) {
                struct slice here = slice_from(whole, at);
                struct link_found found = { 0 };
                bool ok;

                if (is_fill(here.data[0])) {
                        at++;
                        continue;
                }
                if (!raw_starts(here.data[0]))
                        return false;
                ok = raw_probe(here, (struct slice){ 0 }, &found) == LINK_WHOLE;
                good += ok;
                bad += !ok;
                at = ok ? at + found.len : find_next(whole, at + 1);
        }
        if (good == 0 || bad > good)
                return false;
        for (size_t at = 0; at < whole.len; at++)
                if (is_of_other_framing(slice_from(whole, at)))
                        return false;
        return true;
}

bool raw_may_begin(uint8_t byte)
{
        return raw_starts(byte) || is_fill(byte);
}

/* All of one APDU. */
static void raw_open(struct slice frame, struct link_piece *ret)
{
        *ret = (struct link_piece){ .bytes = frame, .first = true, .last = true };
}

const struct link_ops link_raw = {
        .name = "raw",
        .unframed = true,
        .starts = raw_starts,
        .probe = raw_probe,
        .follows = ends_well,
        .open = raw_open,
};
