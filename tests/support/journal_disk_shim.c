/* A disk that a test commands: preloaded into a child process, it stands between the process and the files
 * below one folder. Everything else passes.
 *
 * DISK_FOLDER   the folder whose files it governs (an absolute path without links)
 * DISK_ORDERS   a folder of orders, looked at before each call; a missing file is no order:
 *                 quota       bytes that the files below DISK_FOLDER may take together; more is ENOSPC
 *                 fail_write  any content: writing is EIO
 *                 fail_sync   any content: fdatasync and fsync are EIO
 *                 sync_ms     milliseconds that each fdatasync and fsync takes
 * DISK_LOG      a file that records what reaches the disk, to be replayed up to a power cut:
 *                 'W' path offset length data | 'S' path | 'T' path size | 'U' path | 'R' old new
 *               a path is its length (4 bytes) and its bytes; numbers are 8 bytes, little-endian
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define NEXT(type, name) static type real; if (!real) real = (type)dlsym(RTLD_NEXT, name)

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static int below(const char *path) {
    const char *folder = getenv("DISK_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* Whether a handle is one of the folder itself: its sync makes names durable. */
static int is_folder(int fd) {
    char link[64], path[PATH_MAX];
    const char *folder = getenv("DISK_FOLDER");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0 || !folder) return 0;
    path[length] = 0;
    return strcmp(path, folder) == 0;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static long long order(const char *name) {
    const char *folder = getenv("DISK_ORDERS");
    if (!folder) return -1;
    char path[PATH_MAX], text[32] = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    return length > 0 ? atoll(text) : 1;
}

static long long used(void) {
    const char *folder = getenv("DISK_FOLDER");
    long long sum = 0;
    DIR *dir = opendir(folder);
    if (!dir) return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[PATH_MAX];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) sum += info.st_size;
    }
    closedir(dir);
    return sum;
}

/* Whether a file may grow to this size. */
static int has_room(int fd, long long size) {
    long long quota = order("quota");
    struct stat info;
    if (quota < 0 || fstat(fd, &info) != 0 || size <= info.st_size) return 1;
    return used() + size - info.st_size <= quota;
}

static void put(int fd, const void *bytes, size_t length) {
    typedef ssize_t (*call)(int, const void *, size_t);
    NEXT(call, "write");
    if (real(fd, bytes, length) < 0) _exit(99);
}

static void put_path(int fd, const char *path) {
    unsigned length = strlen(path);
    put(fd, &length, 4);
    put(fd, path, length);
}

static int log_open(void) {
    const char *path = getenv("DISK_LOG");
    if (!path) return -1;
    pthread_mutex_lock(&log_lock);
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void log_close(int fd) {
    close(fd);
    pthread_mutex_unlock(&log_lock);
}

static void log_write(const char *path, const void *data, size_t length, long long offset) {
    int fd = log_open();
    if (fd < 0) return;
    long long size = length;
    put(fd, "W", 1);
    put_path(fd, path);
    put(fd, &offset, 8);
    put(fd, &size, 8);
    put(fd, data, length);
    log_close(fd);
}

static void log_path(char what, const char *path, const char *other, long long size) {
    int fd = log_open();
    if (fd < 0) return;
    put(fd, &what, 1);
    put_path(fd, path);
    if (other) put_path(fd, other);
    if (what == 'T') put(fd, &size, 8);
    log_close(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    typedef ssize_t (*call)(int, const void *, size_t, off64_t);
    NEXT(call, "pwrite64");
    char path[PATH_MAX];
    if (!path_of(fd, path)) return real(fd, data, length, offset);
    if (order("fail_write") >= 0) { errno = EIO; return -1; }
    if (!has_room(fd, offset + length)) { errno = ENOSPC; return -1; }
    ssize_t written = real(fd, data, length, offset);
    if (written > 0) log_write(path, data, written, offset);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return pwrite64(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
    typedef ssize_t (*call)(int, const void *, size_t);
    NEXT(call, "write");
    char path[PATH_MAX];
    if (!path_of(fd, path)) return real(fd, data, length);
    if (order("fail_write") >= 0) { errno = EIO; return -1; }
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (!has_room(fd, offset + length)) { errno = ENOSPC; return -1; }
    ssize_t written = real(fd, data, length);
    if (written > 0) log_write(path, data, written, offset);
    return written;
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    typedef int (*call)(int, off64_t, off64_t);
    NEXT(call, "posix_fallocate64");
    char path[PATH_MAX];
    if (path_of(fd, path) && !has_room(fd, offset + length)) return ENOSPC;
    return real(fd, offset, length);
}

int posix_fallocate(int fd, off_t offset, off_t length) {
    return posix_fallocate64(fd, offset, length);
}

int ftruncate64(int fd, off64_t size) {
    typedef int (*call)(int, off64_t);
    NEXT(call, "ftruncate64");
    char path[PATH_MAX];
    int ours = path_of(fd, path);
    if (ours && !has_room(fd, size)) { errno = ENOSPC; return -1; }
    int result = real(fd, size);
    if (ours && result == 0) log_path('T', path, NULL, size);
    return result;
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

static int sync_ordered(int fd, int (*real)(int)) {
    char path[PATH_MAX];
    if (is_folder(fd)) {
        int result = real(fd);
        if (result == 0) log_path('S', getenv("DISK_FOLDER"), NULL, 0);
        return result;
    }
    if (!path_of(fd, path)) return real(fd);
    long long ms = order("sync_ms");
    if (ms > 0) {
        struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
        nanosleep(&pause, NULL);
    }
    if (order("fail_sync") >= 0) { errno = EIO; return -1; }
    int result = real(fd);
    if (result == 0) log_path('S', path, NULL, 0);
    return result;
}

int fdatasync(int fd) {
    typedef int (*call)(int);
    NEXT(call, "fdatasync");
    return sync_ordered(fd, real);
}

int fsync(int fd) {
    typedef int (*call)(int);
    NEXT(call, "fsync");
    return sync_ordered(fd, real);
}

int unlink(const char *path) {
    typedef int (*call)(const char *);
    NEXT(call, "unlink");
    int result = real(path);
    if (result == 0 && below(path)) log_path('U', path, NULL, 0);
    return result;
}

int rename(const char *old, const char *new) {
    typedef int (*call)(const char *, const char *);
    NEXT(call, "rename");
    int result = real(old, new);
    if (result == 0 && below(old)) log_path('R', old, new, 0);
    return result;
}

int statvfs64(const char *path, struct statvfs64 *disk) {
    typedef int (*call)(const char *, struct statvfs64 *);
    NEXT(call, "statvfs64");
    int result = real(path, disk);
    long long quota = order("quota");
    const char *folder = getenv("DISK_FOLDER");
    if (result == 0 && quota >= 0 && folder && strncmp(path, folder, strlen(folder)) == 0) {
        long long room = quota - used();
        disk->f_blocks = quota / disk->f_frsize;
        disk->f_bavail = disk->f_bfree = room > 0 ? room / disk->f_frsize : 0;
    }
    return result;
}

int statvfs(const char *path, struct statvfs *disk) {
    return statvfs64(path, (struct statvfs64 *)disk);
}
