/* SPDX-License-Identifier: MIT */
/*
 * Checks of what the service shows on the bus.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "i18n.h"
#include "json.h"
#include "lib/util.h"
#include "output.h"

/* A meter's clock may be off by 9 s in Switzerland (METAS); a minute is a mistake by any rule. */
#define CLOCK_DEVIATION_MAX_USEC 60000000
#define SUSPECTS_MIN             6

typedef void (*each_fn)(struct doctor *doctor, struct json_object *object);

static void each(struct doctor *doctor, const char *list, each_fn run)
{
        struct json_object *objects = json_member(doctor->all, list);

        for (size_t i = 0; i < json_count(objects); i++)
                run(doctor, json_object_array_get_idx(objects, i));
}

/* "ttyUSB0", or the id of a converter that has no port now. */
static const char *port_of(struct json_object *converter)
{
        const char *device = json_text(converter, "device");

        if (strncmp(device, "/dev/", 5) == 0)
                device += 5;
        return *device ? device : json_text(converter, "id");
}

static bool has_state(struct json_object *converter, const char *state)
{
        return strcmp(json_text(converter, "state"), state) == 0;
}

void doctor_check_service(struct doctor *doctor)
{
        if (doctor->bus_away)
                doctor_wrong(doctor, "", _("Start dbus: sudo systemctl start dbus"),
                             _("The system bus cannot be reached: %s."), doctor->service_trouble);
        else if (!doctor->all)
                doctor_wrong(
                        doctor, "",
                        _("sudo systemctl enable --now smartmeterd; its log says why it ended: "
                          "journalctl -u smartmeterd"),
                        _("The service does not run (%s)."), doctor->service_trouble);
}

void doctor_check_config(struct doctor *doctor)
{
        const char *error = json_text(json_member(doctor->all, "service"), "last_reload_error");

        if (*error)
                doctor_wrong(doctor, "",
                             _("Correct it, then: sudo smctl check-config && sudo smctl reload"),
                             _("The new configuration was refused and the old one is in force: %s"),
                             error);
}

/* What stands for a converter that is not there now is kept for a while. */
static bool is_gone(struct json_object *converter)
{
        return has_state(converter, "gone");
}

static void check_ignored(struct doctor *doctor, struct json_object *converter)
{
        if (!is_gone(converter))
                doctor_wrong(doctor, port_of(converter),
                             _("If the meter is behind it: sudo smctl adopt PORT. Not sure which: "
                               "smctl identify"),
                             _("No converter is read: %s is left alone, since nothing says that it "
                               "is one for a meter."),
                             port_of(converter));
}

void doctor_check_ignored(struct doctor *doctor)
{
        struct json_object *converters = json_member(doctor->all, "converters");

        /* An ignored port is in order as long as another one is read: it may be a Zigbee stick. */
        for (size_t i = 0; i < json_count(converters); i++) {
                struct json_object *converter = json_object_array_get_idx(converters, i);

                if (!has_state(converter, "ignored") && !is_gone(converter))
                        return;
        }
        each(doctor, "converters", check_ignored);
        if (doctor->n_here > 0)
                return;
        /* Without one on USB, or with one without a port, the checks before have said why. */
        if (doctor->n_ports > 0)
                doctor_wrong(doctor, "",
                             _("sudo systemctl restart smartmeterd. Its log says what it saw: "
                               "journalctl -u smartmeterd"),
                             _("The service sees no converter, though one is plugged in."));
        else
                doctor_skip(doctor, _("There is no converter."));
}

static void check_waiting(struct doctor *doctor, struct json_object *converter)
{
        if (has_state(converter, "waiting"))
                doctor_wrong(doctor, port_of(converter),
                             _("Is Device= in its [converter] section right, and is it plugged in? "
                               "It is opened as soon as it can be. What there is: ls -l /dev/tty* "
                               "/dev/serial/by-id"),
                             _("The port cannot be opened: %s"),
                             json_text(converter, "state_reason"));
}

void doctor_check_waiting(struct doctor *doctor)
{
        each(doctor, "converters", check_waiting);
}

/* What DeviceAllow= calls the ports of this driver: "char-ttyAMA" for /dev/ttyAMA0, also by a link.
 * That is the name in /proc/devices, which serial drivers have from their ports. */
static void print_device_class(const char *device, char *buf, size_t size)
{
        OWNED_FREE char *real = realpath(device, NULL);
        const char *path = real ? real : device;
        const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        size_t len = strlen(name);

        while (len > 0 && strchr("0123456789", name[len - 1]))
                len--;
        if (len == 0) /* /dev/pts/3 */
                (void)snprintf(buf, size, "char-pts");
        else
                (void)snprintf(buf, size, "char-%.*s", (int)len, name);
}

static void check_permission(struct doctor *doctor, struct json_object *converter)
{
        const char *reason = json_text(converter, "state_reason");
        char class[64], cure[320];

        if (!has_state(converter, "denied"))
                return;
        /* The service's sentence names what is in the way, and tells. */
        if (strstr(reason, "DeviceAllow=")) {
                print_device_class(json_text(converter, "device"), class, sizeof(class));
                (void)snprintf(cure, sizeof(cure),
                               _("sudo systemctl edit smartmeterd, and there, below [Service]: "
                                 "DeviceAllow=%s rw (the port's name in /proc/devices). Then: sudo "
                                 "systemctl restart smartmeterd"),
                               class);
        } else {
                (void)snprintf(cure, sizeof(cure), "%s",
                               _("The service has the group dialout. \"ls -l\" shows the port's "
                                 "own: for another one, sudo systemctl edit smartmeterd, below "
                                 "[Service] SupplementaryGroups=GROUP; then sudo systemctl restart "
                                 "smartmeterd"));
        }
        doctor_wrong(doctor, port_of(converter), cure, _("The port must not be opened: %s"),
                     reason);
}

void doctor_check_permission(struct doctor *doctor)
{
        each(doctor, "converters", check_permission);
}

static bool has_bytes(struct json_object *converter)
{
        return json_number(json_member(converter, "statistics"), "bytes") > 0;
}

static void check_line(struct doctor *doctor, struct json_object *converter)
{
        if (has_state(converter, "no-meter") && has_bytes(converter))
                doctor_wrong(
                        doctor, port_of(converter),
                        _("Is it the right converter for this meter (level, inversion, "
                          "polarity)? Let Line= be auto, then: sudo smctl probe PORT. A record "
                          "for a report: smctl capture PORT"),
                        _("Bytes come, but no telegram with any line setting: %s"),
                        json_text(converter, "state_reason"));
}

void doctor_check_line(struct doctor *doctor)
{
        each(doctor, "converters", check_line);
}

static void check_detecting(struct doctor *doctor, struct json_object *converter)
{
        if (has_state(converter, "detecting"))
                doctor_wrong(doctor, port_of(converter),
                             _("Wait some minutes, then: smctl doctor. smctl status shows the "
                               "progress; a meter may send only once a minute, or less often."),
                             _("The meter behind it is still being looked for: %s"),
                             json_text(converter, "state_reason"));
}

void doctor_check_detecting(struct doctor *doctor)
{
        each(doctor, "converters", check_detecting);
}

static void check_silent(struct doctor *doctor, struct json_object *converter)
{
        if (has_state(converter, "silent") ||
            (has_state(converter, "no-meter") && !has_bytes(converter)))
                doctor_wrong(doctor, port_of(converter),
                             _("Check cable and plug. Many utilities switch the customer interface "
                               "on only on request; some M-Bus ports give no power to a converter "
                               "without its own."),
                             _("Nothing arrives: %s"), json_text(converter, "state_reason"));
}

void doctor_check_silent(struct doctor *doctor)
{
        each(doctor, "converters", check_silent);
}

static void check_key(struct doctor *doctor, struct json_object *meter)
{
        const char *state = json_text(meter, "key_state"), *id = json_text(meter, "id");

        if (strcmp(state, "missing") == 0)
                doctor_wrong(
                        doctor, id,
                        _("Ask the utility for the key (GUEK) of the customer interface, then: "
                          "sudo smctl set-key METER"),
                        _("The telegrams are encrypted, and no key is set."));
        else if (strcmp(state, "wrong-encryption-key") == 0)
                doctor_wrong(doctor, id,
                             _("Compare it with the utility's letter (32 hex digits, of this very "
                               "meter), then: sudo smctl set-key METER"),
                             _("The encryption key is wrong."));
        else if (strcmp(state, "wrong-authentication-key") == 0)
                doctor_wrong(doctor, id,
                             _("Set it again, or set the encryption key alone: sudo smctl set-key "
                               "METER"),
                             _("The encryption key is right, but the authentication key is not."));
}

void doctor_check_key(struct doctor *doctor)
{
        each(doctor, "meters", check_key);
}

static void check_offline(struct doctor *doctor, struct json_object *meter)
{
        uint64_t last = (uint64_t)json_number(meter, "last_telegram_usec");
        char age[OUTPUT_TEXT_MAX];

        if (last == 0 || json_flag(meter, "online"))
                return;
        doctor_wrong(doctor, json_text(meter, "id"),
                     _("Look at its converter: smctl status. A meter that is gone for good: sudo "
                       "smctl forget METER"),
                     _("No telegram since %s."), output_age(last, output_now_usec(), age));
}

void doctor_check_offline(struct doctor *doctor)
{
        each(doctor, "meters", check_offline);
}

static bool has_flag(struct json_object *reading, const char *flag)
{
        struct json_object *flags = json_member(reading, "flags");

        for (size_t i = 0; i < json_count(flags); i++)
                if (strcmp(json_object_get_string(json_object_array_get_idx(flags, i)), flag) == 0)
                        return true;
        return false;
}

/* How many readings of a meter have this flag. */
static size_t count_flag(struct json_object *meter, const char *flag)
{
        struct json_object *readings = json_member(meter, "readings");
        size_t n = 0;

        for (size_t i = 0; i < json_count(readings); i++)
                n += has_flag(json_object_array_get_idx(readings, i), flag);
        return n;
}

/* Heard, and yet it says nothing: none of its telegrams is understood, or none is any more. */
static void check_layout(struct doctor *doctor, struct json_object *meter)
{
        struct json_object *statistics = json_member(meter, "statistics");
        size_t n_readings = json_count(json_member(meter, "readings"));

        if (json_number(statistics, "unknown-layouts") == 0 || !json_flag(meter, "online") ||
            count_flag(meter, "stale") < n_readings)
                return;
        doctor_wrong(doctor, json_text(meter, "id"),
                     _("Record some minutes and send them with a report: smctl capture PORT -o "
                       "FILE. One capture is enough to teach us a meter (CONTRIBUTING.md); it "
                       "holds its serial number."),
                     _("Its telegrams arrive whole, but their list is unknown: %lld so far, and no "
                       "reading."),
                     (long long)json_number(statistics, "unknown-layouts"));
}

void doctor_check_layout(struct doctor *doctor)
{
        each(doctor, "meters", check_layout);
}

static void check_suspect(struct doctor *doctor, struct json_object *meter)
{
        struct json_object *statistics = json_member(meter, "statistics");
        int64_t n = json_number(statistics, "suspects");
        size_t n_now = count_flag(meter, "suspect");

        /* An exchanged meter is doubted three times, and a leap now and then is no trouble. */
        if (n_now == 0 || n < SUSPECTS_MIN || n < json_number(statistics, "telegrams") / 10)
                return;
        doctor_wrong(
                doctor, json_text(meter, "id"),
                _("\"smctl readings METER\" notes which. Counters that rise faster than the "
                  "connection can carry: set MaxPower= in its [meter] section; with a wrong "
                  "factor: Scale.CODE= there. Else report it with a record: smctl capture PORT -o "
                  "FILE"),
                P_("%zu reading is not believed now (%lld values since the start).",
                   "%zu readings are not believed now (%lld values since the start).", n_now),
                n_now, (long long)n);
}

void doctor_check_suspect(struct doctor *doctor)
{
        each(doctor, "meters", check_suspect);
}

/* When we heard the telegram that had the meter's clock in it. One that cannot be read is heard
 * too, and later. */
static int64_t last_read_usec(struct json_object *meter)
{
        struct json_object *readings = json_member(meter, "readings");
        int64_t last = 0;

        for (size_t i = 0; i < json_count(readings); i++)
                last = MAX(last,
                           json_number(json_object_array_get_idx(readings, i), "received_usec"));
        return last ? last : json_number(meter, "last_telegram_usec");
}

static void check_clock(struct doctor *doctor, struct json_object *meter)
{
        int64_t clock = json_number(meter, "meter_clock_usec");
        int64_t host = last_read_usec(meter);
        const char *key = json_text(meter, "key_state");
        int64_t deviation = clock - host;

        if (strcmp(key, "ok") != 0 && strcmp(key, "not-needed") != 0)
                return;
        if (clock == 0 || host == 0 || llabs(deviation) < CLOCK_DEVIATION_MAX_USEC)
                return;
        doctor_wrong(doctor, json_text(meter, "id"),
                     _("Is the clock here right (timedatectl)? If it is, set TimeSource=host in "
                       "[meter], and tell the utility."),
                     _("The meter's clock is %lld s %s ours."),
                     (long long)llabs(deviation) / 1000000,
                     deviation > 0 ? _("ahead of") : _("behind"));
}

void doctor_check_clock(struct doctor *doctor)
{
        each(doctor, "meters", check_clock);
}

enum broker_trouble {
        BROKER_OTHER,
        BROKER_ACL,
        BROKER_TLS,
};

/* What the service's sentence is about. It names the settings that matter, and they tell. */
static enum broker_trouble trouble_of(const char *error)
{
        static const char *const acl[] = { "ACL", "assword", "sername", "uthoriz" };
        static const char *const tls[] = { "TLS",      "Tls=",        "ertificate", "CaFile",
                                           "CertFile", "CertKeyFile", "Psk" };

        for (size_t i = 0; i < ELEMENTSOF(acl); i++)
                if (strstr(error, acl[i]))
                        return BROKER_ACL;
        for (size_t i = 0; i < ELEMENTSOF(tls); i++)
                if (strstr(error, tls[i]))
                        return BROKER_TLS;
        return BROKER_OTHER;
}

static void check_broker(struct doctor *doctor, enum broker_trouble trouble, const char *cure)
{
        struct json_object *sinks = json_member(doctor->all, "sinks");

        for (size_t i = 0; i < json_count(sinks); i++) {
                struct json_object *sink = json_object_array_get_idx(sinks, i);
                const char *error = json_text(sink, "last_error");

                /* An ACL may also forbid one topic to a connection that stands. */
                if (json_flag(sink, "connected") && !*error)
                        continue;
                if (trouble_of(error) == trouble)
                        doctor_wrong(doctor, json_text(sink, "name"), cure, "%s",
                                     *error ? error : _("There is no connection."));
        }
}

void doctor_check_broker(struct doctor *doctor)
{
        check_broker(doctor, BROKER_OTHER,
                     _("Does the broker run, and are Host= and Port= in its [mqtt] section right? "
                       "Nothing is lost meanwhile: readings wait in the spool."));
}

void doctor_check_tls(struct doctor *doctor)
{
        check_broker(
                doctor, BROKER_TLS,
                _("Correct Tls=, CaFile= or the certificates in its [mqtt] section, then: sudo "
                  "smctl reload"));
}

void doctor_check_acl(struct doctor *doctor)
{
        check_broker(doctor, BROKER_ACL,
                     _("Correct Username= and PasswordFile=, or the broker's access control list, "
                       "then: sudo smctl reload"));
}
