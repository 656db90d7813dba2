/* SPDX-License-Identifier: MIT */
/*
 * data-notification (IEC 62056-5-3 §7.3.10), as pushed without being asked for.
 */
#include "apdu.h"

#include <errno.h>

#include "axdr.h"
#include "layout.h"

#define LLC_BYTES      3
#define DATETIME_BYTES 12
#define INVOKE_ID_MASK 0x00ffffff

size_t apdu_llc_length(struct slice s)
{
        bool response = slice_at(s, 0) == 0xe6 && slice_at(s, 1) == 0xe7;
        bool command = slice_at(s, 0) == 0xe6 && slice_at(s, 1) == 0xe6;

        return s.len >= LLC_BYTES && (response || command) && s.data[2] == 0 ? LLC_BYTES : 0;
}

static struct datetime read_time(struct reader *r)
{
        uint8_t length = reader_u8(r);

        if (length == AXDR_OCTET_STRING)
                length = reader_u8(r);
        if (length == 0)
                return (struct datetime){ 0 };
        if (length != DATETIME_BYTES) {
                reader_fail(r, "data-notification: its date-time is neither 12 bytes nor absent");
                return (struct datetime){ 0 };
        }
        return datetime_of_cosem(reader_take(r, DATETIME_BYTES));
}

void apdu_notification_begin(struct reader *r, struct apdu_notification *ret)
{
        if (reader_u8(r) != APDU_DATA_NOTIFICATION)
                reader_fail(r, "not a data-notification");
        ret->invoke_id = reader_be32(r) & INVOKE_ID_MASK;
        ret->time = read_time(r);
}

ssize_t apdu_notification_length(struct slice s)
{
        struct reader r = reader_over(s), untagged;
        struct apdu_notification notification;
        uint8_t tag;

        apdu_notification_begin(&r, &notification);
        tag = reader_peek(&r);
        if (reader_ok(&r) && r.left.len > 0 && tag != AXDR_STRUCTURE && tag != AXDR_ARRAY)
                return -EBADMSG;
        untagged = r;
        if (layout_untagged_skip(&untagged) == 0)
                return (ssize_t)(s.len - untagged.left.len);
        axdr_skip(&r);
        if (reader_ok(&r))
                return (ssize_t)(s.len - r.left.len);
        return r.ended || untagged.ended ? 0 : -EBADMSG;
}
