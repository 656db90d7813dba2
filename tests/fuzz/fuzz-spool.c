/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a spool that was left: it is opened or put aside, what it gives are messages, and it
 * takes new ones afterwards.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/spool/mqtt-spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/smartmeterd-fuzz.XXXXXX";

static void empty_folder(void)
{
        DIR *dir = opendir(folder);

        for (struct dirent *entry; dir && (entry = readdir(dir));)
                if (entry->d_name[0] != '.')
                        (void)unlinkat(dirfd(dir), entry->d_name, 0);
        if (dir)
                (void)closedir(dir);
}

static void remove_folder(void)
{
        empty_folder();
        (void)rmdir(folder);
}

static void prepare(void)
{
        static bool done;

        if (done)
                return;
        done = true;
        log_set_level(-1); /* each file would be a line */
        if (!mkdtemp(folder) || atexit(remove_folder) != 0)
                abort();
}

static void write_file(const uint8_t *data, size_t size)
{
        char path[64];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/mqtt-x.spool", folder);
        file = fopen(path, "we");
        if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
                abort();
}

/* Each is whole: topic and payload end where they say. */
static void read_all(struct mqtt_spool *spool)
{
        int64_t after = INT64_MIN;

        for (unsigned int n = 0; n < 1000; n++) {
                struct message_list list = { 0 };
                int64_t last = after;

                if (mqtt_spool_read(spool, after, 8, &list) < 0 || !list.head) {
                        message_list_clear(&list);
                        return;
                }
                for (const struct message *m = list.head; m; m = m->next) {
                        if (strlen(message_topic(m)) != m->topic_len || m->row <= last)
                                abort();
                        last = m->row;
                }
                after = last;
                message_list_clear(&list);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct message_attributes attributes = { .class = MESSAGE_ENERGY, .qos = 1 };
        struct mqtt_spool_options options = { .directory = folder,
                                              .name = "x",
                                              .bytes_max = 1 << 20 };
        struct message_list list = { 0 };
        struct mqtt_spool *spool;
        struct message *m;

        prepare();
        write_file(data, size);
        if (mqtt_spool_new(&options, &spool) < 0)
                abort();
        mqtt_spool_open(spool);
        read_all(spool);
        m = message_new(&attributes, "a/b", "1", 1);
        if (!m)
                abort();
        message_list_add(&list, m);
        (void)mqtt_spool_append(spool, &list); /* it may have gone bad since: said, and kept */
        message_list_clear(&list);
        read_all(spool);
        (void)mqtt_spool_remove(spool, INT64_MAX);
        mqtt_spool_free(spool);
        empty_folder();
        return 0;
}
