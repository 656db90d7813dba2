/* SPDX-License-Identifier: MIT */
/* What is given back after the start, and what must never be. */
#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/memory.h"

#define PAGES 16

struct fixture {
        size_t size;
        char *file, *changed, *anonymous; /* each PAGES long */
};

/* kB of the mapping around `at` that are in its page table; -1: there is no such mapping. */
static long resident(const void *at)
{
        FILE *f = fopen("/proc/self/smaps", "re");
        bool here = false;
        char line[512];
        unsigned long begin, end;
        long kb = -1;

        assert_non_null(f);
        while (kb < 0 && fgets(line, sizeof(line), f)) {
                if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
                        here = begin <= (uintptr_t)at && (uintptr_t)at < end;
                else if (here)
                        (void)sscanf(line, "Rss: %ld kB", &kb);
        }
        (void)fclose(f);
        return kb;
}

static char *map(int fd, size_t size, int protection)
{
        char *at = mmap(NULL, size, protection, MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

        assert_ptr_not_equal(at, MAP_FAILED);
        return at;
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        char path[] = "/tmp/test-memory.XXXXXX";
        int fd = mkstemp(path);

        assert_non_null(f);
        assert_true(fd >= 0);
        (void)unlink(path);
        f->size = PAGES * (size_t)sysconf(_SC_PAGESIZE);
        for (size_t i = 0; i < f->size; i++)
                assert_int_equal(write(fd, "f", 1), 1);
        /* with protections that differ, so that the kernel keeps the mappings apart */
        f->file = map(fd, f->size, PROT_READ);
        f->changed = map(fd, f->size, PROT_READ | PROT_WRITE);
        f->changed[f->size / 2] = 'c';
        assert_int_equal(mprotect(f->changed, f->size, PROT_READ | PROT_EXEC), 0);
        f->anonymous = map(-1, f->size, PROT_READ | PROT_WRITE);
        memset(f->anonymous, 'a', f->size);
        (void)close(fd);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        (void)munmap(f->file, f->size);
        (void)munmap(f->changed, f->size);
        (void)munmap(f->anonymous, f->size);
        free(f);
        return 0;
}

static void test_release_gives_back_pages_of_files(void **state)
{
        struct fixture *f = *state;

        for (size_t i = 0; i < f->size; i++)
                assert_int_equal(f->file[i], 'f');
        assert_int_equal(resident(f->file), f->size / 1024);
        memory_release_start();
        assert_int_equal(resident(f->file), 0);
        for (size_t i = 0; i < f->size; i++)
                assert_int_equal(f->file[i], 'f');
}

static void test_release_keeps_what_is_in_no_file(void **state)
{
        struct fixture *f = *state;

        memory_release_start();
        assert_int_equal(f->changed[0], 'f');
        assert_int_equal(f->changed[f->size / 2], 'c');
        for (size_t i = 0; i < f->size; i++)
                assert_int_equal(f->anonymous[i], 'a');
}

/* Under qemu-user the kernel tells of the emulator's mappings, and ours are not to be seen. */
static bool is_emulated(void)
{
        const char *wrapper = getenv("SMARTMETERD_WRAPPER");

        return wrapper && strncmp(wrapper, "qemu-", 5) == 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_release_gives_back_pages_of_files, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_release_keeps_what_is_in_no_file, setup,
                                                teardown),
        };

        if (is_emulated()) {
                (void)puts("1..0 # SKIP this machine is emulated");
                return 0;
        }
        return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
