// CRC32C by the crc32 instruction of SSE4.2, three streams at a time.
//
// The instruction takes 8 bytes a cycle but answers after 3 cycles, so one stream alone gets a third of the
// speed. Three neighbouring stretches are run side by side and then joined: a register followed by n more
// bytes is worth register * x^(8n) mod P, which is one carry-less multiplication and one crc32 step.
// The crc32 step of a 64-bit word itself multiplies by x^32, and a product of two reflected 32-bit values
// stands one bit too far, hence the constants are x^(8n - 33) mod P. The tests compare with the tables.
#if defined(__x86_64__)
#include "crc32c_internal.h"
#include <immintrin.h>

const char crc32c_hardware_name[] = "sse4.2";

#define HARDWARE __attribute__((target("sse4.2,pclmul")))

/// The two 32-bit values multiplied without carries.
HARDWARE static inline uint64_t multiply(uint32_t a, uint32_t b) {
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/// Advances `*crc` over as many groups of three stretches of `stretch` bytes as there are (a multiple of 8).
/// `past2` and `past1` are x^(8n - 33) for n = two stretches and one. Returns the first byte not taken.
HARDWARE static inline __attribute__((always_inline)) const unsigned char *three_streams(
    uint64_t *crc, const unsigned char *at, const unsigned char *end, size_t stretch, uint32_t past2, uint32_t past1
) {
    while ((size_t)(end - at) >= 3 * stretch) {
        uint64_t a = *crc, b = 0, c = 0;
        for (size_t i = 0; i < stretch; i += 8) {
            a = _mm_crc32_u64(a, crc32c_load64(at + i));
            b = _mm_crc32_u64(b, crc32c_load64(at + stretch + i));
            c = _mm_crc32_u64(c, crc32c_load64(at + 2 * stretch + i));
        }
        *crc = _mm_crc32_u64(0, multiply((uint32_t)a, past2) ^ multiply((uint32_t)b, past1)) ^ c;
        at += 3 * stretch;
    }
    return at;
}

HARDWARE static uint32_t crc32c_sse42(uint32_t before, const void *bytes, size_t byteCount) {
    const unsigned char *at = bytes, *end = at + byteCount;
    uint64_t crc = (uint32_t)~before;
    at = three_streams(&crc, at, end, 4096, 0x54A86326, 0x82F89C77);
    at = three_streams(&crc, at, end, 512, 0x170076FA, 0xDD7E3B0C);
    at = three_streams(&crc, at, end, 64, 0x0D3B6092, 0x9E4ADDF8);
    for (; end - at >= 8; at += 8) crc = _mm_crc32_u64(crc, crc32c_load64(at));
    uint32_t rest = (uint32_t)crc;
    if (end - at >= 4) {
        rest = _mm_crc32_u32(rest, crc32c_load32(at));
        at += 4;
    }
    for (; at < end; at += 1) rest = _mm_crc32_u8(rest, *at);
    return ~rest;
}

crc32c_routine *crc32c_hardware(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") ? crc32c_sse42 : NULL;
}
#elif !defined(__aarch64__)
#include "crc32c_internal.h"

const char crc32c_hardware_name[] = "none";

crc32c_routine *crc32c_hardware(void) { return NULL; }
#endif
