/* SPDX-License-Identifier: MIT */
/*
 * The façade: frames from the scanner, put together by one of three mechanisms (PROTOCOL §2.2), and
 * handed to decoder-apdu.c. Whatever breaks the order of frames drops what was collected: a
 * telegram is whole or it is nothing.
 */
#include "decoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apdu.h"
#include "decoder-private.h"
#include "link-hdlc.h"
#include "link-mbus.h"
#include "util.h"

static int prepare_scratch(struct decoder *d)
{
        struct decoder_scratch *scratch = d->options.scratch;

        if (!scratch)
                scratch = d->own_scratch = malloc(sizeof(*scratch));
        if (!scratch)
                return -ENOMEM;
        telegram_reset(&scratch->telegram, LINK_RAW);
        d->telegram = &scratch->telegram;
        d->plain = scratch->plain;
        return 0;
}

int decoder_new(const struct decoder_options *options, struct decoder **ret)
{
        struct decoder *d = malloc(sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        /* The large buffers stay untouched until a telegram needs them. */
        memset(d, 0, offsetof(struct decoder, scanner));
        memset(&d->assembly, 0, offsetof(struct assembly, bytes));
        scanner_init(&d->scanner);
        if (options)
                d->options = *options;
        r = prepare_scratch(d);
        if (r == 0)
                r = aead_new(&d->aead);
        if (r < 0) {
                decoder_free(d);
                return r;
        }
        *ret = d;
        return 0;
}

struct decoder *decoder_free(struct decoder *d)
{
        if (!d)
                return NULL;
        d->aead = aead_free(d->aead);
        free(d->own_scratch);
        free(d);
        return NULL;
}

void decoder_feed(struct decoder *d, struct slice bytes)
{
        assert(d->scanner.input.len == 0 && d->rest.len == 0 && d->text.len == 0);
        d->statistics.bytes += bytes.len;
        scanner_feed(&d->scanner, bytes);
}

size_t decoder_wanted(const struct decoder *d)
{
        const struct scanner *s = &d->scanner;
        size_t have = s->len - s->at + s->input.len;

        return s->need > have ? s->need - have : 0;
}

void decoder_gap(struct decoder *d)
{
        assembly_drop(d);
        scanner_gap(&d->scanner);
}

void decoder_finish(struct decoder *d)
{
        assembly_drop(d);
        scanner_finish(&d->scanner);
}

void decoder_reset(struct decoder *d)
{
        scanner_reset(&d->scanner);
        d->rest = d->text = (struct slice){ 0 };
        d->assembly.kind = ASSEMBLY_NONE;
        d->assembly.len = 0;
}

const struct decoder_statistics *decoder_statistics_get(const struct decoder *d)
{
        return &d->statistics;
}

void assembly_drop(struct decoder *d)
{
        if (d->assembly.kind != ASSEMBLY_NONE)
                d->statistics.lost_segments++;
        d->assembly.kind = ASSEMBLY_NONE;
        d->assembly.len = 0;
        gbt_reset(&d->assembly.gbt);
}

bool assembly_append(struct decoder *d, struct slice bytes)
{
        struct assembly *a = &d->assembly;

        if (bytes.len > sizeof(a->bytes) - a->len) {
                assembly_drop(d);
                return false;
        }
        if (bytes.len > 0)
                memcpy(a->bytes + a->len, bytes.data, bytes.len);
        a->len += bytes.len;
        return true;
}

void assembly_begin(struct decoder *d, enum assembly_kind kind)
{
        assembly_drop(d);
        d->assembly.kind = kind;
        d->assembly.offset = d->offset;
        d->assembly.n_addresses = MIN(d->addresses.len, (size_t)DECODER_ADDRESS_BYTES);
        if (d->assembly.n_addresses > 0)
                memcpy(d->assembly.addresses, d->addresses.data, d->assembly.n_addresses);
}

void assembly_complete(struct decoder *d)
{
        d->rest = (struct slice){ d->assembly.bytes, d->assembly.len };
        d->rest_assembled = true;
        d->rest_blocks = d->assembly.kind == ASSEMBLY_BLOCKS;
        d->offset = d->assembly.offset;
        d->assembly.kind = ASSEMBLY_NONE;
        d->assembly.len = 0;
        gbt_reset(&d->assembly.gbt);
}

bool assembly_goes_on(const struct decoder *d, enum assembly_kind kind)
{
        struct slice mine = { d->assembly.addresses, d->assembly.n_addresses };

        return d->assembly.kind == kind &&
               slice_equal(mine, slice_first(d->addresses, DECODER_ADDRESS_BYTES));
}

/* The frame holds all of its telegram. */
static void take_whole(struct decoder *d, struct slice apdus)
{
        d->rest = apdus;
        d->rest_assembled = d->rest_blocks = false;
}

/* LLC and a tag that begins an APDU: a segment that starts a telegram. */
static bool begins_apdu(struct slice information)
{
        size_t llc = apdu_llc_length(information);
        uint8_t tag = slice_at(information, llc);

        return llc > 0 && (tag == APDU_DATA_NOTIFICATION || tag == GBT_TAG || cipher_is_tag(tag));
}

/* Collects a segment; a frame of its own is left alone. */
static const char *collect_segment(struct decoder *d, const struct hdlc_frame *frame)
{
        if (begins_apdu(frame->information)) {
                if (!frame->more)
                        return NULL;
                assembly_begin(d, ASSEMBLY_SEGMENTS);
        } else if (!assembly_goes_on(d, ASSEMBLY_SEGMENTS)) {
                return frame->more ? "HDLC: a segment whose beginning is missing" : NULL;
        }
        if (!assembly_append(d, frame->information))
                return "HDLC: segments longer than any telegram";
        if (!frame->more)
                assembly_complete(d);
        return NULL;
}

static const char *open_hdlc(struct decoder *d, struct slice bytes)
{
        struct hdlc_frame frame;
        const char *fault;

        hdlc_open(bytes, &frame);
        d->addresses = frame.addresses;
        fault = collect_segment(d, &frame);
        if (fault || frame.more || d->rest.len > 0)
                return fault;
        /* What this meter began in segments cannot go on after a frame of its own. */
        if (assembly_goes_on(d, ASSEMBLY_SEGMENTS) || d->assembly.kind == ASSEMBLY_MBUS)
                assembly_drop(d);
        take_whole(d, frame.information);
        return NULL;
}

static const char *open_mbus(struct decoder *d, struct slice bytes)
{
        struct mbus_frame frame;
        struct assembly *a = &d->assembly;

        mbus_open(bytes, &frame);
        if (!frame.dlms)
                return NULL;
        d->addresses = (struct slice){ 0 };
        if (frame.segment == 0 && frame.last) {
                assembly_drop(d);
                take_whole(d, frame.data);
                return NULL;
        }
        if (frame.segment == 0) {
                assembly_begin(d, ASSEMBLY_MBUS);
        } else if (a->kind != ASSEMBLY_MBUS || frame.segment != a->next_segment) {
                assembly_drop(d);
                return "M-Bus: a segment whose predecessor is missing";
        }
        a->next_segment = (uint8_t)((frame.segment + 1) & 0x0f);
        if (!assembly_append(d, frame.data))
                return "M-Bus: segments longer than any telegram";
        if (frame.last)
                assembly_complete(d);
        return NULL;
}

static const char *open_frame(struct decoder *d, const struct scan *scan)
{
        d->framing = scan->link->type;
        d->offset = scan->offset;
        switch (d->framing) {
        case LINK_HDLC:
                return open_hdlc(d, scan->frame);
        case LINK_MBUS:
                return open_mbus(d, scan->frame);
        case LINK_RAW:
                d->addresses = (struct slice){ 0 };
                take_whole(d, scan->frame);
                return NULL;
        case LINK_P1:
        case LINK_IEC62056_21:
        case LINK_SML:
        case LINK_TIC:
                d->text = scan->frame;
                return NULL;
        case LINK_N_TYPES:
                break;
        }
        return NULL;
}

static int emit_fault(struct decoder *d, uint64_t offset, enum link_type framing, const char *what,
                      struct decoder_event *ret)
{
        d->statistics.damaged_frames++;
        *ret = (struct decoder_event){
                .type = DECODER_FAULT, .offset = offset, .framing = framing, .fault = what
        };
        return 1;
}

static int emit_garbage(const struct scan *scan, struct decoder_event *ret)
{
        *ret = (struct decoder_event){ .type = DECODER_FAULT,
                                       .offset = scan->offset,
                                       .framing = LINK_RAW,
                                       .fault = scan->fault,
                                       .garbage = true };
        return 1;
}

/* Opens what the last frame brought. 1 with an event, 0 when there is nothing to open. */
static int open_next(struct decoder *d, struct decoder_event *ret)
{
        while (d->rest.len > 0 || d->text.len > 0) {
                const char *fault = NULL;
                enum open_result result = d->text.len > 0 ? decoder_open_text(d, &fault)
                                                          : decoder_open_apdu(d, &fault);

                switch (result) {
                case OPEN_NOTHING:
                        break;
                case OPEN_TELEGRAM:
                        d->statistics.telegrams++;
                        *ret = (struct decoder_event){ .type = DECODER_TELEGRAM,
                                                       .offset = d->offset,
                                                       .framing = d->framing,
                                                       .telegram = d->telegram };
                        return 1;
                case OPEN_FAULT:
                        return emit_fault(d, d->offset, d->framing, fault, ret);
                }
        }
        return 0;
}

int decoder_next(struct decoder *d, struct decoder_event *ret_event)
{
        for (;;) {
                struct scan scan;
                const char *fault;

                if (open_next(d, ret_event) > 0)
                        return 1;
                scan = scanner_next(&d->scanner);
                d->statistics.garbage_bytes = d->scanner.garbage_bytes;
                switch (scan.type) {
                case SCAN_MORE:
                        return 0;
                case SCAN_FAULT:
                        assembly_drop(d);
                        if (!scan.link)
                                return emit_garbage(&scan, ret_event);
                        return emit_fault(d, scan.offset, scan.link->type, scan.fault, ret_event);
                case SCAN_FRAME:
                        d->statistics.frames++;
                        fault = open_frame(d, &scan);
                        if (fault)
                                return emit_fault(d, scan.offset, d->framing, fault, ret_event);
                        if (!scan.link->proves_itself)
                                break;
                        *ret_event = (struct decoder_event){ .type = DECODER_FRAME,
                                                             .offset = scan.offset,
                                                             .framing = scan.link->type };
                        return 1;
                }
        }
}
