/* SPDX-License-Identifier: MIT */
/*
 * Reads NAME.hex or NAME.txt and the keys of NAME.expect.json.
 */
#include "captures.h"

#include <ctype.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct slice read_file(const char *path)
{
        FILE *file = fopen(path, "rb");
        uint8_t *bytes;
        size_t n;

        if (!file)
                return (struct slice){ 0 };
        bytes = malloc(1 << 16);
        n = bytes ? fread(bytes, 1, 1 << 16, file) : 0;
        (void)fclose(file);
        return (struct slice){ bytes, n };
}

static int digit_of(int c)
{
        return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* Hex text with # comments, turned into bytes in place. */
static void unhex(struct slice *s)
{
        uint8_t *out = (uint8_t *)(uintptr_t)s->data;
        size_t n = 0, nibbles = 0;
        bool comment = false;

        for (size_t i = 0; i < s->len; i++) {
                int c = s->data[i];

                comment = c == '#' || (comment && c != '\n');
                if (comment || !isxdigit(c))
                        continue;
                out[n] = (uint8_t)(nibbles % 2 ? out[n] << 4 | digit_of(c) : digit_of(c));
                n += nibbles++ % 2;
        }
        s->len = n;
}

static void read_expectation(struct capture *c, const char *path)
{
        struct json_object *root = json_object_from_file(path), *member;
        const char *fault;

        if (json_object_object_get_ex(root, "key", &member) && member)
                c->keys.has_key =
                        cipher_key_parse(json_object_get_string(member), c->keys.key, &fault) == 0;
        if (json_object_object_get_ex(root, "auth_key", &member) && member)
                c->keys.has_auth_key = cipher_key_parse(json_object_get_string(member),
                                                        c->keys.auth_key, &fault) == 0;
        if (json_object_object_get_ex(root, "expect", &member))
                c->expect_decode = strcmp(json_object_get_string(member), "decode") == 0 ||
                                   strcmp(json_object_get_string(member), "multi") == 0;
        if (json_object_object_get_ex(root, "crc_ok", &member) && member &&
            !json_object_get_boolean(member))
                c->expect_decode = false; /* the expectation itself says its CRC does not match */
        c->has_check_sum = !json_object_object_get_ex(root, "crc_present", &member) ||
                           json_object_get_boolean(member);
        json_object_put(root);
}

static void add(struct captures *captures, const char *path)
{
        struct capture *c = &captures->list[captures->n];
        const char *base = strrchr(path, '/') + 1;
        const char *dot = strrchr(base, '.');
        char expectation[1024];

        *c = (struct capture){ .bytes = read_file(path) };
        (void)snprintf(c->name, sizeof(c->name), "%.*s", (int)(dot - base), base);
        (void)snprintf(expectation, sizeof(expectation), "%.*s.expect.json", (int)(dot - path),
                       path);
        if (strcmp(dot, ".hex") == 0)
                unhex(&c->bytes);
        read_expectation(c, expectation);
        captures->n++;
}

struct captures captures_load(void)
{
        const char *folder = getenv("SMARTMETER_CAPTURES");
        struct captures captures = { 0 };
        char pattern[1024];
        glob_t found;

        (void)snprintf(pattern, sizeof(pattern), "%s/*.[ht][ex][xt]",
                       folder ? folder : "../shared/telegrams");
        if (glob(pattern, 0, NULL, &found) != 0)
                return captures;
        captures.list = calloc(found.gl_pathc, sizeof(*captures.list));
        for (size_t i = 0; captures.list && i < found.gl_pathc; i++)
                add(&captures, found.gl_pathv[i]);
        globfree(&found);
        return captures;
}

void captures_free(struct captures *captures)
{
        for (size_t i = 0; i < captures->n; i++)
                free((void *)(uintptr_t)captures->list[i].bytes.data);
        free(captures->list);
        *captures = (struct captures){ 0 };
}
