/* Preloaded into a process, it makes file calls fail, kills at them, or puts them on record.
 *
 * It does nothing until it is attached to a control file, by FAULTS_CONTROL at its start or by
 * faults_attach() after a fork. control.py writes that file, and holds the same layout. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

enum { OPEN, READ, PREAD, WRITE, PWRITE, FSYNC, FDATASYNC, SYNCFS, RENAME, UNLINK, LINK, FTRUNCATE,
       MKDIR, RMDIR, OPENDIR, STAT, COPY, CALLS };
static const char *const NAMES[CALLS] = {
    "open", "read", "pread", "write", "pwrite", "fsync", "fdatasync", "syncfs", "rename", "unlink",
    "link", "ftruncate", "mkdir", "rmdir", "opendir", "stat", "copy"};
enum { ERRNO, KILL, SHORT, KILL_AFTER };
enum { R_CREATE = 1, R_TRUNCATE, R_WRITE, R_RENAME, R_UNLINK, R_LINK, R_MKDIR, R_RMDIR, R_SYNC,
       R_SYNCED, R_SYNC_FAILED, R_NOTE };
#define RULES 16
#define PATH 512

struct rule {
    uint32_t on, calls, action, code;
    uint64_t nth, times; /* fails the calls nth .. nth + times - 1 */
    uint64_t seen, failed;
    char path[PATH];
};
struct control {
    uint64_t magic;
    uint32_t active; /* 0: every call goes straight through */
    uint32_t tracing, recording, syncs, failures;
    char root[PATH], trace[PATH], record[PATH]; /* root: what is traced and recorded */
    struct rule rules[RULES];
};
struct head { uint32_t size, op; uint64_t a, b, c; };
#define OURS 0x6661756c74ul /* in the sixth register: a call that the library itself makes */
#define MAGIC 0x7265696e73663031ull

static struct control *control;
static int trace_fd = -1, record_fd = -1;
static pid_t record_pid;
static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;

static int open_high(const char *path) {
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return -1;
    int high = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 700); /* out of the program's way */
    if (high < 0) return fd;
    syscall(SYS_close, fd);
    return high;
}

static void trap_names(void);

int faults_attach(const char *path) {
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    void *at = mmap(0, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (at == MAP_FAILED || ((struct control *)at)->magic != MAGIC) return -1;
    control = at;
    trap_names();
    return 0;
}

size_t faults_size(void) { return sizeof(struct control); }

__attribute__((constructor)) static void started(void) {
    const char *path = getenv("FAULTS_CONTROL");
    if (path && *path && faults_attach(path))
        dprintf(2, "faults: %s is no control file of this library\n", path);
}

/* ---- paths ---- */

static void tidy(char *path) { /* no "//", no "/./": patterns are written without them */
    char *to = path;
    for (char *from = path; *from;) {
        if (from[0] == '/' && from[1] == '/') { from++; continue; }
        if (from[0] == '/' && from[1] == '.' && (from[2] == '/' || !from[2])) { from += 2; continue; }
        *to++ = *from++;
    }
    *to = 0;
}

static const char *of_fd(int fd, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = syscall(SYS_readlink, link, path, PATH_MAX - 1);
    path[n < 0 ? 0 : n] = 0;
    return path;
}

static const char *of_name(int dir, const char *name, char *path) {
    if (!name) { *path = 0; return path; }
    if (*name == '/') snprintf(path, PATH_MAX, "%s", name);
    else {
        char base[PATH_MAX];
        if (dir == AT_FDCWD) { if (syscall(SYS_getcwd, base, sizeof base) < 0) *base = 0; }
        else of_fd(dir, base);
        if ((size_t)snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) *path = 0;
    }
    tidy(path);
    return path;
}

static int within(const char *path) {
    size_t n = strlen(control->root);
    return n && !strncmp(path, control->root, n) && (path[n] == '/' || !path[n]);
}

/* ---- the rules ---- */

enum { GO, FAIL, CUT, DIE_AFTER };

static void die(void) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
}

static int verdict(int call, const char *path, const char *other) {
    int found = GO;
    if (control->tracing && (within(path) || (other && within(other)))) {
        if (trace_fd < 0) trace_fd = open_high(control->trace);
        char line[PATH_MAX + 32];
        int n = snprintf(line, sizeof line, "%s\t%s\n", NAMES[call], path);
        if (n > 0 && n < (int)sizeof line) syscall(SYS_write, trace_fd, line, n);
    }
    for (int i = 0; i < RULES; i++) {
        struct rule *rule = &control->rules[i];
        if (!__atomic_load_n(&rule->on, __ATOMIC_ACQUIRE) || !(rule->calls >> call & 1)) continue;
        if (fnmatch(rule->path, path, 0) && (!other || fnmatch(rule->path, other, 0))) continue;
        uint64_t n = __atomic_add_fetch(&rule->seen, 1, __ATOMIC_ACQ_REL);
        if (!rule->nth || n < rule->nth || n - rule->nth >= rule->times || found != GO) continue;
        __atomic_add_fetch(&rule->failed, 1, __ATOMIC_ACQ_REL);
        if (rule->action == KILL) die();
        found = rule->action == SHORT ? CUT : rule->action == KILL_AFTER ? DIE_AFTER : FAIL;
        if (found == FAIL) errno = rule->code;
    }
    return found;
}

/* Asks about a call on a path, or on a descriptor; 0 while nothing is to be done at all. */
static int ask(int call, const char *path, const char *other) {
    int kept = errno, found = verdict(call, path, other);
    if (found != FAIL) errno = kept;
    return found;
}
static inline int idle(void) { return !control || !__atomic_load_n(&control->active, __ATOMIC_ACQUIRE); }

/* ---- the record ---- */

static int recorded(const char *path) {
    size_t n = strlen(path);
    return control->recording && within(path) && !(n > 4 && !strcmp(path + n - 4, "-shm"));
}

static void file_lock(int type) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    while (syscall(SYS_fcntl, record_fd, F_SETLKW, &lock) < 0 && errno == EINTR) {}
}

/* One call after the other, in all processes: the record has the order in which they happened. */
static void enter(void) {
    int kept = errno;
    pthread_mutex_lock(&record_lock);
    if (record_fd < 0 || record_pid != getpid()) {
        record_fd = open_high(control->record);
        record_pid = getpid();
    }
    file_lock(F_WRLCK);
    errno = kept;
}
static void leave(void) {
    int kept = errno;
    file_lock(F_UNLCK);
    pthread_mutex_unlock(&record_lock);
    errno = kept;
}

static void put(int op, uint64_t a, uint64_t b, uint64_t c, const void *body, size_t size) {
    int kept = errno;
    struct head head = {size, op, a, b, c};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)body, size}};
    if (syscall(SYS_writev, record_fd, parts, size ? 2 : 1) != (ssize_t)(sizeof head + size))
        dprintf(2, "faults: the record could not be written\n");
    errno = kept;
}

static void put_two(int op, const char *one, const char *two) {
    char both[2 * PATH_MAX + 1];
    int n = snprintf(both, sizeof both, "%s", one) + 1;
    n += snprintf(both + n, sizeof both - n, "%s", two);
    put(op, 0, 0, 0, both, n);
}

static uint64_t inode(int fd) {
    struct stat found;
    return syscall(SYS_fstat, fd, &found) < 0 ? 0 : found.st_ino;
}

void faults_note(const char *text) {
    if (idle() || !control->recording) return;
    enter();
    put(R_NOTE, 0, 0, 0, text, strlen(text));
    leave();
}

/* ---- the calls ---- */

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })

/* As Linux does it: a sync that failed is told to every descriptor of the file system that was open
 * then, once, at its next syncfs; whoever opens one later hears nothing of it. */
#define DESCRIPTORS 4096
static uint32_t heard[DESCRIPTORS];

static uint32_t failures(void) { return __atomic_load_n(&control->failures, __ATOMIC_ACQUIRE); }
static void hears(int fd) { if (fd >= 0 && fd < DESCRIPTORS) heard[fd] = failures(); }
static int unheard(int fd) { return fd >= 0 && fd < DESCRIPTORS && heard[fd] != failures(); }

static int opened(int how, int dir, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    int verdict = ask(OPEN, of_name(dir, name, path), 0);
    (void)how;
    if (verdict == FAIL) return -1;
    int changes = (flags & (O_CREAT | O_TRUNC)) && !(flags & O_DIRECTORY) && recorded(path);
    if (changes) enter();
    int there = changes && !syscall(SYS_faccessat, AT_FDCWD, path, F_OK, 0);
    int fd = syscall(SYS_openat, dir, name, flags, mode);
    if (fd < 0) { errno = errno ? errno : EIO; }
    if (changes) {
        if (fd >= 0 && !there) put(R_CREATE, inode(fd), 0, 0, path, strlen(path));
        else if (fd >= 0 && (flags & O_TRUNC)) put(R_TRUNCATE, inode(fd), 0, 0, 0, 0);
        leave();
    }
    hears(fd);
    if (verdict == DIE_AFTER) die();
    return fd;
}

#define MODE(flags) ({ mode_t m = 0; if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list l; va_start(l, flags); m = va_arg(l, mode_t); va_end(l); } m; })
int open(const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return idle() ? REAL(open)(name, flags, mode) : opened(0, AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return idle() ? REAL(open64)(name, flags, mode) : opened(0, AT_FDCWD, name, flags, mode);
}
int openat(int dir, const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return idle() ? REAL(openat)(dir, name, flags, mode) : opened(0, dir, name, flags, mode);
}
int openat64(int dir, const char *name, int flags, ...) {
    mode_t mode = MODE(flags);
    return idle() ? REAL(openat64)(dir, name, flags, mode) : opened(0, dir, name, flags, mode);
}

/* A call on a descriptor: 1 where it fails or is cut. */
#define ON_FD(call, fd) \
    char path[PATH_MAX]; \
    int verdict = ask(call, of_fd(fd, path), 0); \
    if (verdict == FAIL) return -1;
#define DONE(got) ({ __typeof__(got) g = (got); if (verdict == DIE_AFTER) die(); g; })

/* A signal's handler writes too, to a pipe, on a stack of 8 KB: the rest of a call, which needs more,
   has a frame of its own. */
static int is_file(int fd) {
    struct stat found;
    return !syscall(SYS_fstat, fd, &found) && S_ISREG(found.st_mode);
}
#define FILES_ONLY(name, args, given) \
    static ssize_t name##_file args; \
    ssize_t name args { return idle() || !is_file(fd) ? REAL(name) given : name##_file given; } \
    __attribute__((noinline)) static ssize_t name##_file args

#define READER(name, call, args, given, count) \
    FILES_ONLY(name, args, given) { \
        ON_FD(call, fd) \
        if (verdict == CUT && count > 1) count /= 2; \
        return DONE(REAL(name) given); }
READER(read, READ, (int fd, void *to, size_t n), (fd, to, n), n)
READER(readv, READ, (int fd, const struct iovec *v, int n), (fd, v, n), n)
READER(pread, PREAD, (int fd, void *to, size_t n, off_t at), (fd, to, n, at), n)
READER(pread64, PREAD, (int fd, void *to, size_t n, off64_t at), (fd, to, n, at), n)
READER(preadv64v2, PREAD, (int fd, const struct iovec *v, int n, off64_t at, int f), (fd, v, n, at, f), n)

static void put_written(int fd, const struct iovec *parts, ssize_t done, off_t at) {
    for (; done > 0; parts++) {
        size_t size = (size_t)done < parts->iov_len ? (size_t)done : parts->iov_len;
        put(R_WRITE, inode(fd), at, 0, parts->iov_base, size);
        at += size;
        done -= size;
    }
}
#define WRITER(name, call, args, given, count, parts, offset) \
    FILES_ONLY(name, args, given) { \
        ON_FD(call, fd) \
        if (verdict == CUT && count > 1) count /= 2; \
        if (!recorded(path)) return DONE(REAL(name) given); \
        enter(); \
        ssize_t done = REAL(name) given; \
        int kept = errno; \
        if (done > 0) put_written(fd, parts, done, offset); \
        errno = kept; \
        leave(); \
        return DONE(done); }
#define ONE(from, n) &(struct iovec){(void *)from, n}
#define HERE (syscall(SYS_lseek, fd, 0, SEEK_CUR) - done)
WRITER(write, WRITE, (int fd, const void *from, size_t n), (fd, from, n), n, ONE(from, n), HERE)
WRITER(writev, WRITE, (int fd, const struct iovec *v, int n), (fd, v, n), n, v, HERE)
WRITER(pwrite, PWRITE, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at), n, ONE(from, n), at)
WRITER(pwrite64, PWRITE, (int fd, const void *from, size_t n, off64_t at), (fd, from, n, at), n, ONE(from, n), at)
WRITER(pwritev64v2, PWRITE, (int fd, const struct iovec *v, int n, off64_t at, int f), (fd, v, n, at, f), n, v, at)

/* What ends before a sync begins is synced by it; what a failed one had in hand may be lost. */
#define SYNCER(name, call, scope) \
    int name(int fd) { \
        if (idle()) return REAL(name)(fd); \
        char path[PATH_MAX]; \
        of_fd(fd, path); \
        int record = recorded(path); \
        uint64_t id = 0; \
        if (record) { \
            id = (uint64_t)getpid() << 32 | __atomic_add_fetch(&control->syncs, 1, __ATOMIC_ACQ_REL); \
            enter(); put(R_SYNC, id, scope, inode(fd), path, strlen(path)); leave(); \
        } \
        int verdict = ask(call, path, 0); \
        int failed = verdict == FAIL ? -1 : REAL(name)(fd); \
        if (record && call == SYNCFS && !failed && unheard(fd)) { failed = -1; errno = EIO; } \
        else if (record && failed) __atomic_add_fetch(&control->failures, 1, __ATOMIC_ACQ_REL); \
        if (call == SYNCFS || failed) hears(fd); \
        if (record) { int kept = errno; enter(); put(failed ? R_SYNC_FAILED : R_SYNCED, id, scope, 0, 0, 0); leave(); errno = kept; } \
        return DONE(failed); }
SYNCER(fsync, FSYNC, 1)
SYNCER(fdatasync, FDATASYNC, 1)
SYNCER(syncfs, SYNCFS, 2)

#define TRUNCATER(name, type) \
    int name(int fd, type size) { \
        if (idle()) return REAL(name)(fd, size); \
        ON_FD(FTRUNCATE, fd) \
        int record = recorded(path); \
        if (record) enter(); \
        int failed = REAL(name)(fd, size); \
        if (record) { if (!failed) put(R_TRUNCATE, inode(fd), size, 0, 0, 0); leave(); } \
        return DONE(failed); }
TRUNCATER(ftruncate, off_t)
TRUNCATER(ftruncate64, off64_t)

static int moved(int op, int call, int from_dir, const char *from, int to_dir, const char *to, int flags) {
    char one[PATH_MAX], two[PATH_MAX];
    int verdict = idle() ? GO : ask(call, of_name(from_dir, from, one), of_name(to_dir, to, two));
    if (verdict == FAIL) return -1;
    int record = !idle() && (recorded(one) || recorded(two));
    if (record) enter();
    int failed = op == R_RENAME ? syscall(SYS_renameat2, from_dir, from, to_dir, to, flags, OURS)
                                : syscall(SYS_linkat, from_dir, from, to_dir, to, flags, OURS);
    if (record) { if (!failed) put_two(op, one, two); leave(); }
    return DONE(failed);
}
int rename(const char *from, const char *to) { return moved(R_RENAME, RENAME, AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int a, const char *from, int b, const char *to) { return moved(R_RENAME, RENAME, a, from, b, to, 0); }
int renameat2(int a, const char *from, int b, const char *to, unsigned int flags) {
    return moved(R_RENAME, RENAME, a, from, b, to, flags);
}
int link(const char *from, const char *to) { return moved(R_LINK, LINK, AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    return moved(R_LINK, LINK, a, from, b, to, flags);
}

static int removed(int dir, const char *name, int flags) {
    char path[PATH_MAX];
    int whole = flags & AT_REMOVEDIR;
    int verdict = idle() ? GO : ask(whole ? RMDIR : UNLINK, of_name(dir, name, path), 0);
    if (verdict == FAIL) return -1;
    int record = !idle() && recorded(path);
    if (record) enter();
    int failed = syscall(SYS_unlinkat, dir, name, flags, 0, 0, OURS);
    if (record) { if (!failed) put(whole ? R_RMDIR : R_UNLINK, 0, 0, 0, path, strlen(path)); leave(); }
    return DONE(failed);
}
int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }
int unlinkat(int dir, const char *name, int flags) { return removed(dir, name, flags); }

/* Rust's tempfile asks the kernel for its renames itself, past the C library: the kernel hands
 * such calls to this handler, which does what the functions above do. */
static void on_name_call(int number, siginfo_t *info, void *given) {
    greg_t *r = ((ucontext_t *)given)->uc_mcontext.gregs;
    const char *di = (void *)r[REG_RDI], *si = (void *)r[REG_RSI], *r10 = (void *)r[REG_R10];
    int kept = errno, failed = -1;
    (void)number;
    errno = ENOSYS;
    switch (info->si_syscall) {
    case SYS_rename: failed = rename(di, si); break;
    case SYS_renameat: failed = renameat(r[REG_RDI], si, r[REG_RDX], r10); break;
    case SYS_renameat2: failed = renameat2(r[REG_RDI], si, r[REG_RDX], r10, r[REG_R8]); break;
    case SYS_link: failed = link(di, si); break;
    case SYS_linkat: failed = linkat(r[REG_RDI], si, r[REG_RDX], r10, r[REG_R8]); break;
    case SYS_unlink: failed = unlink(di); break;
    case SYS_unlinkat: failed = unlinkat(r[REG_RDI], si, r[REG_RDX]); break;
    }
    r[REG_RAX] = failed ? -errno : 0;
    errno = kept;
}

static void trap_names(void) {
    static const unsigned int numbers[] = {SYS_rename, SYS_renameat, SYS_renameat2, SYS_link,
                                           SYS_linkat, SYS_unlink, SYS_unlinkat};
    enum { N = sizeof numbers / sizeof *numbers };
    struct sock_filter code[N + 8];
    int at = 0;
    struct sigaction action = {.sa_sigaction = on_name_call, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSYS, &action, 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5]));
    code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)OURS, N + 1, 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < N; i++, at++)
        code[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], N - i, 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {at, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
        dprintf(2, "faults: renames past the C library are not seen: %s\n", strerror(errno));
}

static int made(int dir, const char *name, mode_t mode) {
    char path[PATH_MAX];
    int verdict = ask(MKDIR, of_name(dir, name, path), 0);
    if (verdict == FAIL) return -1;
    int record = recorded(path);
    if (record) enter();
    int failed = syscall(SYS_mkdirat, dir, name, mode);
    if (record) { if (!failed) put(R_MKDIR, 0, 0, 0, path, strlen(path)); leave(); }
    return DONE(failed);
}
int mkdir(const char *name, mode_t mode) { return idle() ? REAL(mkdir)(name, mode) : made(AT_FDCWD, name, mode); }
int mkdirat(int dir, const char *name, mode_t mode) { return idle() ? REAL(mkdirat)(dir, name, mode) : made(dir, name, mode); }

DIR *opendir(const char *name) {
    char path[PATH_MAX];
    if (!idle() && ask(OPENDIR, of_name(AT_FDCWD, name, path), 0) == FAIL) return 0;
    return REAL(opendir)(name);
}

#define STATTER(name, args, given, dir, file) \
    int name args { \
        char path[PATH_MAX]; \
        if (!idle() && ask(STAT, of_name(dir, file, path), 0) == FAIL) return -1; \
        return REAL(name) given; }
STATTER(stat64, (const char *f, struct stat64 *to), (f, to), AT_FDCWD, f)
STATTER(lstat64, (const char *f, struct stat64 *to), (f, to), AT_FDCWD, f)
STATTER(fstatat64, (int d, const char *f, struct stat64 *to, int flags), (d, f, to, flags), d, f)
STATTER(statx, (int d, const char *f, int flags, unsigned int mask, struct statx *to), (d, f, flags, mask, to), d, f)

/* While on record, copies inside the kernel are refused: who asks falls back to read and write. */
ssize_t copy_file_range(int in, off64_t *a, int out, off64_t *b, size_t n, unsigned int flags) {
    if (!idle()) {
        int fd = out;
        ON_FD(COPY, fd)
        if (recorded(path)) { errno = ENOSYS; return -1; }
    }
    return REAL(copy_file_range)(in, a, out, b, n, flags);
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t n) {
    if (!idle()) {
        int fd = out;
        ON_FD(COPY, fd)
        if (recorded(path)) { errno = ENOSYS; return -1; }
    }
    return syscall(SYS_sendfile, out, in, at, n);
}
int posix_fallocate64(int fd, off64_t at, off64_t n) {
    if (!idle()) {
        char path[PATH_MAX];
        if (ask(FTRUNCATE, of_fd(fd, path), 0) == FAIL) return errno;
        if (recorded(path)) return EOPNOTSUPP;
    }
    return syscall(SYS_fallocate, fd, 0, at, n) < 0 ? errno : 0;
}
