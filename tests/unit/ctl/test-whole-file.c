/* SPDX-License-Identifier: MIT */
/* A file is there whole, with its mode, or what was there before is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/whole-file.h"
#include "tests/unit/test.h"

#define AS_IT_COMES .uid = (uid_t)-1, .gid = (gid_t)-1

struct place {
        char folder[64], path[PATH_MAX];
};

static int make_place(void **state)
{
        struct place *p = calloc(1, sizeof(*p));

        if (!p)
                return -1;
        (void)strcpy(p->folder, "/tmp/whole-file.XXXXXX");
        if (!mkdtemp(p->folder))
                return -1;
        (void)snprintf(p->path, sizeof(p->path), "%s/file", p->folder);
        *state = p;
        return 0;
}

static int drop_place(void **state)
{
        struct place *p = *state;

        (void)unlink(p->path);
        (void)rmdir(p->folder);
        free(p);
        return 0;
}

static void assert_holds(const struct place *p, const char *content, mode_t mode)
{
        char text[64] = "";
        struct stat st;
        int fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        assert_true(fd >= 0);
        assert_true(read(fd, text, sizeof(text) - 1) >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        (void)close(fd);
        assert_string_equal(text, content);
        assert_int_equal(st.st_mode & 07777, mode);
}

static size_t entries(const struct place *p)
{
        DIR *dir = opendir(p->folder);
        size_t n = 0;

        assert_non_null(dir);
        for (const struct dirent *e; (e = readdir(dir));)
                n += e->d_name[0] != '.';
        (void)closedir(dir);
        return n;
}

static void test_a_file_is_replaced_whatever_the_umask(void **state)
{
        const struct place *p = *state;
        mode_t before = umask(0077);

        assert_int_equal(
                whole_file_write(p->path, "old", &(struct whole_file){ .mode = 0600, AS_IT_COMES }),
                0);
        assert_int_equal(
                whole_file_write(p->path, "new", &(struct whole_file){ .mode = 0644, AS_IT_COMES }),
                0);
        (void)umask(before);
        assert_holds(p, "new", 0644);
        assert_int_equal(entries(p), 1);
}

static void test_what_is_there_stays_where_it_is_not_to_be_replaced(void **state)
{
        const struct place *p = *state;
        const struct whole_file anew = { .mode = 0600, AS_IT_COMES, .anew = true };

        assert_int_equal(whole_file_write(p->path, "first", &anew), 0);
        assert_int_equal(whole_file_write(p->path, "second", &anew), -EEXIST);
        assert_holds(p, "first", 0600);
        assert_int_equal(entries(p), 1);
}

static void test_a_link_laid_beside_it_is_not_followed(void **state)
{
        const struct place *p = *state;
        char beside[PATH_MAX], target[PATH_MAX];

        (void)snprintf(beside, sizeof(beside), "%.4000s.new", p->path);
        (void)snprintf(target, sizeof(target), "%s/target", p->folder);
        assert_int_equal(symlink(target, beside), 0);
        assert_int_equal(whole_file_write(p->path, "mine",
                                          &(struct whole_file){ .mode = 0600, AS_IT_COMES }),
                         0);
        assert_holds(p, "mine", 0600);
        assert_int_equal(access(target, F_OK), -1);
        assert_int_equal(entries(p), 1);
}

static void test_a_folder_that_is_not_there_is_an_error(void **state)
{
        (void)state;
        assert_int_equal(whole_file_write("/nonexistent/folder/file", "x",
                                          &(struct whole_file){ .mode = 0600, AS_IT_COMES }),
                         -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_file_is_replaced_whatever_the_umask,
                                                make_place, drop_place),
                cmocka_unit_test_setup_teardown(
                        test_what_is_there_stays_where_it_is_not_to_be_replaced, make_place,
                        drop_place),
                cmocka_unit_test_setup_teardown(test_a_link_laid_beside_it_is_not_followed,
                                                make_place, drop_place),
                cmocka_unit_test(test_a_folder_that_is_not_there_is_an_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
