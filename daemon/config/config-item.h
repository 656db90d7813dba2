/* SPDX-License-Identifier: MIT */
/*
 * A section of the configuration is a table of keys, each with its kind, its default and the
 * field it fills. Everything else walks these tables: reading, freeing, comparing, copying, the
 * check of manual and shipped file. A new key is a row; a new section is a table.
 *
 *     [mqtt "local"]          struct config_section, struct config_item
 *     Port=1883               struct config_key { "Port", &config_port, … }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config_item;
struct config_key;
struct config_reader;

/* The words of a parser beside its result. */
struct config_answer {
        char text[160];   /* the fault, or with 0 a warning; "" nothing */
        bool hides_value; /* it may be a secret where the name of a file should stand */
        bool for_another; /* set by the caller: the service is another user, who may read other
                             files */
        const struct config_key *key; /* set by the caller */
};

void config_answer(struct config_answer *answer, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/*
 * Reads `value` into `field`; `suffix` is the rest of a key that has one (Label.1), else "".
 * Returns 0, -EINVAL with an answer and the field as it was, or -ENOMEM.
 */
typedef int config_value_parser(const char *value, const char *suffix, void *field,
                                struct config_answer *ret);

/* A kind of field: how it is read, compared, copied and dropped. */
struct config_kind {
        size_t size;
        config_value_parser *parse;                  /* of keys that bring none of their own */
        bool (*equal)(const void *a, const void *b); /* NULL: byte by byte */
        int (*copy)(void *to, const void *from);     /* NULL: byte by byte. *to is valid. -ENOMEM */
        void (*done)(void *field);                   /* NULL: it owns nothing, hides nothing */
};

struct config_key {
        const char *name; /* ends with '.': a suffix follows (Label.1) */
        const struct config_kind *kind;
        size_t offset;                   /* of the field in the section's struct */
        const char *standard;            /* the default, as one would write it; NULL: nothing */
        config_value_parser *parse;      /* NULL: the kind's */
        const char *(*choice)(size_t i); /* words of CONFIG_ENUM and CONFIG_SET; NULL ends */
        bool secret;    /* the file it stands in must not be readable by everyone */
        bool repeated;  /* may stand more than once; an empty value empties the list */
        bool clearable; /* an empty value means: as if it were not there */
        bool marked; /* its line is remembered: only the whole section shows whether it is right */
};

/* A name of a key in other programs, or a common mistake. */
struct config_hint {
        const char *name, *fix;
};

struct config_section {
        const char *name;
        const char *example; /* of its name: [converter "roof"]; NULL: there is one, without name */
        size_t size;         /* of its struct, which begins with struct config_item */
        const struct config_key *keys;
        size_t n_keys;
        const struct config_hint *hints; /* ends with an empty one; NULL: none */
        bool any_case;                   /* of its name */
        /* Checks one item when all files are read: keys that need each other, keys that are
         * missing. Faults become problems (config-read.h). May be NULL. */
        void (*check)(struct config_reader *reader, struct config_item *item);
};

/* The sections that there are; NULL behind the last. */
typedef const struct config_section *config_section_at(size_t i);

/* One section as it was read: first member of each section's struct. */
struct config_item {
        const struct config_section *section;
        char *name; /* [mqtt "name"]; "" for a section without */
        struct config_item *next;
};

/* With its defaults. NULL: no memory. */
struct config_item *config_item_new(const struct config_section *section, const char *name);
struct config_item *config_item_free(struct config_item *item); /* wipes secrets */
/* The same section, name and values. */
bool config_item_equal(const struct config_item *a, const struct config_item *b);
/* Shares nothing with the first, but for what is static. NULL: no memory. */
struct config_item *config_item_copy(const struct config_item *item);

/* The row of a key, and what follows a key with a suffix (else ""). NULL: unknown. */
const struct config_key *config_key_find(const struct config_section *section, const char *name,
                                         const char **ret_suffix);
static inline void *config_key_field(const struct config_key *key, struct config_item *item)
{
        return (char *)item + key->offset;
}
/* Reads one value into an item; as config_value_parser. */
int config_key_set(const struct config_key *key, struct config_item *item, const char *value,
                   const char *suffix, struct config_answer *ret);

/* The likely intention: "did you mean VendorId?", "write Line=2400 8E1", or "". */
void config_key_suggest(config_section_at *sections, const struct config_section *section,
                        const char *name, char *buf, size_t size);
