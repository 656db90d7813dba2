/* SPDX-License-Identifier: MIT */
#include "report-frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"
#include "lib/dlms/gbt.h"
#include "lib/dlms/raw.h"
#include "lib/link/assembly.h"
#include "lib/link/llc.h"
#include "lib/link/scanner.h"

/* A telegram that is being put together, and where its pieces are. */
struct gathering {
        struct assembly assembly;
        struct report_run run;
};

struct walk {
        struct slice capture;
        struct scanner *scanner;
        struct gathering segments, blocks;
        int (*each)(void *userdata, const struct report_run *run);
        void *userdata;
};

static int add_range(struct report_range **ranges, size_t *n, size_t *room,
                     struct report_range range)
{
        if (!ARRAY_GROW(*ranges, *n, *room))
                return -ENOMEM;
        (*ranges)[(*n)++] = range;
        return 0;
}

static void run_clear(struct report_run *run)
{
        run->n_parts = run->n_frames = 0;
}

static void run_done(struct report_run *run)
{
        free(run->parts);
        free(run->frames);
        *run = (struct report_run){ 0 };
}

static int run_append(struct report_run *run, const struct report_run *more)
{
        int r = 0;

        if (run->n_parts == 0) {
                run->link = more->link;
                run->offset = more->offset;
                run->ciphered = more->ciphered;
        }
        for (size_t i = 0; i < more->n_parts && r == 0; i++)
                r = add_range(&run->parts, &run->n_parts, &run->room_parts, more->parts[i]);
        for (size_t i = 0; i < more->n_frames && r == 0; i++)
                r = add_range(&run->frames, &run->n_frames, &run->room_frames, more->frames[i]);
        return r;
}

size_t report_run_bytes(const struct report_run *run)
{
        size_t n = 0;

        for (size_t i = 0; i < run->n_parts; i++)
                n += run->parts[i].n;
        return n;
}

void report_run_get(const struct report_run *run, const uint8_t *capture, uint8_t *to)
{
        for (size_t i = 0; i < run->n_parts; to += run->parts[i++].n)
                memcpy(to, capture + run->parts[i].at, run->parts[i].n);
}

void report_run_put(const struct report_run *run, const uint8_t *from, uint8_t *capture)
{
        for (size_t i = 0; i < run->n_parts; from += run->parts[i++].n)
                memcpy(capture + run->parts[i].at, from, run->parts[i].n);
}

/* The pieces of `run` from its byte `at` on, n bytes: what a block of it carries. */
static int cut(const struct report_run *run, size_t at, size_t n, struct report_run *ret)
{
        size_t before = 0;
        int r = 0;

        *ret = (struct report_run){ .link = run->link, .offset = run->offset };
        for (size_t i = 0; i < run->n_parts && r == 0; before += run->parts[i++].n) {
                size_t from = MAX(at, before), to = MIN(at + n, before + run->parts[i].n);

                if (from < to)
                        r = add_range(&ret->parts, &ret->n_parts, &ret->room_parts,
                                      (struct report_range){ run->parts[i].at + from - before,
                                                             to - from });
        }
        for (size_t i = 0; i < run->n_frames && r == 0; i++)
                r = add_range(&ret->frames, &ret->n_frames, &ret->room_frames, run->frames[i]);
        return r;
}

/*
 * Puts a piece where it belongs, as the decoder does. *ret: the run that is whole now, or NULL; it
 * is the piece's own or the gathering's, which is to be cleared then.
 */
static int gather(struct gathering *gathering, const struct link_piece *piece,
                  const struct report_run *own, const struct report_run **ret)
{
        bool begins = piece->first && !piece->last;
        int r = 0;

        *ret = NULL;
        switch (assembly_put(&gathering->assembly, piece, own->offset)) {
        case ASSEMBLY_SINGLE:
                *ret = own;
                break;
        case ASSEMBLY_MORE:
                if (begins)
                        run_clear(&gathering->run);
                return run_append(&gathering->run, own);
        case ASSEMBLY_COMPLETE:
                r = run_append(&gathering->run, own);
                *ret = &gathering->run;
                return r;
        case ASSEMBLY_REPEATED:
                return 0;
        case ASSEMBLY_ORPHAN:
        case ASSEMBLY_OVERFLOW:
                break;
        }
        if (!gathering->assembly.open)
                run_clear(&gathering->run);
        return r;
}

/* A run that begins with blocks of a block transfer: what is whole of them is handed on. */
static int take_blocks(struct walk *w, const struct report_run *run, struct slice bytes,
                       struct slice sender)
{
        size_t at = llc_length(bytes);
        int r = 0;

        while (r == 0 && slice_at(bytes, at) == GBT_TAG) {
                struct slice apdu = slice_from(bytes, at);
                const struct report_run *whole;
                struct report_run own = { 0 };
                struct link_piece block;
                const char *fault;
                size_t n;

                if (gbt_parse(apdu, &block, &n, &fault) < 0) {
                        assembly_drop(&w->blocks.assembly);
                        run_clear(&w->blocks.run);
                        return 0;
                }
                block.sender = sender;
                r = cut(run, (size_t)(block.bytes.data - bytes.data), block.bytes.len, &own);
                if (r == 0)
                        r = gather(&w->blocks, &block, &own, &whole);
                if (r == 0 && whole)
                        r = w->each(w->userdata, whole);
                if (r == 0 && whole == &w->blocks.run)
                        run_clear(&w->blocks.run);
                run_done(&own);
                if (block.last)
                        break;
                at += n;
                at += llc_length(slice_from(bytes, at));
        }
        return r;
}

static int take_whole(struct walk *w, const struct report_run *run, struct slice sender)
{
        size_t n = report_run_bytes(run);
        OWNED_FREE uint8_t *bytes = malloc(n + 1);
        struct slice all = { bytes, n };

        if (!bytes)
                return -ENOMEM;
        report_run_get(run, w->capture.data, bytes);
        if (slice_at(all, llc_length(all)) == GBT_TAG && !run->ciphered)
                return take_blocks(w, run, all, sender);
        return w->each(w->userdata, run);
}

static int take_piece(struct walk *w, const struct scan *scan, const struct link_piece *piece)
{
        struct report_range part = { (size_t)scan->offset +
                                             (size_t)(piece->bytes.data - scan->frame.data),
                                     piece->bytes.len };
        struct report_range frame = { (size_t)scan->offset, scan->frame.len };
        const struct report_run own = {
                .link = scan->link,
                .ciphered = piece->ciphered,
                .offset = (size_t)scan->offset,
                .parts = &part,
                .n_parts = 1,
                .frames = &frame,
                .n_frames = 1,
        };
        const struct report_run *whole = NULL;
        int r = gather(&w->segments, piece, &own, &whole);

        if (r == 0 && whole)
                r = take_whole(w, whole, piece->sender);
        if (whole == &w->segments.run)
                run_clear(&w->segments.run);
        return r;
}

static int take_frame(struct walk *w, const struct scan *scan)
{
        struct report_range frame = { (size_t)scan->offset, scan->frame.len };
        struct link_piece piece = { 0 };

        if (scan->link->open)
                scan->link->open(scan->frame, &piece);
        if (piece.bytes.len > 0)
                return take_piece(w, scan, &piece);
        if (!scan->link->read)
                return 0;
        return w->each(w->userdata, &(const struct report_run){
                                            .link = scan->link,
                                            .text = true,
                                            .offset = frame.at,
                                            .parts = &frame,
                                            .n_parts = 1,
                                            .frames = &frame,
                                            .n_frames = 1,
                                    });
}

static void take_damage(struct walk *w, const struct scan *scan)
{
        struct gathering *both[] = { &w->segments, &w->blocks };

        for (size_t i = 0; i < ELEMENTSOF(both); i++) {
                if (scan->link && scan->link == w->scanner->last)
                        assembly_drop(&both[i]->assembly);
                else
                        assembly_stray(&both[i]->assembly,
                                       scan->link ? ASSEMBLY_STRAY + 1 : scan->garbage);
                if (!both[i]->assembly.open)
                        run_clear(&both[i]->run);
        }
}

static int drain(struct walk *w)
{
        for (int r = 0;;) {
                struct scan scan = scanner_next(w->scanner);

                switch (scan.type) {
                case SCAN_MORE:
                        return 0;
                case SCAN_FAULT:
                        take_damage(w, &scan);
                        break;
                case SCAN_FRAME:
                        r = take_frame(w, &scan);
                        break;
                }
                if (r != 0)
                        return r;
        }
}

int report_frames_walk(struct slice bytes,
                       int (*each)(void *userdata, const struct report_run *run), void *userdata)
{
        struct scanner scanner;
        struct walk w = {
                .capture = bytes, .scanner = &scanner, .each = each, .userdata = userdata
        };
        int r = scanner_init(&scanner, raw_is_all(bytes) ? SCANNER_UNFRAMED : SCANNER_FILE);

        if (r < 0)
                return r;
        assembly_init(&w.segments.assembly);
        assembly_init(&w.blocks.assembly);
        scanner_feed(&scanner, bytes);
        r = drain(&w);
        if (r == 0) {
                assembly_drop(&w.segments.assembly);
                assembly_drop(&w.blocks.assembly);
                scanner_finish(&scanner);
                r = drain(&w);
        }
        assembly_done(&w.segments.assembly);
        assembly_done(&w.blocks.assembly);
        run_done(&w.segments.run);
        run_done(&w.blocks.run);
        scanner_done(&scanner);
        return r;
}
