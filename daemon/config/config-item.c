/* SPDX-License-Identifier: MIT */
#include "config-item.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/suggest.h"
#include "base/util.h"

int config_key_set(const struct config_key *key, struct config_item *item, const char *value,
                   const char *suffix, struct config_answer *ret)
{
        config_value_parser *parse = key->parse ? key->parse : key->kind->parse;

        ret->key = key;
        return parse(value, suffix, config_key_field(key, item), ret);
}

static int set_defaults(struct config_item *item)
{
        for (size_t i = 0; i < item->section->n_keys; i++) {
                const struct config_key *key = &item->section->keys[i];
                struct config_answer answer = { 0 };

                if (key->standard && config_key_set(key, item, key->standard, "", &answer) < 0)
                        return -ENOMEM; /* a default that is wrong fails in the tests */
        }
        return 0;
}

static struct config_item *allocate(const struct config_section *section, const char *name)
{
        struct config_item *item = calloc(1, section->size);

        if (!item)
                return NULL;
        item->section = section;
        item->name = strdup(name);
        return item->name ? item : config_item_free(item);
}

struct config_item *config_item_new(const struct config_section *section, const char *name)
{
        struct config_item *item = allocate(section, name);

        return item && set_defaults(item) < 0 ? config_item_free(item) : item;
}

struct config_item *config_item_free(struct config_item *item)
{
        if (!item)
                return NULL;
        for (size_t i = 0; i < item->section->n_keys; i++) {
                const struct config_key *key = &item->section->keys[i];

                if (key->kind->done)
                        key->kind->done(config_key_field(key, item));
        }
        free(item->name);
        free(item);
        return NULL;
}

static bool equal_field(const struct config_key *key, const struct config_item *a,
                        const struct config_item *b)
{
        const void *field_a = (const char *)a + key->offset;
        const void *field_b = (const char *)b + key->offset;

        return key->kind->equal ? key->kind->equal(field_a, field_b)
                                : memcmp(field_a, field_b, key->kind->size) == 0;
}

bool config_item_equal(const struct config_item *a, const struct config_item *b)
{
        if (a->section != b->section || strcmp(a->name, b->name) != 0)
                return false;
        for (size_t i = 0; i < a->section->n_keys; i++)
                if (!equal_field(&a->section->keys[i], a, b))
                        return false;
        return true;
}

struct config_item *config_item_copy(const struct config_item *item)
{
        struct config_item *copy = allocate(item->section, item->name);

        for (size_t i = 0; copy && i < item->section->n_keys; i++) {
                const struct config_key *key = &item->section->keys[i];
                const void *from = (const char *)item + key->offset;

                if (!key->kind->copy)
                        memcpy(config_key_field(key, copy), from, key->kind->size);
                else if (key->kind->copy(config_key_field(key, copy), from) < 0)
                        copy = config_item_free(copy);
        }
        return copy;
}

const struct config_key *config_key_find(const struct config_section *section, const char *name,
                                         const char **ret_suffix)
{
        for (size_t i = 0; i < section->n_keys; i++) {
                const struct config_key *key = &section->keys[i];
                size_t n = strlen(key->name);

                if (key->name[n - 1] == '.' ? strncmp(key->name, name, n) == 0 && name[n]
                                            : strcmp(key->name, name) == 0) {
                        *ret_suffix = name + n;
                        return key;
                }
        }
        return NULL;
}

static void suggest_other_section(config_section_at *sections, const char *name, char *buf,
                                  size_t size)
{
        const char *suffix;

        for (size_t i = 0; sections(i); i++)
                if (config_key_find(sections(i), name, &suffix)) {
                        (void)snprintf(buf, size, "it belongs to [%s%s]", sections(i)->name,
                                       sections(i)->example ? " \"…\"" : "");
                        return;
                }
}

/* The fix that belongs to a hint's name; NULL: it is no hint. */
static const char *fix_of(const struct config_section *section, const char *name)
{
        for (const struct config_hint *hint = section->hints; hint && hint->name; hint++)
                if (strcasecmp(hint->name, name) == 0)
                        return hint->fix;
        return NULL;
}

void config_key_suggest(config_section_at *sections, const struct config_section *section,
                        const char *name, char *buf, size_t size)
{
        const char *fix = fix_of(section, name), *near;
        struct suggest s = suggest_for(name);

        *buf = '\0';
        for (size_t i = 0; i < section->n_keys; i++)
                suggest_offer(&s, section->keys[i].name);
        for (const struct config_hint *hint = section->hints; hint && hint->name; hint++)
                suggest_offer(&s, hint->name);
        near = suggest_best(&s);
        if (near && !fix)
                fix = fix_of(section, near);
        if (fix)
                (void)snprintf(buf, size, "%s", fix);
        else if (near)
                (void)snprintf(buf, size, "did you mean %s%s?", near, strchr(near, '.') ? "…" : "");
        if (!fix && s.best > 1)
                suggest_other_section(sections, name, buf, size); /* else the near one is offered */
}
