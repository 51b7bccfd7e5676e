// What the CRC routines of one processor offer to the dispatcher in crc32c.c. Not visible to Swift.
#ifndef CMILLRACE_CRC32C_INTERNAL_H
#define CMILLRACE_CRC32C_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format and these routines are little-endian");

typedef uint32_t crc32c_routine(uint32_t crc, const void *bytes, size_t byteCount);

/// The hardware routine of this processor, or null when it has none. Asks the processor; cheap, no state.
crc32c_routine *crc32c_hardware(void);
/// The name under which `millrace_crc32c_name` reports the hardware routine.
extern const char crc32c_hardware_name[];

// Reading through memcpy is how C spells an unaligned load; it compiles to one instruction.
static inline uint64_t crc32c_load64(const unsigned char *at) {
    uint64_t value;
    __builtin_memcpy(&value, at, 8);
    return value;
}

static inline uint32_t crc32c_load32(const unsigned char *at) {
    uint32_t value;
    __builtin_memcpy(&value, at, 4);
    return value;
}

#endif
