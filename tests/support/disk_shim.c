/* A disk that hangs or fills up at a test's word, laid under one program by LD_PRELOAD.
 *
 * VELGATE_DISK_FOLDER   files below this folder stand on the disk (an absolute path without links)
 * VELGATE_DISK_CONTROL  a folder in which the test writes, at any time:
 *   hang      while it exists, fsync and fdatasync do not return
 *   sync_ms   so many milliseconds are added to each fsync and fdatasync
 *   bytes     the size of the disk: what would make its files larger together is refused with ENOSPC,
 *             and statvfs tells what is left
 *
 * A write within a file's present size takes no room, as on a real disk.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096LL
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void nap(long ms)
{
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

/* Give the number in a control file; -1 where it is not there. */
static long long control(const char *name)
{
    const char *folder = getenv("VELGATE_DISK_CONTROL");
    char path[PATH_MAX], text[32] = "";
    if (!folder || snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return -1;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    return got > 0 ? atoll(text) : 0;
}

static int below(const char *path)
{
    const char *folder = getenv("VELGATE_DISK_FOLDER");
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static int on_disk(int file)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t got = readlink(link, path, sizeof path - 1);
    if (got < 0)
        return 0;
    path[got] = 0;
    return below(path);
}

static long long used(void)
{
    const char *folder = getenv("VELGATE_DISK_FOLDER");
    DIR *entries = folder ? opendir(folder) : NULL;
    long long sum = 0;
    if (!entries)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries));) {
        struct stat status;
        if (!fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) && S_ISREG(status.st_mode))
            sum += status.st_size;
    }
    closedir(entries);
    return sum;
}

/* Tell whether a file of the disk may reach to `end`; errno says why not. */
static int fits(int file, long long end)
{
    int before = errno;
    long long bytes = control("bytes");
    struct stat status;
    if (bytes >= 0 && on_disk(file) && !fstat(file, &status) && S_ISREG(status.st_mode) &&
        end > status.st_size && used() + end - status.st_size > bytes) {
        errno = ENOSPC;
        return 0;
    }
    errno = before;
    return 1;
}

static void wait_for_disk(int file)
{
    int before = errno;
    if (on_disk(file)) {
        long long ms = control("sync_ms");
        if (ms > 0)
            nap(ms);
        while (control("hang") >= 0)
            nap(5);
    }
    errno = before;
}

int fsync(int file)
{
    wait_for_disk(file);
    return REAL(fsync)(file);
}

int fdatasync(int file)
{
    wait_for_disk(file);
    return REAL(fdatasync)(file);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t at)
{
    return fits(file, at + (long long)length) ? REAL(pwrite)(file, data, length, at) : -1;
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t at)
{
    return fits(file, at + (long long)length) ? REAL(pwrite64)(file, data, length, at) : -1;
}

ssize_t write(int file, const void *data, size_t length)
{
    struct stat status;
    off_t at = 0;
    if (control("bytes") >= 0 && !fstat(file, &status) && S_ISREG(status.st_mode))
        at = fcntl(file, F_GETFL) & O_APPEND ? status.st_size : lseek(file, 0, SEEK_CUR);
    return fits(file, at + (long long)length) ? REAL(write)(file, data, length) : -1;
}

int ftruncate(int file, off_t length)
{
    return fits(file, length) ? REAL(ftruncate)(file, length) : -1;
}

int ftruncate64(int file, off64_t length)
{
    return fits(file, length) ? REAL(ftruncate64)(file, length) : -1;
}

int posix_fallocate(int file, off_t at, off_t length)
{
    return fits(file, at + length) ? REAL(posix_fallocate)(file, at, length) : ENOSPC;
}

int posix_fallocate64(int file, off64_t at, off64_t length)
{
    return fits(file, at + length) ? REAL(posix_fallocate64)(file, at, length) : ENOSPC;
}

#define TELL_ROOM(disk)                                                                                      \
    do {                                                                                                     \
        long long bytes = control("bytes"), taken = used();                                                 \
        if (bytes >= 0) {                                                                                    \
            (disk)->f_frsize = (disk)->f_bsize = BLOCK;                                                      \
            (disk)->f_blocks = bytes / BLOCK;                                                                \
            (disk)->f_bfree = (disk)->f_bavail = bytes > taken ? (bytes - taken) / BLOCK : 0;                \
        }                                                                                                    \
    } while (0)

int statvfs(const char *path, struct statvfs *disk)
{
    int result = REAL(statvfs)(path, disk);
    if (!result && below(path))
        TELL_ROOM(disk);
    return result;
}

int statvfs64(const char *path, struct statvfs64 *disk)
{
    int result = REAL(statvfs64)(path, disk);
    if (!result && below(path))
        TELL_ROOM(disk);
    return result;
}
