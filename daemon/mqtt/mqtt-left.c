/* SPDX-License-Identifier: MIT */
#include "mqtt-left.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/util.h"
#include "mqtt-config.h"

static inline void closedir_owned(DIR *dir)
{
        (void)closedir(dir); /* only read */
}
DEFINE_OWNED(dir, DIR *, closedir_owned);

/* The name that a spool's file has in it, as mqtt-spool.c calls it; false for other files. */
static bool spool_name(const char *file, char *ret, size_t size)
{
        static const char before[] = "mqtt-", after[] = ".spool";
        size_t n = strlen(file), around = sizeof(before) - 1 + sizeof(after) - 1;

        if (n <= around || n - around >= size || strncmp(file, before, sizeof(before) - 1) != 0 ||
            strcmp(file + n - (sizeof(after) - 1), after) != 0)
                return false;
        (void)snprintf(ret, size, "%.*s", (int)(n - around), file + sizeof(before) - 1);
        return true;
}

static bool has_spool(const struct config *config, const char *name)
{
        char identifier[FORMAT_SEGMENT_MAX];

        CONFIG_EACH(struct config_mqtt, s, config, &config_section_mqtt)
        if (strcmp(format_identifier(s->item.name, identifier, sizeof(identifier)), name) == 0)
                return true;
        return false;
}

static bool names_place(const struct config *config, const char *told_key)
{
        char key[MQTT_PLACE_MAX];

        CONFIG_EACH(struct config_mqtt, s, config, &config_section_mqtt)
        if (mqtt_config_same_place(mqtt_config_told_key(s, key), told_key))
                return true;
        return false;
}

/* What a section told is taken back by the next one that is connected to the same broker. */
static void tell_told(const struct config *config, struct store *store)
{
        char key[MQTT_PLACE_MAX], before[MQTT_PLACE_MAX] = "";

        for (size_t i = 0; store_told_output_at(store, i, key, sizeof(key)); i++) {
                size_t n = strcspn(key, "\t");

                if (strcmp(key, before) == 0)
                        continue;
                memcpy(before, key, sizeof(before));
                if (!names_place(config, key))
                        log_notice("the broker at %.*s keeps what the section [mqtt \"%s\"] told "
                                   "it, until a section names this broker again",
                                   (int)n, key, key[n] ? key + n + 1 : "");
        }
}

void mqtt_left_tell(const struct config *config, const char *directory, struct store *store)
{
        OWNED(dir) DIR *dir = directory ? opendir(directory) : NULL;
        const struct dirent *entry;

        tell_told(config, store);
        while (dir && (entry = readdir(dir))) {
                char name[FORMAT_SEGMENT_MAX];
                struct stat st;

                if (!spool_name(entry->d_name, name, sizeof(name)) || has_spool(config, name) ||
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                log_notice("readings wait in %s/%s (%llu kB) for a section [mqtt \"%s\"], which is "
                           "not there: name a section so again, or delete the file",
                           directory, entry->d_name, ((unsigned long long)st.st_size + 1023) / 1024,
                           name);
        }
}

struct left {
        char *name;
        struct message_list messages;
        struct left *next;
};

static struct left *lefts, **left_last = &lefts; /* in the order in which they came */

static void give_up(const char *name, struct message_list *messages)
{
        log_warning("MQTT %s: %zu messages were neither sent nor kept", name, messages->n);
        message_list_clear(messages);
}

void mqtt_left_keep(const char *name, struct message_list *list)
{
        struct left *left;

        if (!list->head)
                return;
        left = calloc(1, sizeof(*left));
        if (left)
                left->name = strdup(name);
        if (!left || !left->name) {
                free(left);
                give_up(name, list);
                return;
        }
        message_list_append(&left->messages, list);
        *left_last = left;
        left_last = &left->next;
}

static struct left *left_free(struct left *left)
{
        free(left->name);
        free(left);
        return NULL;
}

void mqtt_left_take(const char *name, struct message_list *ret)
{
        for (struct left **at = &lefts; *at;) {
                struct left *left = *at;

                if (strcmp(left->name, name) != 0) {
                        at = &left->next;
                        continue;
                }
                *at = left->next;
                message_list_append(ret, &left->messages);
                (void)left_free(left); /* NULL, by the rule of _free */
        }
        left_last = &lefts;
        while (*left_last)
                left_last = &(*left_last)->next;
}

void mqtt_left_end(void)
{
        while (lefts) {
                struct left *left = lefts;

                lefts = left->next;
                give_up(left->name, &left->messages);
                (void)left_free(left); /* NULL, by the rule of _free */
        }
        left_last = &lefts;
}
