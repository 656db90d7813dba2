/* SPDX-License-Identifier: MIT */
/*
 * Checks of the outputs: brokers, and files for Prometheus. Three of them speak of the same
 * connection; each passes only for one that got so far.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "ctl/view/words.h"
#include "doctor.h"

enum trouble {
        TROUBLE_NONE,
        TROUBLE_NETWORK,
        TROUBLE_TLS,
        TROUBLE_ACL,
};

/* By the code; one that a newer service may send says nothing of TLS or passwords. */
static enum trouble trouble_of(struct json_object *output)
{
        static const char *const acl[] = { "password-missing", "password-wrong", "banned",
                                           "topic-refused", "topic-suspected" };
        const char *code = json_text(output, "last_error_code");

        if (json_flag(output, "connected") && !*json_text(output, "last_error"))
                return TROUBLE_NONE;
        if (strcmp(code, "tls") == 0)
                return TROUBLE_TLS;
        for (size_t i = 0; i < ELEMENTSOF(acl); i++)
                if (strcmp(code, acl[i]) == 0)
                        return TROUBLE_ACL;
        return TROUBLE_NETWORK;
}

/* What has become of the messages meanwhile. */
static void print_cure(struct json_object *output, const char *cure, char *buf, size_t size)
{
        int64_t lost = json_number(output, "dropped");
        int64_t waiting = json_number(output, "queued") + json_number(output, "spooled");
        size_t n = (size_t)snprintf(buf, size, "%s", cure);

        if (waiting > 0 && n < size)
                n += (size_t)snprintf(buf + n, size - n, _(" %lld messages wait for it."),
                                      (long long)waiting);
        if (lost > 0 && n < size)
                (void)snprintf(buf + n, size - n, _(" %lld messages were given up."),
                               (long long)lost);
}

/* Tells the trouble of one kind. Who was not let so far neither has it nor is free of it. */
static void check(struct doctor *doctor, enum trouble trouble, const char *cure)
{
        struct json_object *outputs = json_member(doctor->all, "outputs");
        size_t n = 0, n_passed = 0;

        for (size_t i = 0; i < json_count(outputs); i++) {
                struct json_object *output = json_object_array_get_idx(outputs, i);
                const char *error = words_error(output);
                enum trouble here = trouble_of(output);
                char text[1024];

                if (strcmp(json_text(output, "kind"), "mqtt") != 0)
                        continue;
                n++;
                /* A refused password is no trouble of TLS, but no connection either. */
                n_passed += trouble == TROUBLE_NETWORK ? json_flag(output, "connected")
                                                       : here == TROUBLE_NONE || here > trouble;
                if (here != trouble)
                        continue;
                print_cure(output, cure, text, sizeof(text));
                doctor_wrong(doctor, json_text(output, "name"), text, "%s",
                             *error ? error : _("There is no connection."));
        }
        if (n == 0)
                doctor_skip(doctor, _("No broker is configured."));
        else if (n_passed < n)
                doctor_skip(doctor, _("A broker is not connected; another check says why."));
}

void doctor_check_broker(struct doctor *doctor)
{
        check(doctor, TROUBLE_NETWORK,
              _("Does the broker run? For one on another machine: sudo smctl set-broker HOST"));
}

void doctor_check_tls(struct doctor *doctor)
{
        check(doctor, TROUBLE_TLS,
              _("Correct Tls=, CaFile= or the certificates in its [mqtt] section, then: sudo smctl "
                "reload"));
}

void doctor_check_acl(struct doctor *doctor)
{
        check(doctor, TROUBLE_ACL,
              _("User and password: sudo smctl set-broker HOST --user NAME. A topic: the broker's "
                "access control list."));
}

void doctor_check_files(struct doctor *doctor)
{
        struct json_object *outputs = json_member(doctor->all, "outputs");
        size_t n = 0;

        for (size_t i = 0; i < json_count(outputs); i++) {
                struct json_object *output = json_object_array_get_idx(outputs, i);

                if (strcmp(json_text(output, "kind"), "mqtt") == 0)
                        continue;
                n++;
                if (*json_text(output, "last_error"))
                        doctor_wrong(doctor, json_text(output, "name"),
                                     _("Does its folder exist, may the service write there, and is "
                                       "there room on the disk?"),
                                     "%s", words_error(output));
        }
        if (n == 0)
                doctor_skip(doctor, _("No output writes a file."));
}
