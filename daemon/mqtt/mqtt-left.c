/* SPDX-License-Identifier: MIT */
#include "mqtt-left.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/util.h"
#include "mqtt-config.h"

#define STACK_BYTES (256 << 10) /* as other threads; the log and a folder need less */

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

static bool names_place(const struct config *config, const char *key)
{
        char own[MQTT_PLACE_MAX];

        CONFIG_EACH(struct config_mqtt, s, config, &config_section_mqtt)
        if (mqtt_config_same_place(mqtt_config_retained_key(s, own), key))
                return true;
        return false;
}

/* Topics of a removed section are emptied by the next one connected to the same broker. */
static void report_retained(const struct config *config, struct store *store)
{
        char key[MQTT_PLACE_MAX], before[MQTT_PLACE_MAX] = "";

        for (size_t i = 0; store_retained_output_at(store, i, key, sizeof(key)); i++) {
                size_t n = strcspn(key, "\t");

                if (strcmp(key, before) == 0)
                        continue;
                memcpy(before, key, sizeof(before));
                if (!names_place(config, key))
                        log_notice("the broker at %.*s keeps what the section [mqtt \"%s\"] "
                                   "published, until a section names this broker again",
                                   (int)n, key, key[n] ? key + n + 1 : "");
        }
}

/* A look at the disk, which may hang: on a thread of its own, which is not waited for. */
struct look {
        char *directory;
        size_t n; /* of the sections */
        char names[][FORMAT_SEGMENT_MAX];
};

static atomic_bool is_looking; /* a second one would hang beside it */

static struct look *look_free(struct look *look)
{
        free(look->directory);
        free(look);
        return NULL;
}

static struct look *look_new(const struct config *config, const char *directory)
{
        struct look *look;
        size_t n = 0;

        CONFIG_EACH(struct config_mqtt, s, config, &config_section_mqtt)
        n++;
        look = calloc(1, sizeof(*look) + n * sizeof(look->names[0]));
        if (!look)
                return NULL;
        look->directory = strdup(directory);
        if (!look->directory)
                return look_free(look);
        CONFIG_EACH(struct config_mqtt, s, config, &config_section_mqtt)
        (void)format_identifier(s->item.name, look->names[look->n++], FORMAT_SEGMENT_MAX);
        return look;
}

static bool has_section(const struct look *look, const char *name)
{
        for (size_t i = 0; i < look->n; i++)
                if (strcmp(look->names[i], name) == 0)
                        return true;
        return false;
}

static void report_spools(const struct look *look)
{
        OWNED(dir) DIR *dir = opendir(look->directory);
        const struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                char name[FORMAT_SEGMENT_MAX];
                struct stat st;

                if (!spool_name(entry->d_name, name, sizeof(name)) || has_section(look, name) ||
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                log_notice("readings wait in %s/%s (%llu kB) for a section [mqtt \"%s\"], which is "
                           "not there: name a section so again, or delete the file",
                           look->directory, entry->d_name,
                           ((unsigned long long)st.st_size + 1023) / 1024, name);
        }
}

static void *run_look(void *userdata)
{
        struct look *look = userdata;

        report_spools(look);
        (void)look_free(look); /* NULL, by the rule of _free */
        atomic_store(&is_looking, false);
        return NULL;
}

void mqtt_left_report(const struct config *config, const char *directory, struct store *store)
{
        struct look *look;

        report_retained(config, store);
        if (!directory || atomic_exchange(&is_looking, true))
                return; /* that one hangs: the trouble with its disk was reported already */
        look = look_new(config, directory);
        if (look && thread_start(run_look, look, STACK_BYTES, NULL) >= 0)
                return;
        if (look) /* no memory: it is said after the next reload */
                (void)look_free(look);
        atomic_store(&is_looking, false);
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
