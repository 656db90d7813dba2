/* SPDX-License-Identifier: MIT */
/*
 * The names of the D-Bus contract, each spelled once: bus name, paths, interfaces,
 * errors, polkit actions. The XML files beside this header describe what is behind them.
 */
#pragma once

#define BUS_NAME "org.smartmeterd"
#define BUS_PATH "/org/smartmeterd"
/* Without a message bus: the socket's folder, unless systemd gave the service another one. */
#define BUS_PRIVATE_FOLDER "/run/smartmeterd"
#define BUS_PRIVATE_SOCKET "smartmeterd.sock"
#define BUS_PATH_CONVERTER "/org/smartmeterd/converter"
#define BUS_PATH_METER     "/org/smartmeterd/meter"
#define BUS_PATH_OUTPUT    "/org/smartmeterd/output"

#define BUS_INTERFACE_MANAGER     "org.smartmeterd.Manager1"
#define BUS_INTERFACE_CONVERTER   "org.smartmeterd.Converter1"
#define BUS_INTERFACE_METER       "org.smartmeterd.Meter1"
#define BUS_INTERFACE_ELECTRICITY "org.smartmeterd.Electricity1"
#define BUS_INTERFACE_TARIFF      "org.smartmeterd.Tariff1"
#define BUS_INTERFACE_HISTORY     "org.smartmeterd.History1"
#define BUS_INTERFACE_OUTPUT      "org.smartmeterd.Output1"

#define BUS_ERROR_NO_SUCH_CONVERTER "org.smartmeterd.Error.NoSuchConverter"
#define BUS_ERROR_NO_SUCH_METER     "org.smartmeterd.Error.NoSuchMeter"
#define BUS_ERROR_NO_SUCH_READING   "org.smartmeterd.Error.NoSuchReading"
#define BUS_ERROR_INVALID_ARGUMENT  "org.smartmeterd.Error.InvalidArgument"
#define BUS_ERROR_INVALID_CONFIG    "org.smartmeterd.Error.InvalidConfiguration"
#define BUS_ERROR_NOT_AUTHORIZED    "org.smartmeterd.Error.NotAuthorized"
#define BUS_ERROR_BUSY              "org.smartmeterd.Error.Busy"
#define BUS_ERROR_GONE              "org.smartmeterd.Error.Gone"
#define BUS_ERROR_LIMIT             "org.smartmeterd.Error.LimitExceeded"
#define BUS_ERROR_NOT_SUPPORTED     "org.smartmeterd.Error.NotSupported"
#define BUS_ERROR_FAILED            "org.smartmeterd.Error.Failed"

#define BUS_ACTION_MANAGE  "org.smartmeterd.manage"
#define BUS_ACTION_SET_KEY "org.smartmeterd.set-key"
#define BUS_ACTION_CAPTURE "org.smartmeterd.capture"
