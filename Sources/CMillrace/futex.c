// Sleeping on a 32-bit word and waking who sleeps there.
//
// Never the process-private kind: the words may lie in memory that several processes map.
#include "CMillrace.h"
#include <errno.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int millrace_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds, uint32_t bits) {
    struct timespec limit = {.tv_sec = 0, .tv_nsec = 0};
    if (nanoseconds >= 0) {
        // This kind of wait takes a time of the clock, not a length.
        clock_gettime(CLOCK_MONOTONIC, &limit);
        int64_t fraction = limit.tv_nsec + nanoseconds % 1000000000;
        limit.tv_sec += nanoseconds / 1000000000 + fraction / 1000000000;
        limit.tv_nsec = fraction % 1000000000;
    }
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, nanoseconds < 0 ? NULL : &limit, NULL, bits);
    return result == 0 ? 0 : errno;
}

int millrace_futex_wake(const uint32_t *word, int count, uint32_t bits) {
    long woken = syscall(SYS_futex, word, FUTEX_WAKE_BITSET, count, NULL, NULL, bits);
    return woken < 0 ? 0 : (int)woken;
}

#elif defined(__APPLE__)
#include <os/clock.h>
#include <os/os_sync_wait_on_address.h>

/// Darwin knows no bits: everybody is woken, and those who were not meant sleep again.
int millrace_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds, uint32_t bits) {
    (void)bits;
    void *at = (void *)(uintptr_t)word;
    int result = nanoseconds < 0
        ? os_sync_wait_on_address(at, expected, 4, OS_SYNC_WAIT_ON_ADDRESS_SHARED)
        : os_sync_wait_on_address_with_timeout(
            at, expected, 4, OS_SYNC_WAIT_ON_ADDRESS_SHARED, OS_CLOCK_MACH_ABSOLUTE_TIME,
            nanoseconds == 0 ? 1 : (uint64_t)nanoseconds);
    return result >= 0 ? 0 : errno;
}

/// Darwin does not count the sleepers: the answer is the number of successful wake calls.
int millrace_futex_wake(const uint32_t *word, int count, uint32_t bits) {
    (void)bits;
    void *at = (void *)(uintptr_t)word;
    if (count == INT32_MAX) return os_sync_wake_by_address_all(at, 4, OS_SYNC_WAKE_BY_ADDRESS_SHARED) == 0 ? 1 : 0;
    int woken = 0;
    while (woken < count && os_sync_wake_by_address_any(at, 4, OS_SYNC_WAKE_BY_ADDRESS_SHARED) == 0) woken += 1;
    return woken;
}

#else
#error "Millrace needs a futex: Linux and Darwin are supported"
#endif
