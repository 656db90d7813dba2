/* SPDX-License-Identifier: MIT
 *
 * The system calls of one telegram and nothing else: what the kernel alone costs on this machine,
 * for bench-footprint to compare the service with. Two threads, as the service has: one waits for
 * the tty, reads, sends two signals to the bus and wakes the other, which sends 12 MQTT messages in
 * one go.
 *
 * usage: bench-floor TTY BUS-SOCKET BROKER-PORT TELEGRAM-BYTES     ends when the tty hangs up
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define MESSAGES 12
#define PAYLOAD  64

static int broker, wake;

static void must_send(int fd, const void *data, size_t n)
{
        if (write(fd, data, n) != (ssize_t)n)
                err(1, "write");
}

static void connect_broker(unsigned short port)
{
        static const uint8_t hello[] = "\x10\x11\0\x04MQTT\x04\x02\0\0\0\x05"
                                       "floor";
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
        char answer[16];

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        broker = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(broker, (void *)&to, sizeof(to)))
                err(1, "broker");
        must_send(broker, hello, sizeof(hello) - 1);
        if (read(broker, answer, sizeof(answer)) < 4)
                errx(1, "the broker refuses");
}

static void *publish(void *unused)
{
        struct pollfd fds[] = { { .fd = wake, .events = POLLIN },
                                { .fd = broker, .events = POLLIN } };
        uint8_t message[2 + 2 + 5 + PAYLOAD] = {
                0x30, sizeof(message) - 2, 0, 5, 'f', 'l', 'o', 'o', 'r'
        };
        uint64_t count;

        (void)unused;
        for (;;) {
                if (ppoll(fds, 2, &(struct timespec){ .tv_sec = 14 }, NULL) <= 0 || !fds[0].revents)
                        continue;
                if (read(wake, &count, sizeof(count)) < 0)
                        err(1, "wake");
                setsockopt(broker, IPPROTO_TCP, TCP_CORK, &(int){ 1 }, sizeof(int));
                for (int i = 0; i < MESSAGES; i++)
                        must_send(broker, message, sizeof(message));
                setsockopt(broker, IPPROTO_TCP, TCP_CORK, &(int){ 0 }, sizeof(int));
        }
        return NULL;
}

/* A signal of that size, ready to be sent any number of times: it is sealed. */
static sd_bus_message *make_signal(sd_bus *bus, size_t size)
{
        static const uint8_t nothing[1024];
        sd_bus_message *m;

        if (sd_bus_message_new_signal(bus, &m, "/floor", "org.example.Floor", "Floor") < 0 ||
            sd_bus_message_append_array(m, 'y', nothing, size) < 0)
                errx(1, "cannot make a signal");
        return m;
}

static sd_bus *connect_bus(const char *path)
{
        char address[256];
        sd_bus *bus;

        snprintf(address, sizeof(address), "unix:path=%s", path);
        if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 ||
            sd_bus_set_bus_client(bus, 1) < 0 || sd_bus_start(bus) < 0 ||
            sd_bus_get_unique_name(bus, &(const char *){ 0 }) < 0)
                errx(1, "no bus at %s", address);
        return bus;
}

/* Until the tty hangs up. */
static void read_telegrams(int tty, size_t size, sd_bus *bus, sd_bus_message *signals[2])
{
        struct epoll_event event = { .events = EPOLLIN };
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        uint8_t bytes[4096];
        size_t have = 0;
        ssize_t n;

        epoll_ctl(epoll, EPOLL_CTL_ADD, tty, &event);
        while (epoll_wait(epoll, &event, 1, -1) == 1) {
                if ((n = read(tty, bytes, sizeof(bytes))) <= 0)
                        return;
                have += (size_t)n;
                if (have < size)
                        continue;
                have = 0;
                for (int i = 0; i < 2; i++)
                        sd_bus_send(bus, signals[i], NULL);
                must_send(wake, &(uint64_t){ 1 }, sizeof(uint64_t));
        }
}

int main(int argc, char **argv)
{
        sd_bus_message *signals[2];
        pthread_t thread;
        sd_bus *bus;
        int tty;

        if (argc != 5)
                errx(2, "usage: bench-floor TTY BUS-SOCKET BROKER-PORT TELEGRAM-BYTES");
        if ((tty = open(argv[1], O_RDONLY | O_NOCTTY | O_CLOEXEC)) < 0)
                err(1, "%s", argv[1]);
        bus = connect_bus(argv[2]);
        signals[0] = make_signal(bus, 99);
        signals[1] = make_signal(bus, 692);
        connect_broker((unsigned short)atoi(argv[3]));
        wake = eventfd(0, EFD_CLOEXEC);
        if (pthread_create(&thread, NULL, publish, NULL))
                errx(1, "no thread");
        puts("ready");
        fflush(stdout);
        read_telegrams(tty, (size_t)atol(argv[4]), bus, signals);
        return 0;
}
