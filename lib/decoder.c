/* SPDX-License-Identifier: MIT */
/*
 * The façade: frames from the scanner, opened by their link, put together by the assembly, and
 * handed to decoder-apdu.c.
 */
#include "decoder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "decoder-private.h"

static int prepare_scratch(struct decoder *d)
{
        struct decoder_scratch *scratch = d->options.scratch;

        if (!scratch)
                scratch = d->own_scratch = malloc(sizeof(*scratch));
        if (!scratch)
                return -ENOMEM;
        telegram_reset(&scratch->telegram, "");
        d->telegram = &scratch->telegram;
        d->plain = scratch->plain;
        return 0;
}

int decoder_new(const struct decoder_options *options, struct decoder **ret)
{
        struct decoder *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return -ENOMEM;
        assembly_init(&d->segments);
        assembly_init(&d->blocks);
        if (options)
                d->options = *options;
        r = scanner_init(&d->scanner, d->options.input);
        if (r == 0)
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
        scanner_done(&d->scanner);
        assembly_done(&d->segments);
        assembly_done(&d->blocks);
        free(d->own_scratch);
        free(d);
        return NULL;
}

void decoder_forget_keys(struct decoder *d)
{
        aead_forget_key(d->aead);
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

static void drop_assemblies(struct decoder *d)
{
        assembly_drop(&d->segments);
        assembly_drop(&d->blocks);
}

void decoder_expect(struct decoder *d, const char *framing)
{
        scanner_expect(&d->scanner, framing && *framing ? link_find(framing) : NULL);
}

void decoder_gap(struct decoder *d)
{
        drop_assemblies(d);
        scanner_gap(&d->scanner);
}

void decoder_finish(struct decoder *d)
{
        drop_assemblies(d);
        scanner_finish(&d->scanner);
}

void decoder_reset(struct decoder *d)
{
        scanner_reset(&d->scanner);
        d->rest = d->text = (struct slice){ 0 };
        d->n_kinds = 0;
        d->checked = 0;
        d->last_id[0] = '\0';
        d->pasts = (struct doubt_pasts){ 0 };
        d->segments.open = d->blocks.open = false; /* the caller's doing: nothing is lost */
        drop_assemblies(d);
}

const struct decoder_statistics *decoder_statistics_get(const struct decoder *d)
{
        return &d->statistics;
}

void decoder_take_assembled(struct decoder *d, const struct assembly *assembly)
{
        d->rest = (struct slice){ assembly->bytes, assembly->len };
        d->rest_assembled = true;
        d->rest_blocks = d->rest_ciphered = false;
        d->offset = assembly->offset;
}

/* Puts a piece where it belongs. NULL, or what is wrong with it. */
static const char *take_piece(struct decoder *d, const struct link_piece *piece)
{
        d->sender = piece->sender;
        switch (assembly_put(&d->segments, piece, d->offset)) {
        case ASSEMBLY_SINGLE:
                d->rest = piece->bytes;
                d->rest_ciphered = piece->ciphered;
                d->rest_assembled = d->rest_blocks = false;
                return NULL;
        case ASSEMBLY_COMPLETE:
                decoder_take_assembled(d, &d->segments);
                return NULL;
        case ASSEMBLY_MORE:
        case ASSEMBLY_REPEATED:
                return NULL;
        case ASSEMBLY_ORPHAN:
                return "a segment whose beginning is missing";
        case ASSEMBLY_OVERFLOW:
                return "segments longer than any telegram";
        }
        return NULL;
}

static const char *open_frame(struct decoder *d, const struct scan *scan)
{
        struct link_piece piece = { 0 };

        d->link = scan->link;
        d->frame_bytes = scan->frame.len;
        d->offset = scan->offset;
        if (d->link->open)
                d->link->open(scan->frame, &piece);
        if (piece.bytes.len > 0)
                return take_piece(d, &piece);
        if (d->link->read)
                d->text = scan->frame;
        return NULL;
}

static int emit_fault(struct decoder *d, uint64_t offset, const char *framing, const char *what,
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
        *ret = (struct decoder_event){
                .type = DECODER_FAULT, .offset = scan->offset, .fault = scan->fault, .garbage = true
        };
        return 1;
}

/* Opens the content of the last frame. 1 with an event, 0 when there is nothing to open. */
static int open_next(struct decoder *d, struct decoder_event *ret)
{
        while (d->rest.len > 0 || d->text.len > 0) {
                const char *fault = NULL;
                enum open_result result = d->text.len > 0 ? decoder_read_text(d, &fault)
                                                          : decoder_open_apdu(d, &fault);

                decoder_weigh(d, &result);
                switch (result) {
                case OPEN_NOTHING:
                        break;
                case OPEN_TELEGRAM:
                        d->statistics.telegrams++;
                        *ret = (struct decoder_event){ .type = DECODER_TELEGRAM,
                                                       .offset = d->offset,
                                                       .framing = d->link->name,
                                                       .telegram = d->telegram };
                        return 1;
                case OPEN_FAULT:
                        return emit_fault(d, d->offset, d->link->name, fault, ret);
                }
        }
        return 0;
}

/* Drops the assemblies that the damage may have hit. */
static void take_damage(struct decoder *d, const struct scan *scan)
{
        if (!d->scanner.proven)
                d->n_kinds = 0; /* telegrams without check sum must come twice in a row */
        if (scan->link && scan->link == d->scanner.last) {
                drop_assemblies(d);
                return;
        }
        assembly_stray(&d->segments, scan->link ? ASSEMBLY_STRAY + 1 : scan->garbage);
        assembly_stray(&d->blocks, scan->link ? ASSEMBLY_STRAY + 1 : scan->garbage);
}

static int next_event(struct decoder *d, struct decoder_event *ret_event)
{
        for (;;) {
                struct scan scan;
                const char *fault;

                if (open_next(d, ret_event) > 0)
                        return 1;
                scan = scanner_next(&d->scanner);
                switch (scan.type) {
                case SCAN_MORE:
                        return 0;
                case SCAN_FAULT:
                        take_damage(d, &scan);
                        if (!scan.link)
                                return emit_garbage(&scan, ret_event);
                        return emit_fault(d, scan.offset, scan.link->name, scan.fault, ret_event);
                case SCAN_FRAME:
                        d->statistics.frames++;
                        fault = open_frame(d, &scan);
                        if (fault)
                                return emit_fault(d, scan.offset, d->link->name, fault, ret_event);
                        if (!scan.link->proves_itself)
                                break;
                        *ret_event = (struct decoder_event){ .type = DECODER_FRAME,
                                                             .offset = scan.offset,
                                                             .framing = scan.link->name };
                        return 1;
                }
        }
}

int decoder_next(struct decoder *d, struct decoder_event *ret_event)
{
        int r = next_event(d, ret_event);

        d->statistics.garbage_bytes = d->scanner.garbage_bytes;
        d->statistics.lost_segments = d->segments.n_lost + d->blocks.n_lost;
        return r;
}
