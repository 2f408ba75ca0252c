/* Records writes and syncs of the journal's files, and lets some of the syncs fail.
 *
 * RECORDED: the folder and the start of the files' names; RECORD: where to; FAIL_ONE_IN: how many.
 * Each entry: a letter (w write, t truncate, s sync, f failed sync), offset, length, path, bytes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int record = -1;
static unsigned int state = 1;

static int recorded(int fd, char *path, size_t size) {
    char link[64];
    const char *start = getenv("RECORDED");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (start == NULL || length < 0)
        return 0;
    path[length] = 0;
    return strncmp(path, start, strlen(start)) == 0;
}

static void note(char kind, const char *path, int64_t offset, int64_t length, const void *bytes) {
    if (record < 0)
        record = open(getenv("RECORD"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dprintf(record, "%c %lld %lld %s\n", kind, (long long)offset, (long long)length, path);
    if (bytes != NULL && write(record, bytes, length) != length)
        abort();
}

#define PWRITE(NAME, OFFSET)                                                      \
    ssize_t NAME(int fd, const void *bytes, size_t length, OFFSET offset) {       \
        static ssize_t (*real)(int, const void *, size_t, OFFSET);                \
        char path[4096];                                                          \
        if (real == NULL)                                                         \
            real = dlsym(RTLD_NEXT, #NAME);                                       \
        ssize_t done = real(fd, bytes, length, offset);                           \
        if (done > 0 && recorded(fd, path, sizeof path))                          \
            note('w', path, offset, done, bytes);                                 \
        return done;                                                              \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(NAME, OFFSET)                                                    \
    int NAME(int fd, OFFSET length) {                                             \
        static int (*real)(int, OFFSET);                                          \
        char path[4096];                                                          \
        if (real == NULL)                                                         \
            real = dlsym(RTLD_NEXT, #NAME);                                       \
        int result = real(fd, length);                                            \
        if (result == 0 && recorded(fd, path, sizeof path))                       \
            note('t', path, 0, length, NULL);                                     \
        return result;                                                            \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(NAME)                                                                \
    int NAME(int fd) {                                                            \
        static int (*real)(int);                                                  \
        char path[4096];                                                          \
        if (real == NULL)                                                         \
            real = dlsym(RTLD_NEXT, #NAME);                                       \
        if (!recorded(fd, path, sizeof path))                                     \
            return real(fd);                                                      \
        const char *one_in = getenv("FAIL_ONE_IN");                               \
        int fails = one_in != NULL && rand_r(&state) % atoi(one_in) == 0;         \
        note(fails ? 'f' : 's', path, 0, 0, NULL);                                \
        if (!fails)                                                               \
            return 0;                                                             \
        errno = EIO;                                                              \
        return -1;                                                                \
    }
SYNC(fsync)
SYNC(fdatasync)
