// CRC32C by the CRC extension of ARMv8, three streams at a time.
//
// Same plan as on x86-64. The joining multiplication modulo P is done bit by bit, because carry-less
// multiplication is a separate extension on ARM: some 60 cycles for 12 KiB, so there is one stretch only.
#if defined(__aarch64__)
#include "crc32c_internal.h"
#include <arm_acle.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

const char crc32c_hardware_name[] = "armv8-crc";

#define HARDWARE __attribute__((target("crc")))
// The stretch in bytes, and its weight x^(8 * STRETCH) mod P.
#define STRETCH 1024
#define PAST1 0xE4172B16

/// a * b mod P in reflected order: bit 31 stands for x^0.
static uint32_t multiply(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (int i = 0; i < 32; i++) {
        product ^= b & (0u - (a >> 31));
        a <<= 1;
        b = b >> 1 ^ (0x82F63B78 & (0u - (b & 1)));
    }
    return product;
}

HARDWARE static uint32_t crc32c_armv8(uint32_t before, const void *bytes, size_t byteCount) {
    const unsigned char *at = bytes, *end = at + byteCount;
    uint32_t crc = ~before;
    while ((size_t)(end - at) >= 3 * STRETCH) {
        uint32_t a = crc, b = 0, c = 0;
        for (size_t i = 0; i < STRETCH; i += 8) {
            a = __crc32cd(a, crc32c_load64(at + i));
            b = __crc32cd(b, crc32c_load64(at + STRETCH + i));
            c = __crc32cd(c, crc32c_load64(at + 2 * STRETCH + i));
        }
        // Two stretches weigh the square of one.
        crc = multiply(multiply(a, PAST1) ^ b, PAST1) ^ c;
        at += 3 * STRETCH;
    }
    for (; end - at >= 8; at += 8) crc = __crc32cd(crc, crc32c_load64(at));
    for (; at < end; at += 1) crc = __crc32cb(crc, *at);
    return ~crc;
}

crc32c_routine *crc32c_hardware(void) {
#if defined(__APPLE__)
    return crc32c_armv8;  // Every Apple processor that runs macOS on ARM has the extension.
#elif defined(__linux__)
    enum { hwcap_crc32 = 1 << 7 };  // HWCAP_CRC32 of asm/hwcap.h
    return getauxval(AT_HWCAP) & hwcap_crc32 ? crc32c_armv8 : NULL;
#else
    return NULL;
#endif
}
#endif
