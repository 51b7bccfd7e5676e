// System calls that Swift does not import: each returns the call's result, with -errno in place of -1.
// Nothing here retries or loops; that is decided in Swift, where it can be tested.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CMillrace.h"
#include <errno.h>
#include <pthread.h>
#include <fcntl.h>
#if defined(__APPLE__)
#include <pthread/qos.h>
#endif
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER(call) ((call) < 0 ? -errno : 0)

int millrace_openat(int directory, const char *name, int flags, unsigned mode) {
    int file = openat(directory, name, flags, (mode_t)mode);
    return file < 0 ? -errno : file;
}

ssize_t millrace_pwritev(int file, const struct iovec *vectors, int count, int64_t byteOffset) {
    ssize_t written = pwritev(file, vectors, count, byteOffset);
    return written < 0 ? -errno : written;
}

#if defined(__linux__)

// A file system that does not know RWF_NOWAIT (EOPNOTSUPP: tmpfs on older kernels, FUSE, network file
// systems) or a kernel that does not (ENOSYS, EINVAL) cannot say whether a read would wait. The answer is
// then "it might", -EAGAIN: the caller reads where waiting is allowed. Never a plain read, which would
// make the promise false on exactly the slow file systems.
ssize_t millrace_pread_nowait(int file, void *into, size_t byteCount, int64_t byteOffset) {
    struct iovec vector = {.iov_base = into, .iov_len = byteCount};
    ssize_t count = preadv2(file, &vector, 1, byteOffset, RWF_NOWAIT);
    if (count >= 0) return count;
    return errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL ? -EAGAIN : -errno;
}

int millrace_fallocate(int file, int64_t byteCount) { return ANSWER(fallocate(file, 0, 0, byteCount)); }

ssize_t millrace_copy_range(int source, int target, int64_t byteOffset, size_t byteCount) {
    off_t from = byteOffset, to = byteOffset;
    ssize_t count = copy_file_range(source, &from, target, &to, byteCount, 0);
    return count < 0 ? -errno : count;
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

int millrace_populate(void *at, size_t byteCount, int write) {
    return ANSWER(madvise(at, byteCount, write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ));
}

int millrace_full_sync(int file) { return ANSWER(fsync(file)); }

int millrace_give_back(void *at, size_t byteCount) { return ANSWER(madvise(at, byteCount, MADV_DONTNEED)); }

void millrace_start_reading(int file, int64_t byteOffset, int64_t byteCount) {
    (void)posix_fadvise(file, byteOffset, byteCount, POSIX_FADV_WILLNEED);
}

#else

ssize_t millrace_pread_nowait(int file, void *into, size_t byteCount, int64_t byteOffset) {
    (void)file, (void)into, (void)byteCount, (void)byteOffset;
    return -EAGAIN;  // Darwin cannot tell; see above for why this is the answer.
}

int millrace_fallocate(int file, int64_t byteCount) {
    struct stat status;
    if (fstat(file, &status) < 0) return -errno;
    if (status.st_size >= byteCount) return 0;
    fstore_t request = {
        .fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = byteCount - status.st_size};
    if (fcntl(file, F_PREALLOCATE, &request) < 0) return -errno;
    return ANSWER(ftruncate(file, byteCount));
}

ssize_t millrace_copy_range(int source, int target, int64_t byteOffset, size_t byteCount) {
    (void)source, (void)target, (void)byteOffset, (void)byteCount;
    return -EOPNOTSUPP;
}

// Darwin has no advice that reports an unreadable page: -EINVAL, as from a Linux kernel that does not know it.
int millrace_populate(void *at, size_t byteCount, int write) {
    (void)at, (void)byteCount, (void)write;
    return -EINVAL;
}

int millrace_full_sync(int file) { return ANSWER(fcntl(file, F_FULLFSYNC)); }

int millrace_give_back(void *at, size_t byteCount) {
    void *fresh = mmap(at, byteCount, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANON, -1, 0);
    return fresh == MAP_FAILED ? -errno : 0;
}

void millrace_start_reading(int file, int64_t byteOffset, int64_t byteCount) {
    struct radvisory range = {.ra_offset = byteOffset, .ra_count = (int)byteCount};
    (void)fcntl(file, F_RDADVISE, &range);
}

#endif

void millrace_prefer_huge_pages(void *at, size_t byteCount) {
#if defined(MADV_HUGEPAGE)
    madvise(at, byteCount, MADV_HUGEPAGE);
#else
    (void)at, (void)byteCount;
#endif
}

void millrace_yield_to_others(void) {
#if defined(__linux__)
    // Of the calling thread alone. Where it is refused the thread stays as important as the others.
    (void)setpriority(PRIO_PROCESS, 0, 10);
#else
    (void)pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
#endif
}

void millrace_name_thread(const char *name) {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#else
    pthread_setname_np(name);
#endif
}
