/* SPDX-License-Identifier: MIT */
/*
 * data-notification (IEC 62056-5-3 §7.3.10), as pushed without being asked for.
 */
#include "apdu.h"

#include <errno.h>

#include "lib/value/axdr.h"

#define DATETIME_BYTES 12
#define INVOKE_ID_MASK 0x00ffffff

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
