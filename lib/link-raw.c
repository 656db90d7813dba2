/* SPDX-License-Identifier: MIT */
/*
 * No framing at all: ciphered APDUs written straight on the line (Luxembourg, Styria), and
 * data-notifications whose framing a tool took off. There is no check sum, so structure must do:
 * the whole APDU is walked, and a place that looks like the inside of a damaged HDLC or M-Bus frame
 * is none of ours: nothing may be read from a frame whose check failed.
 */
#include <errno.h>

#include "apdu.h"
#include "axdr.h"
#include "cipher.h"
#include "link.h"

#define GENERAL_GLO       0xdb
#define GENERAL_DED       0xdc
#define GENERAL_CIPHERING 0xdd
#define TRANSACTION_MAX   8
#define TITLE_BYTES       8
#define SECURITY_MIN      5 /* security control and frame counter */
#define SC_KNOWN          0x3f
#define HDLC_FLAG         0x7e
#define HDLC_TYPE_3       0xa0
#define HDLC_HEADER_MAX   14
#define MBUS_HEADER       5
#define NOTIFICATION_MIN  24

static bool raw_starts(uint8_t byte)
{
        return byte == GENERAL_GLO || byte == GENERAL_DED || byte == GENERAL_CIPHERING ||
               byte == APDU_DATA_NOTIFICATION;
}

/* Two of the three LLC bytes: one may be the damage that broke the frame. */
static bool is_after_llc(struct slice before)
{
        static const uint8_t llc[] = { 0xe6, 0xe7, 0x00 };
        unsigned int same = 0;

        if (before.len < sizeof(llc))
                return false;
        for (size_t i = 0; i < sizeof(llc); i++)
                same += before.data[before.len - sizeof(llc) + i] == llc[i];
        return same >= 2;
}

/* A flag and a format of type 3 not farther away than a header is long. */
static bool is_after_hdlc_header(struct slice before)
{
        size_t from = before.len > HDLC_HEADER_MAX ? before.len - HDLC_HEADER_MAX : 0;

        for (size_t i = from; i + 1 < before.len; i++)
                if (before.data[i] == HDLC_FLAG && (before.data[i + 1] & 0xf0) == HDLC_TYPE_3)
                        return true;
        return false;
}

/* C = 53, A = FF, CI, STSAP = 01, DTSAP = 67, of which one may be damaged; CI is any. */
static bool is_after_mbus_header(struct slice before)
{
        if (before.len < MBUS_HEADER)
                return false;

        const uint8_t *b = before.data + before.len - MBUS_HEADER;
        return ((b[0] & 0xdf) == 0x53) + (b[1] == 0xff) + (b[3] == 0x01) + (b[4] == 0x67) >= 3;
}

static bool is_inside_frame(struct slice before)
{
        return is_after_llc(before) || is_after_hdlc_header(before) || is_after_mbus_header(before);
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

/* A header that is not all there: could it become one? Asks for its bytes where it tells them. */
static ssize_t probe_begun(struct slice s, struct link_fault *ret_fault)
{
        struct reader start = reader_over(slice_from(s, 2 + TITLE_BYTES));
        size_t length;

        if (s.data[0] == GENERAL_CIPHERING)
                return 0;
        length = axdr_length(&start);
        if (!reader_ok(&start))
                return start.ended ? 0 : -EAGAIN;
        if (length < SECURITY_MIN || length > LINK_FRAME_MAX ||
            (start.left.len > 0 && (start.left.data[0] & ~SC_KNOWN)))
                return -EAGAIN;
        ret_fault->need = s.len - start.left.len + length;
        return 0;
}

/* The title must look like one, and the security control has known bits only. */
static ssize_t probe_ciphered(struct slice s, struct link_fault *ret_fault)
{
        struct cipher_header header;
        const char *fault;
        size_t at = title_at(s);
        int r;

        if (at == 0)
                return s.len > 1 ? -EAGAIN : 0;
        if (!may_be_title(s, at))
                return -EAGAIN;
        r = cipher_parse(s, &header, &fault);
        if (r == -EAGAIN)
                return probe_begun(s, ret_fault);
        if (r < 0 || header.security_control & ~SC_KNOWN)
                return -EAGAIN;
        return (ssize_t)header.apdu_bytes;
}

/*
 * No check sum, so what can be known of the first bytes must be right: the reserved bits of
 * long-invoke-id-and-priority are 0, and the shortest telegram of the field has 24 bytes.
 */
static ssize_t probe_notification(struct slice s)
{
        ssize_t n;

        if (slice_at(s, 1) & 0x0f)
                return -EAGAIN;
        n = apdu_notification_length(s);
        return n < 0 || (n > 0 && n < NOTIFICATION_MIN) ? -EAGAIN : n;
}

static ssize_t raw_probe(struct slice s, struct slice before, struct link_fault *ret_fault)
{
        if (is_inside_frame(before))
                return -EAGAIN;
        return s.data[0] == APDU_DATA_NOTIFICATION ? probe_notification(s)
                                                   : probe_ciphered(s, ret_fault);
}

const struct link_ops link_raw = {
        .type = LINK_RAW,
        .starts = raw_starts,
        .probe = raw_probe,
};
