/* SPDX-License-Identifier: MIT */
/*
 * The service's objects as one JSON tree: GetManagedObjects() once, each value by its signature,
 * property names turned into snake_case keys. Unknown properties are shown too.
 */
#include "client.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ctl/i18n.h"
#include "ctl/view/output.h"
#include "dbus/names.h"
#include "lib/model/meter.h"
#include "lib/value/quantity.h"

/* "LastByteUSec" → "last_byte_usec". Cut at `size`. Returns buf. */
static char *client_key_of_property(const char *property, char *buf, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; property[i] && n + 2 < size; i++) {
                char before = i > 0 ? property[i - 1] : '\0';
                bool upper = isupper((unsigned char)property[i]);
                bool starts = upper && before &&
                              (!isupper((unsigned char)before) ||
                               islower((unsigned char)property[i + 1]));

                /* USec is one word. */
                if (starts && before == 'U' && strncmp(property + i, "Sec", 3) == 0)
                        starts = false;
                if (starts)
                        buf[n++] = '_';
                buf[n++] = (char)tolower((unsigned char)property[i]);
        }
        buf[n] = '\0';
        return buf;
}

static struct json_object *json_of_basic(char type, sd_bus_message *message, int *ret_r)
{
        union {
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } value = { 0 };

        *ret_r = sd_bus_message_read_basic(message, type, &value);
        if (*ret_r <= 0)
                return NULL;
        switch (type) {
        case 'y':
                return json_made(json_object_new_int(value.y));
        case 'b':
                return json_made(json_object_new_boolean(value.b));
        case 'n':
                return json_made(json_object_new_int(value.n));
        case 'q':
                return json_made(json_object_new_int(value.q));
        case 'i':
                return json_made(json_object_new_int(value.i));
        case 'u':
                return json_made(json_object_new_int64(value.u));
        case 'x':
                return json_made(json_object_new_int64(value.x));
        case 't':
                return json_made(json_object_new_uint64(value.t));
        case 'd':
                return json_of_double(value.d);
        case 's':
        case 'o':
        case 'g':
                return json_made(json_object_new_string(value.s));
        default: /* 'h': a descriptor is nothing to show */
                return NULL;
        }
}

/* Names and texts of the meter keep their spelling; they are not property names. */
static int read_dictionary(sd_bus_message *message, const char *entry, struct json_object *into)
{
        int r;

        while ((r = sd_bus_message_enter_container(message, 'e', entry)) > 0) {
                struct json_object *value = NULL;
                const char *key;

                r = sd_bus_message_read_basic(message, 's', &key);
                if (r < 0)
                        return r;
                r = client_message_to_json(message, &value);
                if (r < 0)
                        return r;
                json_set(into, key, value);
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r;
}

static int read_container(sd_bus_message *message, char type, const char *contents,
                          struct json_object **ret)
{
        OWNED(json) struct json_object *into = NULL;
        int r;

        r = sd_bus_message_enter_container(message, type, contents);
        if (r < 0)
                return r;
        if (type == 'a' && strncmp(contents, "{s", 2) == 0) {
                char entry[64] = "";

                strncat(entry, contents + 1, MIN(strlen(contents) - 2, sizeof(entry) - 1));
                into = json_new_object();
                r = read_dictionary(message, entry, into);
        } else {
                into = json_new_array();
                while ((r = sd_bus_message_at_end(message, false)) == 0) {
                        struct json_object *element = NULL;

                        r = client_message_to_json(message, &element);
                        if (r < 0)
                                break;
                        json_push(into, element);
                }
        }
        if (r < 0)
                return r;
        *ret = TAKE(into);
        return sd_bus_message_exit_container(message);
}

int client_message_to_json(sd_bus_message *message, struct json_object **ret)
{
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(message, &type, &contents);
        if (r <= 0)
                return r < 0 ? r : -ENODATA;
        switch (type) {
        case 'v':
                r = sd_bus_message_enter_container(message, 'v', contents);
                if (r < 0)
                        return r;
                r = client_message_to_json(message, ret);
                if (r < 0)
                        return r;
                return sd_bus_message_exit_container(message);
        case 'a':
                if (strcmp(contents, "{s(dstu)}") == 0)
                        return client_read_readings(message, ret);
                return read_container(message, type, contents, ret);
        case 'r':
                return read_container(message, type, contents, ret);
        default:
                *ret = json_of_basic(type, message, &r);
                return r;
        }
}

static struct json_object *json_of_flags(uint32_t flags)
{
        struct json_object *array = json_new_array();

        if (flags & METER_VALUE_SUSPECT)
                json_push_text(array, "suspect");
        if (flags & METER_VALUE_STALE)
                json_push_text(array, "stale");
        if (flags & METER_VALUE_DERIVED)
                json_push_text(array, "derived");
        if (flags & METER_VALUE_UNSCALED)
                json_push_text(array, "unscaled");
        return array;
}

/* The code behind the name; one without a name is called by its code. */
static void set_obis(struct json_object *reading, const char *name)
{
        const struct quantity *quantity = quantity_find_name(name);
        struct obis obis;
        char code[OBIS_TEXT_MAX];

        if (quantity)
                obis = (struct obis){ quantity->a, 0, quantity->c, quantity->d, quantity->e, 255 };
        else if (obis_parse((struct slice){ (const uint8_t *)name, strlen(name) }, &obis) < 0)
                return;
        json_set_text(reading, "obis", obis_print(obis, code));
}

int client_read_readings(sd_bus_message *message, struct json_object **ret)
{
        OWNED(json) struct json_object *array = json_new_array();
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{s(dstu)}");
        if (r < 0)
                return r;
        for (;;) {
                const char *name, *unit;
                struct json_object *reading;
                uint64_t usec;
                uint32_t flags;
                double value;

                r = sd_bus_message_read(message, "{s(dstu)}", &name, &value, &unit, &usec, &flags);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                reading = json_new_object();
                json_set_text(reading, "name", name);
                set_obis(reading, name);
                json_set(reading, "value", json_of_double(value));
                json_set_text(reading, "unit", *unit ? unit : NULL);
                json_set_number(reading, "received_usec", (int64_t)usec);
                json_set(reading, "flags", json_of_flags(flags));
                json_push(array, reading);
        }
        r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;
        *ret = TAKE(array);
        return 0;
}

int client_fetch_readings(sd_bus *bus, const char *path, struct json_object **ret)
{
        OWNED(message) sd_bus_message *reply = NULL;
        int r;

        /* No names: all of them. */
        r = client_call(bus, path, BUS_INTERFACE_METER, "GetReadings", &reply, "as", 0);
        if (r < 0)
                return r;
        r = client_read_readings(reply, ret);
        if (r < 0)
                (void)output_fail(_("the service answers in a way that is not understood: %s"),
                                  strerror(-r));
        return r;
}

/* Where the properties of an interface go: into the object itself, or into a member of it. */
static const struct {
        const char *interface, *list, *member;
} interfaces[] = {
        { BUS_INTERFACE_MANAGER, NULL, NULL },
        { BUS_INTERFACE_CONVERTER, "converters", NULL },
        { BUS_INTERFACE_METER, "meters", NULL },
        { BUS_INTERFACE_TARIFF, "meters", "tariff" },
        { BUS_INTERFACE_ELECTRICITY, "meters", NULL },
        { BUS_INTERFACE_OUTPUT, "outputs", NULL },
};

static int read_properties(sd_bus_message *message, struct json_object *into)
{
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                struct json_object *value = NULL;
                const char *name;
                char key[64];

                r = sd_bus_message_read_basic(message, 's', &name);
                if (r < 0)
                        return r;
                r = client_message_to_json(message, &value);
                if (r < 0)
                        return r;
                json_set(into, client_key_of_property(name, key, sizeof(key)), value);
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* The object of this path in the list that its interface belongs to; made when it is new. */
static struct json_object *place(struct json_object *all, const char *path, size_t interface)
{
        struct json_object *list, *object, *member;

        if (!interfaces[interface].list)
                return json_member(all, "service");
        list = json_member(all, interfaces[interface].list);
        object = json_find(list, "object", path);
        if (!object) {
                object = json_new_object();
                json_set_text(object, "object", path);
                json_push(list, object);
        }
        if (!interfaces[interface].member)
                return object;
        member = json_new_object();
        json_set(object, interfaces[interface].member, member);
        return member;
}

static int read_interfaces(sd_bus_message *message, const char *path, struct json_object *all)
{
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sa{sv}}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sa{sv}")) > 0) {
                const char *name;
                size_t i;

                r = sd_bus_message_read_basic(message, 's', &name);
                if (r < 0)
                        return r;
                for (i = 0; i < ELEMENTSOF(interfaces); i++)
                        if (strcmp(interfaces[i].interface, name) == 0)
                                break;
                if (i < ELEMENTSOF(interfaces))
                        r = read_properties(message, place(all, path, i));
                else
                        r = sd_bus_message_skip(message, "a{sv}");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_objects(sd_bus_message *message, struct json_object *all)
{
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}")) > 0) {
                const char *path;

                r = sd_bus_message_read_basic(message, 'o', &path);
                if (r < 0)
                        return r;
                r = read_interfaces(message, path, all);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r;
}

static const char *id_of_path(struct json_object *all, const char *path)
{
        static const char *const lists[] = { "converters", "meters" };

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                struct json_object *found = json_find(json_member(all, lists[i]), "object", path);

                if (found)
                        return json_text(found, "id");
        }
        return NULL; /* "/": none */
}

/* Object paths mean something on the bus only: people and programs get ids. */
static void replace_paths(struct json_object *all)
{
        struct json_object *meters = json_member(all, "meters");
        struct json_object *converters = json_member(all, "converters");

        for (size_t i = 0; i < json_count(meters); i++) {
                struct json_object *meter = json_object_array_get_idx(meters, i);

                json_set_text(meter, "converter", id_of_path(all, json_text(meter, "converter")));
                json_set_text(meter, "parent", id_of_path(all, json_text(meter, "parent")));
        }
        for (size_t i = 0; i < json_count(converters); i++) {
                struct json_object *converter = json_object_array_get_idx(converters, i);
                struct json_object *paths = json_member(converter, "meters");
                struct json_object *ids = json_new_array();

                for (size_t j = 0; j < json_count(paths); j++) {
                        struct json_object *path = json_object_array_get_idx(paths, j);
                        const char *id = id_of_path(all, json_object_get_string(path));

                        if (id)
                                json_push_text(ids, id);
                }
                json_set(converter, "meters", ids);
        }
}

/* The root object has no place in GetManagedObjects(): its properties are asked for apart. */
static int fetch_service(sd_bus *bus, struct json_object *all, sd_bus_error *error)
{
        OWNED(message) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(bus, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Properties", "GetAll",
                               error, &reply, "s", BUS_INTERFACE_MANAGER);
        return r < 0 ? r : read_properties(reply, json_member(all, "service"));
}

int client_fetch_quietly(sd_bus *bus, struct json_object **ret, sd_bus_error *error)
{
        OWNED(message) sd_bus_message *reply = NULL;
        OWNED(json) struct json_object *all = json_new_object();
        int r;

        json_set(all, "service", json_new_object());
        json_set(all, "converters", json_new_array());
        json_set(all, "meters", json_new_array());
        json_set(all, "outputs", json_new_array());

        r = fetch_service(bus, all, error);
        if (r < 0)
                return r;
        r = sd_bus_call_method(bus, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.ObjectManager",
                               "GetManagedObjects", error, &reply, NULL);
        if (r < 0)
                return r;
        r = read_objects(reply, all);
        if (r < 0)
                return r;
        replace_paths(all);
        *ret = TAKE(all);
        return 0;
}

int client_fetch(sd_bus *bus, struct json_object **ret)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = client_fetch_quietly(bus, ret, &error);
        if (r < 0)
                (void)client_explain(&error, r);
        sd_bus_error_free(&error);
        return r;
}
