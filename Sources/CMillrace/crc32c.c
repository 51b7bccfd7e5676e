// CRC32C: the choice of a routine, and the portable routine by eight tables.
//
// Convention: a finished CRC is the complement of the register, and a continued one starts from the
// complement of the CRC so far; hence crc(a + b) == crc(b, continuing: crc(a)) and crc of nothing is `crc`.
#include "CMillrace.h"
#include "crc32c_internal.h"

// The CRC is linear over exclusive-or, so a table row for byte b is the sum of the rows for b's bits. Eight
// constants make a table of 256, computed by the compiler. Table k holds the effect of a byte that still
// has k bytes behind it; constant i of a table is the row of bit i.
#define BIT(b, i, c) ((((b) >> (i)) & 1) ? (c) : 0u)
#define ROW1(b, c0, c1, c2, c3, c4, c5, c6, c7) \
    (uint32_t)(BIT(b, 0, c0) ^ BIT(b, 1, c1) ^ BIT(b, 2, c2) ^ BIT(b, 3, c3) \
        ^ BIT(b, 4, c4) ^ BIT(b, 5, c5) ^ BIT(b, 6, c6) ^ BIT(b, 7, c7))
#define ROW4(b, ...) ROW1(b, __VA_ARGS__), ROW1(b + 1, __VA_ARGS__), ROW1(b + 2, __VA_ARGS__), ROW1(b + 3, __VA_ARGS__)
#define ROW16(b, ...) ROW4(b, __VA_ARGS__), ROW4(b + 4, __VA_ARGS__), ROW4(b + 8, __VA_ARGS__), ROW4(b + 12, __VA_ARGS__)
#define ROW64(b, ...) ROW16(b, __VA_ARGS__), ROW16(b + 16, __VA_ARGS__), ROW16(b + 32, __VA_ARGS__), ROW16(b + 48, __VA_ARGS__)
#define TABLE(...) { ROW64(0, __VA_ARGS__), ROW64(64, __VA_ARGS__), ROW64(128, __VA_ARGS__), ROW64(192, __VA_ARGS__) }

static const uint32_t table[8][256] = {
    TABLE(0xF26B8303, 0xE13B70F7, 0xC79A971F, 0x8AD958CF, 0x105EC76F, 0x20BD8EDE, 0x417B1DBC, 0x82F63B78),
    TABLE(0x13A29877, 0x274530EE, 0x4E8A61DC, 0x9D14C3B8, 0x3FC5F181, 0x7F8BE302, 0xFF17C604, 0xFBC3FAF9),
    TABLE(0xA541927E, 0x4F6F520D, 0x9EDEA41A, 0x38513EC5, 0x70A27D8A, 0xE144FB14, 0xC76580D9, 0x8B277743),
    TABLE(0xDD45AAB8, 0xBF672381, 0x7B2231F3, 0xF64463E6, 0xE964B13D, 0xD725148B, 0xABA65FE7, 0x52A0C93F),
    TABLE(0x38116FAC, 0x7022DF58, 0xE045BEB0, 0xC5670B91, 0x8F2261D3, 0x1BA8B557, 0x37516AAE, 0x6EA2D55C),
    TABLE(0xEF306B19, 0xDB8CA0C3, 0xB2F53777, 0x6006181F, 0xC00C303E, 0x85F4168D, 0x0E045BEB, 0x1C08B7D6),
    TABLE(0x68032CC8, 0xD0065990, 0xA5E0C5D1, 0x4E2DFD53, 0x9C5BFAA6, 0x3D5B83BD, 0x7AB7077A, 0xF56E0EF4),
    TABLE(0x493C7D27, 0x9278FA4E, 0x211D826D, 0x423B04DA, 0x847609B4, 0x0D006599, 0x1A00CB32, 0x34019664),
};

uint32_t millrace_crc32c_portable(uint32_t crc, const void *bytes, size_t byteCount) {
    const unsigned char *at = bytes;
    crc = ~crc;
    for (; byteCount >= 8; at += 8, byteCount -= 8) {
        uint64_t word = crc32c_load64(at) ^ crc;
        crc = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255]
            ^ table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255]
            ^ table[1][word >> 48 & 255] ^ table[0][word >> 56];
    }
    for (; byteCount > 0; at += 1, byteCount -= 1) crc = table[0][(crc ^ *at) & 255] ^ crc >> 8;
    return ~crc;
}

// ---- The choice, made once ----

static uint32_t choose_and_run(uint32_t crc, const void *bytes, size_t byteCount);

// Relaxed on both sides: every thread that races here stores the same pointer to constant code.
static crc32c_routine *chosen = choose_and_run;

static uint32_t choose_and_run(uint32_t crc, const void *bytes, size_t byteCount) {
    crc32c_routine *routine = crc32c_hardware();
    if (!routine) routine = millrace_crc32c_portable;
    __atomic_store_n(&chosen, routine, __ATOMIC_RELAXED);
    return routine(crc, bytes, byteCount);
}

uint32_t millrace_crc32c(uint32_t crc, const void *bytes, size_t byteCount) {
    return __atomic_load_n(&chosen, __ATOMIC_RELAXED)(crc, bytes, byteCount);
}

const char *millrace_crc32c_name(void) {
    return crc32c_hardware() ? crc32c_hardware_name : "portable";
}
