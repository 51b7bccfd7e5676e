// The small piece of C that Swift cannot write: atomics on shared memory, CRC32C by hardware
// instructions, futexes, and the system calls that Swift does not import.
//
// Everything here is either a static inline (so that it costs nothing in Swift) or one plain function
// of floor 0. Nothing here allocates, logs or keeps state, except the one-time choice of a CRC routine.
#ifndef CMILLRACE_H
#define CMILLRACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// ---- Atomics on plain, naturally aligned memory (shared between threads, later between processes) ----
// Swift's `Atomic` lives inside Swift objects; these words live at documented offsets of an arena.

static inline uint64_t millrace_load_relaxed(const void *at) { return __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED); }
static inline uint64_t millrace_load_acquire(const void *at) { return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE); }
static inline uint64_t millrace_load_ordered(const void *at) { return __atomic_load_n((const uint64_t *)at, __ATOMIC_SEQ_CST); }
static inline void millrace_store_relaxed(void *at, uint64_t value) { __atomic_store_n((uint64_t *)at, value, __ATOMIC_RELAXED); }
static inline void millrace_store_release(void *at, uint64_t value) { __atomic_store_n((uint64_t *)at, value, __ATOMIC_RELEASE); }
static inline void millrace_store_ordered(void *at, uint64_t value) { __atomic_store_n((uint64_t *)at, value, __ATOMIC_SEQ_CST); }
static inline uint64_t millrace_exchange(void *at, uint64_t value) { return __atomic_exchange_n((uint64_t *)at, value, __ATOMIC_SEQ_CST); }
static inline uint64_t millrace_add(void *at, uint64_t value) { return __atomic_fetch_add((uint64_t *)at, value, __ATOMIC_SEQ_CST); }
static inline uint64_t millrace_subtract(void *at, uint64_t value) { return __atomic_fetch_sub((uint64_t *)at, value, __ATOMIC_SEQ_CST); }
/// Sequentially consistent compare-and-exchange; true when `at` held `expected` and now holds `desired`.
static inline _Bool millrace_compare_exchange(void *at, uint64_t expected, uint64_t desired) {
    return __atomic_compare_exchange_n((uint64_t *)at, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}
static inline uint32_t millrace_load32_acquire(const void *at) { return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE); }
static inline uint32_t millrace_add32(void *at, uint32_t value) { return __atomic_fetch_add((uint32_t *)at, value, __ATOMIC_SEQ_CST); }
static inline void millrace_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static inline void millrace_spin_hint(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/// Has the processor fetch the cache line that is about to be written. Changes nothing; any address will do.
static inline void millrace_prefetch_for_writing(const void *at) { __builtin_prefetch(at, 1, 3); }

// ---- References to Swift objects ----

/// Adds `count` references to a Swift object.
void millrace_retain(const void *object, uint32_t count);
/// Gives `count` of them back.
void millrace_release(const void *object, uint32_t count);

// ---- CRC32C (Castagnoli, reflected polynomial 0x82F63B78), RFC 3720 B.4 ----

/// The CRC32C of `byteCount` bytes continued from `crc` (0 to start; the result of an earlier call to go on).
uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t byteCount);
/// The same by tables only; the oracle of the hardware routine and the fallback where there is none.
uint32_t millrace_crc32c_portable(uint32_t crc, const void *bytes, size_t byteCount);
/// "sse4.2", "armv8-crc" or "portable": what `millrace_crc32c` uses on this processor.
const char *millrace_crc32c_name(void);

// ---- Futex on a 32-bit word ----

/// Sleeps while `*word == expected`, at most `nanoseconds` (negative: without limit), until it is woken by one of `bits`, which is not 0.
/// Returns 0 when woken, EAGAIN when the word differed, ETIMEDOUT, or EINTR. Callers recheck their condition.
int millrace_futex_wait(const uint32_t *word, uint32_t expected, int64_t nanoseconds, uint32_t bits);
/// Wakes at most `count` sleepers that have one of `bits`; returns how many.
int millrace_futex_wake(const uint32_t *word, int count, uint32_t bits);

// ---- System calls that Swift cannot import (variadic, or missing from its C library overlay) ----
// Each returns the call's own result, with -errno in place of -1.

int millrace_openat(int directory, const char *name, int flags, unsigned mode);
ssize_t millrace_pwritev(int file, const struct iovec *vectors, int count, int64_t byteOffset);
/// preadv2 with RWF_NOWAIT: -EAGAIN when the range is not in memory, or when the file system cannot tell.
/// May answer with the part that is in memory.
ssize_t millrace_pread_nowait(int file, void *into, size_t byteCount, int64_t byteOffset);
int millrace_fallocate(int file, int64_t byteCount);
/// MADV_POPULATE_READ (write == 0) or MADV_POPULATE_WRITE: makes the pages resident, an error in place of a signal.
int millrace_populate(void *at, size_t byteCount, int write);
/// Asks for pages of 2 MiB where the system has them; a hint.
void millrace_prefer_huge_pages(void *at, size_t byteCount);
/// Returns the pages of an anonymous mapping to the system (they read as zeros afterwards).
int millrace_give_back(void *at, size_t byteCount);
/// F_FULLFSYNC on Darwin, where fsync leaves bytes in the drive; fsync elsewhere.
int millrace_full_sync(int file);
/// A hint: the range is wanted in memory, and nothing around it.
void millrace_start_reading(int file, int64_t byteOffset, int64_t byteCount);

/// copy_file_range from and to the same place; -EOPNOTSUPP where the system has no such call.
ssize_t millrace_copy_range(int source, int target, int64_t byteOffset, size_t byteCount);

/// Lets other threads have the processor first, as far as the system lets the calling thread be told so.
void millrace_yield_to_others(void);

/// Names the calling thread, for debuggers and profilers; at most 15 bytes.
void millrace_name_thread(const char *name);

#endif
