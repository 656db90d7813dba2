/* SPDX-License-Identifier: MIT */
/* Meters with a store of their own, which can be ended and begun again as over a restart. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include "daemon/meters/meters-private.h"
#include "daemon/store/store.h"
#include "tests/unit/test.h"

struct place {
        char directory[64];
        sd_event *event;
        struct store *store;
        struct sink *sinks; /* borrowed; set before begin() */
        struct meters *meters;
};

static inline void begin(struct place *place)
{
        assert_int_equal(store_new(&(struct store_options){ .event = place->event,
                                                            .directory = place->directory },
                                   &place->store),
                         0);
        store_wait(place->store);
        assert_int_equal(meters_new(&(struct meters_options){ .event = place->event,
                                                              .store = place->store,
                                                              .sinks = &place->sinks },
                                    &place->meters),
                         0);
}

static inline void end(struct place *place)
{
        place->meters = meters_free(place->meters);
        place->store = store_free(place->store);
}

static inline struct place *make_place(struct sink *sinks)
{
        struct place *place = calloc(1, sizeof(*place));

        assert_non_null(place);
        strcpy(place->directory, "/tmp/test-meters.XXXXXX");
        assert_non_null(mkdtemp(place->directory));
        assert_return_code(sd_event_new(&place->event), 0);
        place->sinks = sinks;
        begin(place);
        return place;
}

static inline int remove_place(void **state)
{
        static const char *const names[] = { "/state.db", "/state.db-journal", "" };
        struct place *place = *state;
        char path[128];

        end(place);
        assert_null(sd_event_unref(place->event));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", place->directory, names[i]);
                (void)remove(path); /* not all are there */
        }
        free(place);
        return 0;
}
