/* SPDX-License-Identifier: MIT */
/*
 * Checks of the converters, as the service shows them on the bus.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "ctl/view/words.h"
#include "doctor.h"

/* "ttyUSB0", or the id of a converter that has no port now. */
const char *doctor_port(struct json_object *converter)
{
        const char *device = json_text(converter, "device");

        if (strncmp(device, "/dev/", 5) == 0)
                device += 5;
        return *device ? device : json_text(converter, "id");
}

/* Of a few frames nothing can be said. */
#define DAMAGE_FRAMES_MIN  20
#define DAMAGE_PERCENT_MAX 20

static bool has_state(struct json_object *converter, const char *state)
{
        return strcmp(json_text(converter, "state"), state) == 0;
}

/* The entry of a converter that was unplugged is kept for a while. */
static bool is_gone(struct json_object *converter)
{
        return has_state(converter, "gone");
}

static bool has_code(struct json_object *converter, const char *code)
{
        return strcmp(json_text(converter, "state_code"), code) == 0;
}

static void check_ignored(struct doctor *doctor, struct json_object *converter)
{
        const char *port = doctor_port(converter), *unit = json_text(converter, "holder_unit");
        char fix[320];

        if (is_gone(converter) || has_code(converter, "moved")) /* doctor_check_moved() */
                return;
        (void)snprintf(
                fix, sizeof(fix),
                has_code(converter, "in-use")
                        ? _("If the meter is behind it: stop that program, then: sudo smctl "
                            "adopt %s")
                        : _("If the meter is behind it: sudo smctl adopt %s. Not sure which: "
                            "sudo smctl identify"),
                port);
        if (has_code(converter, "in-use"))
                doctor_wrong(doctor, port, fix,
                             _("No converter is read: %s is left alone, since another program used "
                               "it (process %lld%s%s)."),
                             port, (long long)json_number(converter, "holder_pid"),
                             *unit ? ", " : "", unit);
        else if (has_code(converter, "gps") || has_code(converter, "modbus"))
                doctor_wrong(doctor, port, fix,
                             _("No converter is read: %s is left alone, since what it sends is "
                               "another device's (%s)."),
                             port, json_text(converter, "state_code"));
        else if (has_code(converter, "other-meter"))
                doctor_wrong(doctor, port, fix,
                             _("No converter is read: %s is left alone, since the meter of the "
                               "adopted converter that left its socket was not heard there."),
                             port);
        else
                doctor_wrong(doctor, port, fix,
                             _("No converter is read: %s is left alone, since nothing says that it "
                               "is one for a meter."),
                             port);
}

/* An adopted one is missing, whatever else is read. */
void doctor_check_moved(struct doctor *doctor, struct json_object *converter)
{
        const char *port = doctor_port(converter);
        char fix[160];

        if (!has_code(converter, "moved"))
                return;
        (void)snprintf(fix, sizeof(fix),
                       _("If this is the one, in another socket: sudo smctl adopt %s"), port);
        doctor_wrong(doctor, port, fix,
                     _("An adopted converter has left its socket, and %s is of its kind."), port);
}

bool doctor_is_used(struct json_object *converter)
{
        return !has_state(converter, "ignored") && !is_gone(converter);
}

void doctor_check_ignored(struct doctor *doctor)
{
        /* An ignored port is in order as long as another one is read: it may be a Zigbee stick. */
        if (doctor_any(doctor, "converters", doctor_is_used))
                return;
        doctor_each(doctor, "converters", check_ignored);
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

const struct need doctor_needs_used = { doctor_is_used, N_("No converter is in use."), true };

static bool is_open(struct json_object *converter)
{
        return has_state(converter, "receiving") || has_state(converter, "detecting") ||
               has_state(converter, "silent") || has_state(converter, "no-meter");
}

const struct need doctor_needs_open = { .has = is_open, .why = N_("No port is open.") };

static bool is_receiving(struct json_object *converter)
{
        return has_state(converter, "receiving");
}

const struct need doctor_needs_telegrams = { .has = is_receiving,
                                             .why = N_("Nothing is received yet.") };

/* A port is missing by several ways, each with its own fix. */
static const char *fix_of_waiting(struct json_object *converter)
{
        static const struct {
                const char *code, *fix;
        } fixes[] = {
                { "opening", N_("Wait a moment, then: smctl doctor") },
                { "no-usb-answer",
                  N_("Unplug the converter and plug it in again, without a hub in between. It is "
                     "tried again by itself every few minutes.") },
                { "usb-reset", N_("Wait a moment, then: smctl doctor") },
                { "no-port",
                  N_("In a container: pass the device itself in, with nothing of that name made "
                     "before (Docker: --device; Proxmox: dev0:). Else correct Device= in its "
                     "[converter] section.") },
                { "hung-up", N_("Look at cable and plug; \"sudo dmesg\" says whether the kernel "
                                "loses it.") },
                { "flapping", N_("Look at cable, plug and power supply; \"sudo dmesg\" says "
                                 "whether the kernel loses it.") },
                { "nothing-listens", N_("Start the bridge (ser2net, esp-link), or correct the "
                                        "address in Device= of its [converter] section.") },
                { "no-such-host", N_("Write the bridge's address instead of its name into Device=, "
                                     "or look at DNS.") },
                { "no-answer", N_("Is the bridge switched on and in this network? It is tried "
                                  "again by itself.") },
                { "no-rfc2217", N_("Write tcp:// in place of rfc2217:// into Device=, and set the "
                                   "line at the bridge.") },
        };

        for (size_t i = 0; i < ELEMENTSOF(fixes); i++)
                if (has_code(converter, fixes[i].code))
                        return _(fixes[i].fix);
        return _("Is Device= in its [converter] section right, and is it plugged in? It is opened "
                 "as soon as it can be. What there is: ls -l /dev/tty* /dev/serial/by-id");
}

void doctor_check_waiting(struct doctor *doctor, struct json_object *converter)
{
        if (has_state(converter, "waiting"))
                doctor_wrong(doctor, doctor_port(converter), fix_of_waiting(converter),
                             _("The port cannot be opened: %s"), words_reason(converter));
}

/* The name of this driver's ports in DeviceAllow=: "char-ttyAMA" for /dev/ttyAMA0, also by a link.
 * It is that of /proc/devices, which serial drivers have from their ports. */
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

/* As a pseudo-terminal is made, for write(1): root:tty 0620. */
static bool may_only_be_written(const char *device)
{
        struct stat file;

        return stat(device, &file) == 0 && S_ISCHR(file.st_mode) &&
               (file.st_mode & (S_IRGRP | S_IWGRP)) == S_IWGRP;
}

void doctor_check_permission(struct doctor *doctor, struct json_object *converter)
{
        const char *reason = json_text(converter, "state_reason");
        char class[64], fix[320];

        if (!has_state(converter, "denied"))
                return;
        /* The service's sentence names what is in the way. */
        if (has_code(converter, "sandbox") && strncmp(json_text(converter, "id"), "tty@", 4) == 0) {
                (void)snprintf(fix, sizeof(fix),
                               _("It opens the sandbox for this port: sudo smctl adopt %s"),
                               json_text(converter, "device"));
        } else if (has_code(converter, "sandbox") || strstr(reason, "DeviceAllow=")) {
                print_device_class(json_text(converter, "device"), class, sizeof(class));
                (void)snprintf(fix, sizeof(fix),
                               _("sudo systemctl edit smartmeterd, and there, below [Service]: "
                                 "DeviceAllow=%s rw (the port's name in /proc/devices). Then: sudo "
                                 "systemctl restart smartmeterd"),
                               class);
        } else if (may_only_be_written(json_text(converter, "device"))) {
                (void)snprintf(fix, sizeof(fix), "%s",
                               _("Its group may write there, and not read. Where socat makes it: "
                                 "pty,link=…,group=dialout,mode=660. Better, without socat: "
                                 "Device=tcp://host:port"));
        } else {
                (void)snprintf(fix, sizeof(fix), "%s",
                               _("The service has the group dialout. \"ls -l\" shows the port's "
                                 "own: for another one, sudo systemctl edit smartmeterd, below "
                                 "[Service] SupplementaryGroups=GROUP; then sudo systemctl restart "
                                 "smartmeterd"));
        }
        doctor_wrong(doctor, doctor_port(converter), fix, _("The port must not be opened: %s"),
                     words_reason(converter));
}

static bool has_bytes(struct json_object *converter)
{
        return json_number(json_member(converter, "statistics"), "bytes") > 0;
}

void doctor_check_line(struct doctor *doctor, struct json_object *converter)
{
        bool found_none = has_state(converter, "no-meter") && has_bytes(converter);
        char word[DOCTOR_WORD_MAX];

        doctor_word(doctor_port(converter), word);
        if (found_none || has_code(converter, "no-frames"))
                doctor_wrong(
                        doctor, doctor_port(converter),
                        doctor_fix(doctor,
                                   _("Is it the right converter for this meter (level, inversion, "
                                     "polarity)? Let Line= be auto, then: sudo smctl probe %s. A "
                                     "record for a report: sudo smctl capture %s -o capture.bin"),
                                   word, word),
                        found_none ? _("Bytes come, but no telegram with any line setting: %s")
                                   : _("Bytes come, but no frame of a meter in them: %s"),
                        words_reason(converter));
}

void doctor_check_detecting(struct doctor *doctor, struct json_object *converter)
{
        if (!has_state(converter, "detecting"))
                return;
        if (has_code(converter, "no-telegrams") || has_code(converter, "no-frames"))
                doctor_skip(doctor, _("The meter is not found yet; another check says why."));
        else
                doctor_wrong(doctor, doctor_port(converter),
                             _("Wait some minutes, then: smctl doctor. smctl status shows the "
                               "progress; a meter may send only once a minute, or less often."),
                             _("The meter behind it is still being looked for: %s"),
                             words_reason(converter));
}

void doctor_check_silent(struct doctor *doctor, struct json_object *converter)
{
        if (has_state(converter, "silent") ||
            (has_state(converter, "no-meter") && !has_bytes(converter)))
                doctor_wrong(doctor, doctor_port(converter),
                             _("Check cable and plug. Many utilities switch the customer interface "
                               "on only on request; some M-Bus ports give no power to a converter "
                               "without its own."),
                             _("Nothing arrives: %s"), words_reason(converter));
}

static bool is_heard(struct json_object *converter)
{
        return is_receiving(converter) || has_bytes(converter);
}

/* One that was opened a moment ago is not said to be heard. */
const struct need doctor_needs_bytes = { .has = is_heard, .why = N_("Nothing is received yet.") };

static int64_t statistic(struct json_object *converter, const char *name)
{
        return json_number(json_member(converter, "statistics"), name);
}

/* Check sums hold, so line and plug are right; what is in the frames is not known to us. */
void doctor_check_telegrams(struct doctor *doctor, struct json_object *converter)
{
        char word[DOCTOR_WORD_MAX];

        if (has_code(converter, "no-telegrams"))
                doctor_wrong(doctor, doctor_port(converter),
                             doctor_fix(doctor,
                                        _("Wait a minute: some meters send parts before a whole "
                                          "telegram. If it stays so: sudo smctl capture %s -o "
                                          "capture.bin and send it with a report "
                                          "(CONTRIBUTING.md)."),
                                        doctor_word(doctor_port(converter), word)),
                             _("Whole frames arrive (%lld so far), but no telegram among them."),
                             (long long)statistic(converter, "frames"));
}

void doctor_check_damage(struct doctor *doctor, struct json_object *converter)
{
        int64_t good = statistic(converter, "frames"), bad = statistic(converter, "damaged-frames");
        int64_t all = good + bad;

        if (!has_code(converter, "damaged-frames") &&
            (all < DAMAGE_FRAMES_MIN || bad * 100 < all * DAMAGE_PERCENT_MAX))
                return;
        doctor_wrong(doctor, doctor_port(converter),
                     _("Does another program read the same port (sudo smctl doctor)? Else: a "
                       "shorter cable, away from power lines; both wires in their clamps; another "
                       "converter."),
                     _("%lld of %lld frames are damaged."), (long long)bad, (long long)all);
}

static bool has_frames(struct json_object *converter)
{
        return statistic(converter, "frames") + statistic(converter, "damaged-frames") != 0;
}

const struct need doctor_needs_frames = { .has = has_frames,
                                          .why = N_("No frame has been received yet.") };

/* The first behind it, or what stands for one where none is known. */
static const char *meter_of(struct json_object *converter)
{
        struct json_object *meters = json_member(converter, "meters");

        return json_count(meters) ? json_object_get_string(json_object_array_get_idx(meters, 0))
                                  : "METER";
}

/* The service has refused them. The count is since its start: it stays to be seen. */
void doctor_check_forged(struct doctor *doctor, struct json_object *converter)
{
        int64_t n = statistic(converter, "unauthenticated");
        char word[DOCTOR_WORD_MAX];

        if (n == 0 && !has_code(converter, "unauthenticated") && !has_code(converter, "replayed"))
                return;
        doctor_wrong(
                doctor, doctor_port(converter),
                doctor_fix(doctor,
                           _("Look at the wire and at the converter: somebody may send in the "
                             "meter's name. If the meter was exchanged, or has another key: sudo "
                             "smctl set-key %s. Do not take its authentication key out."),
                           doctor_word(meter_of(converter), word)),
                n > 0 ? _("%lld telegrams were refused: they do not prove that the meter sent "
                          "them.")
                      : _("Telegrams are refused: they were sent before."),
                (long long)n);
}

void doctor_check_named(struct doctor *doctor, struct json_object *converter)
{
        char word[DOCTOR_WORD_MAX];

        if (has_state(converter, "receiving") && json_count(json_member(converter, "meters")) == 0)
                doctor_wrong(
                        doctor, doctor_port(converter),
                        doctor_fix(doctor,
                                   _("Wait for some telegrams. If it stays so: sudo smctl capture "
                                     "%s -o capture.bin and send it with a report "
                                     "(CONTRIBUTING.md)."),
                                   doctor_word(doctor_port(converter), word)),
                        _("Telegrams arrive, but no meter is known behind it yet."));
}
