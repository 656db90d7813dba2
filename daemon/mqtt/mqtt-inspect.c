/* SPDX-License-Identifier: MIT */
/*
 * Packets of MQTT 3.1.1 and 5 from a server (OASIS MQTT 5.0 §2 and §3; 3.1.1 §3).
 */
#include "mqtt-inspect.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "lib/value/reader.h"

/* MQTT 5 §2.1.2 */
enum packet_type {
        PACKET_CONNACK = 2,
        PACKET_PUBLISH = 3,
        PACKET_PUBACK = 4,
        PACKET_SUBACK = 9,
        PACKET_PINGRESP = 13,
        PACKET_DISCONNECT = 14,
};

/* MQTT 5 §2.2.2.2, those that a CONNACK has and libmosquitto obeys. */
enum property {
        PROPERTY_SERVER_KEEP_ALIVE = 0x13,
        PROPERTY_RECEIVE_MAXIMUM = 0x21,
        PROPERTY_MAXIMUM_QOS = 0x24,
        PROPERTY_RETAIN_AVAILABLE = 0x25,
        PROPERTY_MAXIMUM_PACKET_SIZE = 0x27,
};

/* How long each property is: bytes, or one of these. */
#define IS_STRING 0x10 /* two bytes of length, and so many */
#define IS_PAIR   0x11
#define IS_VARINT 0x12
static const uint8_t property_kind[] = {
        [0x01] = 1,         [0x02] = 4,         [0x03] = IS_STRING, [0x08] = IS_STRING,
        [0x09] = IS_STRING, [0x0b] = IS_VARINT, [0x11] = 4,         [0x12] = IS_STRING,
        [0x13] = 2,         [0x15] = IS_STRING, [0x16] = IS_STRING, [0x17] = 1,
        [0x18] = 4,         [0x19] = 1,         [0x1a] = IS_STRING, [0x1c] = IS_STRING,
        [0x1f] = IS_STRING, [0x21] = 2,         [0x22] = 2,         [0x23] = 2,
        [0x24] = 1,         [0x25] = 1,         [0x26] = IS_PAIR,   [0x27] = 4,
        [0x28] = 1,         [0x29] = 1,         [0x2a] = 1,
};

/* §1.5.5: one to four bytes, seven bits each. */
static uint32_t read_varint(struct reader *r)
{
        uint32_t value = 0;

        for (unsigned int shift = 0; shift < 28; shift += 7) {
                uint8_t byte = reader_u8(r);

                value |= (uint32_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return value;
        }
        reader_fail(r, "a length of more than four bytes");
        return 0;
}

static void skip_string(struct reader *r)
{
        (void)reader_take(r, reader_be16(r));
}

static uint32_t read_number(struct reader *r, uint8_t n_bytes)
{
        return n_bytes == 4 ? reader_be32(r) : n_bytes == 2 ? reader_be16(r) : reader_u8(r);
}

/* Steps over a property's value; numbers are returned. */
static uint32_t read_property(struct reader *r, uint8_t kind)
{
        switch (kind) {
        case 1:
        case 2:
        case 4:
                return read_number(r, kind);
        case IS_PAIR:
                skip_string(r);
                skip_string(r);
                return 0;
        case IS_STRING:
                skip_string(r);
                return 0;
        case IS_VARINT:
                return read_varint(r);
        default:
                reader_fail(r, "an unknown property");
                return 0;
        }
}

/* Numbers of the properties with an id below 0x40, and which were there. */
struct properties {
        uint32_t values[0x40];
        uint64_t present;
};

static void read_properties(struct reader *r, struct properties *ret)
{
        struct reader inner = reader_sub(r, read_varint(r));

        *ret = (struct properties){ 0 };
        while (reader_ok(&inner) && inner.left.len > 0) {
                uint8_t id = reader_u8(&inner);
                uint8_t kind = id < sizeof(property_kind) ? property_kind[id] : 0;
                uint32_t value = read_property(&inner, kind);

                if (kind != 0 && kind < IS_STRING && ret->present & UINT64_C(1) << id)
                        reader_fail(&inner, "a property twice");
                if (kind == 0)
                        break;
                ret->present |= UINT64_C(1) << id;
                ret->values[id] = value;
        }
        if (!reader_ok(&inner))
                reader_fail(r, inner.fault);
}

static bool has_property(const struct properties *p, enum property id)
{
        return p->present & UINT64_C(1) << id;
}

static size_t put_number(uint8_t *out, enum property id, uint32_t value)
{
        size_t n = property_kind[id], at = 0;

        out[at++] = (uint8_t)id;
        while (n-- > 0)
                out[at++] = (uint8_t)(value >> 8 * n);
        return at;
}

/* §3.2.2.3: limits for us. */
static void read_limits(struct mqtt_inspect *i, struct reader *r, const struct properties *p)
{
        i->max_qos = 2;
        if (has_property(p, PROPERTY_MAXIMUM_QOS)) {
                i->max_qos = (uint8_t)p->values[PROPERTY_MAXIMUM_QOS];
                if (p->values[PROPERTY_MAXIMUM_QOS] > 1)
                        reader_fail(r, "a Maximum QoS above 1");
        }
        i->no_retain = has_property(p, PROPERTY_RETAIN_AVAILABLE) &&
                       p->values[PROPERTY_RETAIN_AVAILABLE] == 0;
        i->max_packet = p->values[PROPERTY_MAXIMUM_PACKET_SIZE];
        if (has_property(p, PROPERTY_MAXIMUM_PACKET_SIZE) && i->max_packet == 0)
                reader_fail(r, "a Maximum Packet Size of 0");
        if (has_property(p, PROPERTY_RECEIVE_MAXIMUM) && p->values[PROPERTY_RECEIVE_MAXIMUM] == 0)
                reader_fail(r, "a Receive Maximum of 0");
}

static size_t take_connack(struct mqtt_inspect *i, struct reader *r, uint8_t *out)
{
        static const enum property kept[] = { PROPERTY_SERVER_KEEP_ALIVE, PROPERTY_RECEIVE_MAXIMUM,
                                              PROPERTY_MAXIMUM_QOS, PROPERTY_RETAIN_AVAILABLE,
                                              PROPERTY_MAXIMUM_PACKET_SIZE };
        struct properties p = { 0 };
        size_t at = 5;

        (void)reader_u8(r); /* session present: we never ask for an old one */
        out[2] = 0;
        out[3] = reader_u8(r);
        i->greeted = true;
        i->max_qos = 2;
        if (!i->is_v5) {
                out[0] = PACKET_CONNACK << 4;
                out[1] = 2;
                return 4;
        }
        /* A broker of before MQTT 5 answers in its own way, without properties. */
        if (r->left.len > 0 || out[3] == 0) {
                read_properties(r, &p);
                read_limits(i, r, &p);
        }
        for (size_t k = 0; k < ELEMENTSOF(kept); k++)
                if (has_property(&p, kept[k]))
                        at += put_number(out + at, kept[k], p.values[kept[k]]);
        out[0] = PACKET_CONNACK << 4;
        out[1] = (uint8_t)(at - 2);
        out[4] = (uint8_t)(at - 5);
        return at;
}

static bool is_ours(const struct mqtt_inspect *i, struct slice topic)
{
        for (size_t k = 0; k < i->n_topics; k++)
                if (strlen(i->topics[k]) == topic.len &&
                    memcmp(i->topics[k], topic.data, topic.len) == 0)
                        return true;
        return false;
}

/* §3.3. We subscribe with QoS 0: no other can come. */
static size_t take_publish(struct mqtt_inspect *i, uint8_t flags, struct reader *r, uint8_t *out)
{
        struct slice topic = reader_take(r, reader_be16(r));
        struct properties p;
        size_t at = 2;

        if (flags & 0x06)
                reader_fail(r, "a message with a QoS that was not asked for");
        if (i->is_v5)
                read_properties(r, &p);
        if (!reader_ok(r) || !is_ours(i, topic) || r->left.len > MQTT_INSPECT_PAYLOAD_MAX ||
            topic.len + MQTT_INSPECT_PAYLOAD_MAX > 1024)
                return 0;
        /* The length takes two bytes always: §1.5.5 forbids it, but only for what is written so by
         * us and read by libmosquitto, which takes it. A short one has one. */
        size_t len = 2 + topic.len + i->is_v5 + r->left.len;

        out[0] = (uint8_t)(PACKET_PUBLISH << 4 | (flags & 0x01));
        if (len < 128) {
                out[1] = (uint8_t)len;
        } else {
                out[1] = (uint8_t)(0x80 | (len & 0x7f));
                out[at++] = (uint8_t)(len >> 7);
        }
        out[at++] = (uint8_t)(topic.len >> 8);
        out[at++] = (uint8_t)topic.len;
        memcpy(out + at, topic.data, topic.len);
        at += topic.len;
        if (i->is_v5)
                out[at++] = 0;
        if (r->left.len > 0)
                memcpy(out + at, r->left.data, r->left.len);
        at += r->left.len;
        r->left.len = 0;
        return at;
}

/* §3.4 */
static size_t take_puback(struct mqtt_inspect *i, struct reader *r, uint8_t *out)
{
        uint16_t mid = reader_be16(r);
        struct properties p;

        if (mid == 0)
                reader_fail(r, "a PUBACK for message 0");
        out[0] = PACKET_PUBACK << 4;
        out[1] = 2;
        out[2] = (uint8_t)(mid >> 8);
        out[3] = (uint8_t)mid;
        if (!i->is_v5 || r->left.len == 0)
                return 4;
        out[1] = 3;
        out[4] = reader_u8(r);
        if (r->left.len > 0)
                read_properties(r, &p);
        return 5;
}

/* §3.9 */
static size_t take_suback(struct mqtt_inspect *i, struct reader *r, uint8_t *out)
{
        uint16_t mid = reader_be16(r);
        struct properties p;
        size_t at = 4;

        if (i->is_v5)
                read_properties(r, &p);
        if (mid == 0 || r->left.len == 0 || r->left.len > MQTT_INSPECT_TOPICS_MAX)
                reader_fail(r, "a SUBACK that answers nothing we asked");
        out[0] = PACKET_SUBACK << 4;
        out[2] = (uint8_t)(mid >> 8);
        out[3] = (uint8_t)mid;
        if (i->is_v5)
                out[at++] = 0;
        while (reader_ok(r) && r->left.len > 0)
                out[at++] = reader_u8(r);
        out[1] = (uint8_t)(at - 2);
        return at;
}

/* §3.14 */
static size_t take_disconnect(struct mqtt_inspect *i, struct reader *r, uint8_t *out)
{
        struct properties p;

        if (!i->is_v5)
                reader_fail(r, "a DISCONNECT from a broker of MQTT 3.1.1");
        out[0] = PACKET_DISCONNECT << 4;
        out[1] = 1;
        out[2] = r->left.len > 0 ? reader_u8(r) : 0;
        if (r->left.len > 0)
                read_properties(r, &p);
        return 3;
}

/* A whole packet: its first byte, and a reader on what is behind its length. */
static size_t take_packet(struct mqtt_inspect *i, uint8_t first, struct reader *r, uint8_t *out)
{
        size_t n = 0;

        if ((first >> 4 == PACKET_CONNACK) == i->greeted)
                reader_fail(r, i->greeted ? "a second CONNACK" : "something before CONNACK");
        if (first >> 4 != PACKET_PUBLISH && first & 0x0f)
                reader_fail(r, "reserved bits");
        if (!reader_ok(r))
                return 0;
        switch (first >> 4) {
        case PACKET_CONNACK:
                n = take_connack(i, r, out);
                break;
        case PACKET_PUBLISH:
                return take_publish(i, first & 0x0f, r, out);
        case PACKET_PUBACK:
                n = take_puback(i, r, out);
                break;
        case PACKET_SUBACK:
                n = take_suback(i, r, out);
                break;
        case PACKET_PINGRESP:
                out[0] = PACKET_PINGRESP << 4;
                out[1] = 0;
                n = 2;
                break;
        case PACKET_DISCONNECT:
                n = take_disconnect(i, r, out);
                break;
        default:
                reader_fail(r, "a packet that no broker sends to us");
                return 0;
        }
        if (r->left.len > 0)
                reader_fail(r, "bytes behind the end of a packet");
        return n;
}

/* The length of the header that is gathered, with the length it gives; 0: more bytes are needed. */
static size_t read_header(struct mqtt_inspect *i, uint32_t *ret_len)
{
        struct reader r = reader_over((struct slice){ i->packet + 1, i->n - 1 });
        size_t n = 1;

        while (n < i->n && i->packet[n] & 0x80)
                n++;
        if (n == i->n && n < 5)
                return 0;
        *ret_len = read_varint(&r);
        if (!reader_ok(&r)) {
                i->fault = r.fault;
                return 0;
        }
        return n + 1;
}

/* One more byte. Returns how many were written. */
static size_t take_byte(struct mqtt_inspect *i, uint8_t byte, uint8_t *out)
{
        struct reader r;
        uint32_t len = 0;
        size_t head, n;

        i->packet[i->n++] = byte;
        if (i->n < 2)
                return 0;
        head = read_header(i, &len);
        if (head == 0)
                return 0;
        if (head + len > sizeof(i->packet)) {
                if (i->packet[0] >> 4 != PACKET_PUBLISH || !i->greeted) {
                        i->fault = "a packet of such length";
                        return 0;
                }
                i->skip = len - (i->n - head);
                i->n = 0;
                return 0;
        }
        if (i->n < head + len)
                return 0;
        r = reader_over((struct slice){ i->packet + head, len });
        n = take_packet(i, i->packet[0], &r, out);
        i->n = 0;
        if (!reader_ok(&r))
                i->fault = r.fault;
        return reader_ok(&r) ? n : 0;
}

int mqtt_inspect_feed(struct mqtt_inspect *i, const uint8_t *bytes, size_t n, uint8_t *out)
{
        size_t written = 0;

        for (size_t k = 0; k < n && !i->fault;) {
                size_t skip = i->skip < n - k ? (size_t)i->skip : n - k;

                i->skip -= skip;
                k += skip;
                if (k < n)
                        written += take_byte(i, bytes[k++], out + written);
        }
        return i->fault ? -EBADMSG : (int)written;
}
