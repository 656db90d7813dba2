/* SPDX-License-Identifier: MIT */
#include "service-keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/util.h"
#include "child.h"
#include "daemon-program.h"

#define KEY_DIGITS 32 /* CIPHER_KEY_BYTES */

static bool take(const char *word, uint8_t *key)
{
        const char *fault;

        return strcmp(word, "-") != 0 && cipher_key_parse(word, key, &fault) == 0;
}

static bool same(const struct cipher_keys *a, const struct cipher_keys *b)
{
        return a->has_key == b->has_key && a->has_auth_key == b->has_auth_key &&
               memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
               memcmp(a->auth_key, b->auth_key, sizeof(a->auth_key)) == 0;
}

void service_keys_done(struct service_keys *keys)
{
        for (size_t i = 0; i < keys->n; i++)
                cipher_keys_wipe(&keys->items[i]);
        free(keys->items);
        *keys = (struct service_keys){ 0 };
}

/* "KEY AUTHENTICATION-KEY METER"; several meters may have the same. */
static int add_line(struct service_keys *keys, const char *line)
{
        char key[KEY_DIGITS + 1], auth_key[KEY_DIGITS + 1];
        struct cipher_keys new = { 0 }, *grown;
        bool known = false;
        size_t n;

        if (sscanf(line, "%32s %32s", key, auth_key) == 2) {
                new.has_key = take(key, new.key);
                new.has_auth_key = take(auth_key, new.auth_key);
        }
        explicit_bzero(key, sizeof(key));
        explicit_bzero(auth_key, sizeof(auth_key));
        for (size_t i = 0; i < keys->n && !known; i++)
                known = same(&keys->items[i], &new);
        if (!new.has_key || known)
                return 0;
        /* not realloc(), which leaves the old ones behind in memory */
        grown = calloc(keys->n + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        if (keys->n > 0)
                memcpy(grown, keys->items, keys->n * sizeof(*grown));
        grown[keys->n] = new;
        cipher_keys_wipe(&new);
        n = keys->n + 1;
        service_keys_done(keys);
        *keys = (struct service_keys){ grown, n };
        return 0;
}

int service_keys_read(struct service_keys *ret)
{
        char path[PATH_MAX], *text = NULL, option[] = "--print-keys";
        char *program = strdup(daemon_program(path)), *state = NULL;
        int r;

        *ret = (struct service_keys){ 0 };
        if (!program)
                return -ENOMEM;
        r = child_capture((char *[]){ program, option, NULL }, &text);
        free(program);
        if (r < 0)
                return r;
        r = r == EX_NOPERM ? -EACCES : r != EX_OK ? -EIO : 0;
        for (char *line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
                size_t n = strlen(line);

                if (add_line(ret, line) < 0)
                        r = -ENOMEM;
                explicit_bzero(line, n);
        }
        free(text);
        return r;
}
