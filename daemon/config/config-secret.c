/* SPDX-License-Identifier: MIT */
/*
 * Keys and passwords: from the configuration itself, from a file of their own, or from a systemd
 * credential (a name without a slash, looked up in $CREDENTIALS_DIRECTORY). Memory that held one is
 * overwritten before it is freed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "config-value.h"
#include "lib/dlms/cipher.h"

#define SECRET_MAX 1024 /* a password; a key has 32 digits and perhaps colons */

char *config_value_wipe(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
        return NULL;
}

int config_value_key(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        struct cipher_keys *keys = field;
        uint8_t key[CIPHER_KEY_BYTES];
        const char *fault = NULL;

        int r = cipher_key_parse(value, key, &fault);
        if (r < 0) {
                config_answer(ret, "%s", fault ? fault : "not a key of 32 hex digits");
                return -EINVAL;
        }
        memcpy(keys->key, key, sizeof(key));
        keys->has_key = true;
        explicit_bzero(key, sizeof(key));
        return 0;
}

int config_value_auth_key(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        struct cipher_keys *keys = field;
        struct cipher_keys parsed = { 0 };

        int r = config_value_key(value, suffix, &parsed, ret);
        if (r < 0)
                return r;
        memcpy(keys->auth_key, parsed.key, sizeof(parsed.key));
        keys->has_auth_key = true;
        cipher_keys_wipe(&parsed);
        return 0;
}

int config_value_title(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        struct cipher_keys *keys = field;
        const char *fault = NULL;

        int r = cipher_title_parse(value, keys->title, &fault);
        if (r < 0) {
                config_answer(ret, "%s", fault ? fault : "not a system title of 16 hex digits");
                return -EINVAL;
        }
        keys->has_title = true;
        return 0;
}

/* 1: opened; 0: nowhere to look, with a warning; -EINVAL with an answer. */
static int open_secret(const char *name, int *ret_fd, struct config_answer *ret)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        char path[512];
        struct stat st;

        ret->hides_value = *name != '/'; /* PasswordFile=the-password is an easy mistake */
        if (*name != '/' && (strchr(name, '/') || !*name)) {
                config_answer(ret, "write a whole path, or the bare name of a systemd credential");
                return -EINVAL;
        }
        if (*name != '/' && !directory) {
                config_answer(ret, "is taken for the name of a systemd credential, and there are "
                                   "none here: add LoadCredential=NAME:PATH to the unit, or write "
                                   "the whole path of a file");
                return 0;
        }
        int n = snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : directory,
                         *name == '/' ? "" : "/", name);
        if (n < 0 || (size_t)n >= sizeof(path)) {
                config_answer(ret, "the path is too long");
                return -EINVAL;
        }

        OWNED_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && *name != '/') {
                config_answer(ret, "is taken for the name of a systemd credential, and there is no "
                                   "such one: add LoadCredential=NAME:PATH to the unit, or write "
                                   "the whole path of a file");
                return -EINVAL;
        }
        if (fd < 0 && errno == EACCES && ret->for_another) {
                config_answer(ret,
                              "%.60s cannot be read by you; the service may: "
                              "`sudo smctl check-config` looks into it",
                              path);
                return 0;
        }
        if (fd < 0 || fstat(fd, &st) < 0) {
                config_answer(ret, "cannot read %.100s: %s", path, strerror(errno));
                return -EINVAL;
        }
        if (!S_ISREG(st.st_mode)) {
                config_answer(ret, "%.100s is not a regular file", path);
                return -EINVAL;
        }
        if (st.st_mode & S_IROTH) {
                config_answer(ret, "%.60s can be read by everyone; do: chmod o-rwx %.60s", path,
                              path);
                return -EINVAL;
        }
        *ret_fd = TAKE_FD(fd);
        return 1;
}

/* The first line into `buf`. 1, or as open_secret(). */
static int read_secret(const char *name, char buf[static SECRET_MAX], struct config_answer *ret)
{
        OWNED_FD int fd = -1;

        int r = open_secret(name, &fd, ret);
        if (r <= 0)
                return r;

        ssize_t n = read(fd, buf, SECRET_MAX);
        if (n < 0) {
                config_answer(ret, "cannot read %.100s: %s", name, strerror(errno));
                return -EINVAL;
        }
        size_t len = 0;
        while (len < (size_t)n && buf[len] && buf[len] != '\n' && buf[len] != '\r')
                len++;
        if (len == 0 || len == SECRET_MAX) {
                config_answer(ret, "%.100s %s", name,
                              len ? "is too long for a secret" : "is empty in its first line");
                return -EINVAL;
        }
        buf[len] = 0;
        return 1;
}

static int parse_from_file(const char *name, void *field, config_value_parser *parse,
                           struct config_answer *ret)
{
        char buf[SECRET_MAX] = { 0 };

        int r = read_secret(name, buf, ret);
        if (r > 0)
                r = parse(buf, "", field, ret);
        explicit_bzero(buf, sizeof(buf));
        return r;
}

int config_value_key_file(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        return parse_from_file(value, field, config_value_key, ret);
}

int config_value_auth_key_file(const char *value, const char *suffix, void *field,
                               struct config_answer *ret)
{
        return parse_from_file(value, field, config_value_auth_key, ret);
}

int config_value_secret_file(const char *value, const char *suffix, void *field,
                             struct config_answer *ret)
{
        if (!*value) /* taken back: the value of an earlier file no longer holds */
                return config_value_string(value, suffix, field, ret);
        return parse_from_file(value, field, config_value_string, ret);
}
