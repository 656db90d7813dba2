/* SPDX-License-Identifier: MIT */
#include "broker-file.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/view/output.h"
#include "ctl/whole-file.h"

#define OLD_FILE_MAX (64U * 1024U)
#define PORT_MAX     65535U

bool broker_is_name(const char *name)
{
        size_t n = strlen(name);

        if (n == 0 || n >= BROKER_NAME_MAX || *name == '.')
                return false;
        for (; *name; name++)
                if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
                        return false;
        return true;
}

/* A line of the configuration must stay one. */
static bool is_plain(const char *text)
{
        for (; *text; text++)
                if (iscntrl((unsigned char)*text) || *text == ' ' || *text == ';' || *text == '"')
                        return false;
        return true;
}

static bool parse_port(const char *text, struct broker *broker)
{
        char *end;
        unsigned long port = strtoul(text, &end, 10);

        if (!isdigit((unsigned char)*text) || *end || port == 0 || port > PORT_MAX)
                return false;
        broker->port = (unsigned int)port;
        return true;
}

/* "mqtts://" and the like, taken off; what follows a '/' behind the host is no part of it. */
static const char *skip_scheme(const char *text, struct broker *broker, const char **ret_fault)
{
        const char *end = strstr(text, "://");
        size_t n = end ? (size_t)(end - text) : 0;

        if (!end)
                return text;
        if ((n == 2 && strncasecmp(text, "ws", n) == 0) ||
            (n == 3 && strncasecmp(text, "wss", n) == 0)) {
                *ret_fault =
                        _("MQTT over WebSockets cannot be spoken; name the broker's other port, "
                          "as mqtt://host:1883 or mqtts://host:8883");
                return NULL;
        }
        if ((n == 5 && strncasecmp(text, "mqtts", n) == 0) ||
            (n == 3 && strncasecmp(text, "ssl", n) == 0)) {
                broker->tls = true;
        } else if (!(n == 4 && strncasecmp(text, "mqtt", n) == 0) &&
                   !(n == 3 && strncasecmp(text, "tcp", n) == 0)) {
                *ret_fault = _("of the schemes mqtt:// and mqtts:// are known");
                return NULL;
        }
        return end + strlen("://");
}

bool broker_parse_host(const char *text, struct broker *broker, const char **ret_fault)
{
        char *colon, *host = broker->host;
        size_t n;

        *ret_fault = _("that is no name or address of a broker");
        text = skip_scheme(text, broker, ret_fault);
        if (!text || !*text || strlen(text) >= sizeof(broker->host) || !is_plain(text))
                return false;
        (void)snprintf(host, sizeof(broker->host), "%s", text);
        if (*host == '/')
                return true;
        host[strcspn(host, "/")] = '\0';
        if (strchr(host, '@')) {
                *ret_fault = _("the user comes with --user, and the password is asked for");
                return false;
        }
        n = strlen(host);
        colon = strrchr(host, ':');
        if (*host == '[') { /* RFC 3986 §3.2.2 */
                char *end = strchr(host, ']');

                if (!end || (end[1] && !(end[1] == ':' && parse_port(end + 2, broker))))
                        return false;
                *end = '\0';
                memmove(host, host + 1, n - 1);
        } else if (colon && strchr(host, ':') == colon) { /* more of them: an IPv6 address */
                if (!parse_port(colon + 1, broker))
                        return false;
                *colon = '\0';
        }
        return *host != '\0';
}

/* The file's content; NULL and 0 when there is none. */
static int read_old(const char *path, char **ret)
{
        FILE *file = fopen(path, "re");
        OWNED_FREE char *text = calloc(1, OLD_FILE_MAX + 1);
        size_t n;

        *ret = NULL;
        if (!file)
                return errno == ENOENT ? 0 : -errno;
        n = text ? fread(text, 1, OLD_FILE_MAX, file) : 0;
        (void)fclose(file); /* only read */
        if (!text)
                return -ENOMEM;
        text[n] = '\0';
        *ret = TAKE(text);
        return 0;
}

static int put(const char *path, const char *content, mode_t mode)
{
        const struct group *group = geteuid() == 0 ? getgrnam("smartmeterd") : NULL;

        if (content)
                return whole_file_write(
                        path, content,
                        &(struct whole_file){ .mode = mode,
                                              .uid = (uid_t)-1,
                                              .gid = group ? group->gr_gid : (gid_t)-1 });
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Which keys are set, and which are taken back where the section had them. */
static char *print_section(const struct broker *b, const char *secret)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        fprintf(out,
                "# written by smctl set-broker, which writes it anew each time\n[mqtt \"%s\"]\n"
                "Host=%s\nPort=%u\nTls=%s\nCaFile=%s\nUsername=%s\n",
                b->name, b->host,
                b->port  ? b->port
                : b->tls ? 8883U
                         : 1883U,
                b->tls ? "yes" : "no", b->ca_file ? b->ca_file : "", b->username);
        fprintf(out, "PasswordFile=%s\n", *b->username ? secret : "");
        if (b->formats)
                fprintf(out, "Formats=%s\n", b->formats);
        if (fclose(out) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

static int name_files(const struct broker *broker, const char *config, struct broker_files *ret)
{
        char copy[PATH_MAX], folder[PATH_MAX];
        struct stat there;

        (void)snprintf(copy, sizeof(copy), "%s", config);
        if (!realpath(dirname(copy), folder))
                return -errno;
        if (snprintf(ret->secret, sizeof(ret->secret), "%s/broker-%s.password", folder,
                     broker->name) >= (int)sizeof(ret->secret))
                return -ENAMETOOLONG;
        if (snprintf(copy, sizeof(copy), "%s/smartmeterd.conf.d", folder) >= (int)sizeof(copy))
                return -ENAMETOOLONG;
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                return -errno;
        if (stat(copy, &there) < 0 || !S_ISDIR(there.st_mode))
                return -ENOTDIR;
        return snprintf(ret->drop_in, sizeof(ret->drop_in), "%s/set-broker-%s.conf", copy,
                        broker->name) >= (int)sizeof(ret->drop_in)
                       ? -ENAMETOOLONG
                       : 0;
}

int broker_write(const struct broker *broker, const char *config, struct broker_files *ret)
{
        OWNED_FREE char *section = NULL;
        char line[BROKER_TEXT_MAX + 1];
        int r;

        *ret = (struct broker_files){ 0 };
        r = name_files(broker, config, ret);
        if (r >= 0)
                r = read_old(ret->drop_in, &ret->old_drop_in);
        if (r >= 0)
                r = read_old(ret->secret, &ret->old_secret);
        section = print_section(broker, ret->secret);
        if (r >= 0 && !section)
                r = -ENOMEM;
        (void)snprintf(line, sizeof(line), "%s\n", broker->password);
        if (r >= 0)
                r = put(ret->secret, *broker->username ? line : NULL, 0640);
        explicit_bzero(line, sizeof(line));
        if (r >= 0) {
                r = put(ret->drop_in, section, 0644);
                if (r < 0)
                        broker_restore(ret);
        }
        if (r < 0)
                (void)output_fail(_("%s cannot be written: %s"),
                                  *ret->drop_in ? ret->drop_in : config, strerror(-r));
        return r;
}

void broker_restore(struct broker_files *files)
{
        if (put(files->drop_in, files->old_drop_in, 0644) < 0 ||
            put(files->secret, files->old_secret, 0640) < 0)
                (void)output_fail(_("%s could not be put back: %s"), files->drop_in,
                                  strerror(errno));
}

void broker_files_done(struct broker_files *files)
{
        free(files->old_drop_in);
        if (files->old_secret)
                explicit_bzero(files->old_secret, strlen(files->old_secret));
        free(files->old_secret);
        *files = (struct broker_files){ 0 };
}
